//! `export`: a whole conversation as Markdown or JSON.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::json;
use tempfile::NamedTempFile;

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
    ///
    /// Default: md, or json with --json.
    #[arg(long, value_enum)]
    pub format: Option<Format>,
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
    let format = args.format.unwrap_or(match context.out.is_json() {
        true => Format::Json,
        false => Format::Md,
    });
    let text = match format {
        Format::Md => {
            let mut transcript = Transcript::new();
            transcript.replace(events, false);
            transcript.to_document(&session)
        }
        Format::Json => safe_json(&serde_json::to_string_pretty(&events)?).into_owned(),
    };
    match args.output {
        None if format == Format::Md && context.out.is_json() => {
            context.out.json(&json!({"markdown": text.trim_end()}))
        }
        None => write(&mut context.out, &text),
        Some(file) => {
            create(&file, &text)?;
            let written = json!({"file": std::path::absolute(&file)?});
            context.out.result(&written, |_| Ok(()))
        }
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
    // Beside its place first: the file is there whole, or not at all.
    let directory = match file.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let mut new = NamedTempFile::new_in(directory).map_err(failed)?;
    writeln!(new, "{}", text.trim_end()).map_err(failed)?;
    new.as_file().sync_all().map_err(failed)?;
    match new.persist_noclobber(file) {
        Ok(_) => Ok(()),
        Err(error) => Err(failed(error.error)),
    }
}
