//! `send`: a message to a session. One whose process has ended is resumed.

use super::exit::Failure;
use super::{Context, input, output};
use crate::domain::text::sanitize_line;
use crate::protocol::session::{SendMessageParams, SessionState};

/// Arguments of `send`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n  \
    humanlayer send 1a2b3c4d \"also update the docs\"\n  \
    humanlayer send 1a2b3c4d - < notes.txt\n\n\
    While a turn runs, the agent takes the message up after it. A session whose\n\
    process has ended is resumed, in the permission mode in which it was.")]
pub struct Args {
    /// The session
    pub id: String,

    /// The message; `-` reads it from standard input
    pub text: String,
}

/// Sends a message.
pub async fn run(args: Args, mut context: Context) -> Result<(), Failure> {
    let session = message(&mut context, args.id, &args.text).await?;
    context.out.line(format!(
        "{} {}",
        sanitize_line(&session.id),
        session.status.as_str()
    ))?;
    Ok(())
}

/// Sends a message to a session, with this process's environment for the case that it is resumed.
pub(super) async fn message(
    context: &mut Context,
    session_id: String,
    text: &str,
) -> Result<SessionState, Failure> {
    let params = SendMessageParams {
        session_id,
        message: input::message(text, "message")?,
        env: Some(input::environment()),
    };
    let session = context.client().await?.send_message(&params).await?.session;
    if let Some(missing) = &session.waiting_for {
        output::warn(&format!("the message is kept, not sent yet: {missing}"));
    }
    Ok(session)
}
