//! `interrupt`: stop what agents are doing now.

use super::exit::Failure;
use super::several::{self, Failures};
use super::{Context, complete};
use crate::domain::text::sanitize_line;

/// Arguments of `interrupt`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Example:\n  \
    humanlayer interrupt 1a2b3c4d\n\n\
    The session lives on and takes the next message; `humanlayer end` ends it.\n\
    If one of several ids is not found, none is interrupted.")]
pub struct Args {
    /// The sessions
    #[arg(required = true, value_name = "ID", add = complete::sessions())]
    pub ids: Vec<String>,
}

/// Interrupts the sessions' turns.
pub async fn run(args: Args, mut context: Context) -> Result<(), Failure> {
    let client = context.client().await?;
    let mut failures = Failures::default();
    for session in several::find(&client, &args.ids).await? {
        match client.interrupt_session(&session.id).await {
            Ok(answer) => context.out.line(format!(
                "{} {}",
                sanitize_line(&answer.session_id),
                sanitize_line(&answer.status)
            ))?,
            Err(error) => failures.add(&session.id, error),
        }
    }
    failures.end()
}
