//! `send`: a message to a live session.

use super::exit::Failure;
use super::{Context, input};
use crate::domain::text::sanitize_line;
use crate::protocol::error::ErrorKind;
use crate::protocol::session::SendMessageParams;

/// Arguments of `send`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n  \
    humanlayer send 1a2b3c4d \"also update the docs\"\n  \
    humanlayer send 1a2b3c4d - < notes.txt\n\n\
    While a turn runs, the agent takes the message up after it.")]
pub struct Args {
    /// The session
    pub id: String,

    /// The message; `-` reads it from standard input
    pub text: String,
}

/// Sends a message.
pub async fn run(args: Args, mut context: Context) -> Result<(), Failure> {
    let message = input::message(&args.text, "message")?;
    let params = SendMessageParams {
        session_id: args.id.clone(),
        message,
    };
    let sent = context.client().await?.send_message(&params).await;
    let answer = match sent {
        Err(error) if error.is(ErrorKind::Conflict) => {
            return Err(Failure::from(error).with_hint(format!(
                "if its process has ended: humanlayer continue {} TEXT",
                args.id
            )));
        }
        settled => settled?,
    };
    context.out.line(format!(
        "{} {}",
        sanitize_line(&answer.session.id),
        answer.session.status.as_str()
    ))?;
    Ok(())
}
