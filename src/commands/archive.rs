//! `archive`: put sessions away, or take them back.

use super::exit::Failure;
use super::{Context, output};
use crate::domain::text::sanitize_line;
use crate::protocol::session::ArchiveSessionParams;

/// Arguments of `archive`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n  \
    humanlayer archive 1a2b3c4d 5e6f7a8b\n  \
    humanlayer archive --undo 1a2b3c4d")]
pub struct Args {
    /// The sessions
    #[arg(required = true)]
    pub ids: Vec<String>,

    /// Take them back
    #[arg(long)]
    pub undo: bool,
}

/// Archives all that can be; the first failure decides the exit code.
pub async fn run(args: Args, mut context: Context) -> Result<(), Failure> {
    let client = context.client().await?;
    let mut first_failure = None;
    for id in args.ids {
        let params = ArchiveSessionParams {
            session_id: id,
            archived: !args.undo,
        };
        match client.archive_session(&params).await {
            Ok(_) => context.out.line(sanitize_line(&params.session_id))?,
            Err(error) => {
                output::warn(&format!("{}: {error}", params.session_id));
                first_failure.get_or_insert(Failure::Silent(Failure::from(error).exit()));
            }
        }
    }
    first_failure.map_or(Ok(()), Err)
}
