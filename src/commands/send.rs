//! `send`: a message to a session. One whose process has ended is resumed.

use super::exit::Failure;
use super::{Context, input, output, printer};
use crate::domain::text::sanitize_line;
use crate::format;
use crate::protocol::session::{SendMessageParams, SendMessageResponse};

/// Arguments of `send`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n  \
    humanlayer send 1a2b3c4d \"also update the docs\"\n  \
    humanlayer send 1a2b3c4d - < notes.txt\n\n\
    While a turn runs, the message is queued: the agent reads it between two steps of\n\
    its turn or after it, and until then `humanlayer unsend` withdraws it. A session whose\n\
    process has ended is resumed, in the permission mode in which it was.")]
pub struct Args {
    /// The session
    pub id: String,

    /// The message; `-` reads it from standard input
    pub text: String,
}

/// Sends a message.
pub async fn run(args: Args, mut context: Context) -> Result<(), Failure> {
    let sent = message(&mut context, args.id, &args.text).await?;
    let session = &sent.session;
    context
        .out
        .result(&sent, |out| out.line(printer::session_line(session)))?;
    if context.out.is_json() {
        return Ok(());
    }
    if let (true, None, Some(id)) = (sent.queued, &session.waiting_for, sent.message_id) {
        output::note(&format!(
            "Queued: the agent reads it during its present turn or after it. `humanlayer unsend {} {id}` withdraws it until then.",
            sanitize_line(&format::session_id(&session.id, true))
        ));
    }
    Ok(())
}

/// Sends a message to a session, with this process's environment for the case that it is resumed.
pub(super) async fn message(
    context: &mut Context,
    session_id: String,
    text: &str,
) -> Result<SendMessageResponse, Failure> {
    let params = SendMessageParams {
        session_id,
        message: input::message(text, "message")?,
        env: Some(input::environment()),
    };
    let sent = context.client().await?.send_message(&params).await?;
    if let Some(missing) = &sent.session.waiting_for {
        let mut words = format!("the message is kept, not sent yet: {missing}");
        if let Some(elsewhere) = format::elsewhere(&sent.session) {
            words.push_str(&format!("\n  {elsewhere}"));
        }
        output::warn(&words);
    }
    Ok(sent)
}
