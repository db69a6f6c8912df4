//! `end`: end the processes of sessions.

use super::exit::Failure;
use super::several::{self, Failures};
use super::{Context, complete};
use crate::domain::text::sanitize_line;

/// Arguments of `end`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n  \
    humanlayer end 1a2b3c4d\n  \
    humanlayer end $(humanlayer sessions -q --status running)\n\n\
    If one of several ids is not found, none is ended. The conversation is kept;\n\
    a later message resumes it.")]
pub struct Args {
    /// The sessions
    #[arg(required = true, value_name = "ID", add = complete::sessions())]
    pub ids: Vec<String>,
}

/// Ends the sessions' processes.
pub async fn run(args: Args, mut context: Context) -> Result<(), Failure> {
    let client = context.client().await?;
    let mut failures = Failures::default();
    for session in several::find(&client, &args.ids).await? {
        match client.end_session(&session.id).await {
            Ok(ended) => context.out.line(format!(
                "{} {}",
                sanitize_line(&ended.session.id),
                ended.session.status.as_str()
            ))?,
            Err(error) => failures.add(&session.id, error),
        }
    }
    failures.end()
}
