//! `export`: a whole conversation as Markdown or JSON.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::exit::Failure;
use super::output::{Output, safe_json};
use super::{Context, complete};
use crate::client::conversation;
use crate::protocol::conversation::GetConversationParams;
use crate::tui::transcript::Transcript;

/// Arguments of `export`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n  \
    humanlayer export 1a2b3c4d > session.md\n  \
    humanlayer export 1a2b3c4d --output session.md\n  \
    humanlayer export 1a2b3c4d --format json | jq '.[].event_type'")]
pub struct Args {
    /// The session
    #[arg(add = complete::sessions())]
    pub id: String,

    /// Write to a new file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// The format
    #[arg(long, value_enum, default_value_t = Format::Md)]
    pub format: Format,
}

/// In which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Markdown, to read
    Md,
    /// The conversation's events, as `getConversation` gives them
    Json,
}

/// Exports a conversation.
pub async fn run(args: Args, mut context: Context) -> Result<(), Failure> {
    let client = context.client().await?;
    let session = client.get_session_state(&args.id).await?;
    let ask = async |params: &GetConversationParams| client.get_conversation(params).await;
    let events = conversation::whole(ask, &session.id).await?;
    let text = match args.format {
        Format::Md => {
            let mut transcript = Transcript::new();
            transcript.replace(events, false);
            transcript.to_document(&session)
        }
        Format::Json => safe_json(&serde_json::to_string_pretty(&events)?).into_owned(),
    };
    match args.output {
        None => write(&mut context.out, &text),
        Some(file) => create(&file, &text),
    }
}

fn write(out: &mut Output, text: &str) -> Result<(), Failure> {
    Ok(out.line(text.trim_end())?)
}

/// Writes a new file, for this user alone; one that is there is left as it is.
fn create(file: &Path, text: &str) -> Result<(), Failure> {
    let failed = |cause: std::io::Error| {
        let failure = Failure::failed(format!("writing {}: {cause}", file.display()));
        match cause.kind() {
            std::io::ErrorKind::AlreadyExists => {
                failure.with_hint("name another file, or remove this one first")
            }
            _ => failure,
        }
    };
    let mut new = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .map_err(failed)?;
    writeln!(new, "{}", text.trim_end()).map_err(failed)
}
