//! `interrupt`: stop what an agent is doing now.

use super::Context;
use super::exit::Failure;
use crate::domain::text::sanitize_line;

/// Arguments of `interrupt`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Example:\n  \
    humanlayer interrupt 1a2b3c4d\n\n\
    The session lives on and takes the next message; `end` ends it.")]
pub struct Args {
    /// The session
    pub id: String,
}

/// Interrupts a session's turn.
pub async fn run(args: Args, mut context: Context) -> Result<(), Failure> {
    let answer = context.client().await?.interrupt_session(&args.id).await?;
    context.out.line(format!(
        "{} {}",
        sanitize_line(&answer.session_id),
        sanitize_line(&answer.status)
    ))?;
    Ok(())
}
