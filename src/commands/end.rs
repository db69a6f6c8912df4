//! `end`: end a session's process.

use super::Context;
use super::exit::Failure;
use crate::domain::text::sanitize_line;

/// Arguments of `end`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Example:\n  \
    humanlayer end 1a2b3c4d\n\n\
    `humanlayer continue` goes on with its conversation in a new session.")]
pub struct Args {
    /// The session
    pub id: String,
}

/// Ends a session's process.
pub async fn run(args: Args, mut context: Context) -> Result<(), Failure> {
    let session = context.client().await?.end_session(&args.id).await?.session;
    context.out.line(format!(
        "{} {}",
        sanitize_line(&session.id),
        session.status.as_str()
    ))?;
    Ok(())
}
