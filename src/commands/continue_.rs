//! `continue`: resume a session, or fork it.
//!
//! A fork's id is chosen here, so that asking again after a lost connection starts nothing twice.

use serde_json::json;

use super::exit::Failure;
use super::output::Output;
use super::{Context, input, send};
use crate::client::ClientError;
use crate::domain::text::sanitize_line;
use crate::protocol::session::ContinueSessionParams;

/// Arguments of `continue`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n  \
    humanlayer continue 1a2b3c4d \"now the second part\"\n  \
    humanlayer continue 1a2b3c4d --fork \"try it the other way\"\n\n\
    Without --fork this is the same as `humanlayer send`: the session goes on,\n\
    and is resumed if its process has ended.")]
pub struct Args {
    /// The session
    pub id: String,

    /// The next message; `-` reads it from standard input
    pub text: String,

    /// Fork: start a new session that shares the conversation so far
    #[arg(long)]
    pub fork: bool,
}

/// Continues or forks a session.
pub async fn run(args: Args, mut context: Context) -> Result<(), Failure> {
    if !args.fork {
        let sent = send::message(&mut context, args.id, &args.text).await?;
        let session = sent.session;
        let ids = json!({
            "session_id": session.id,
            "run_id": session.run_id,
            "claude_session_id": session.claude_session_id,
        });
        let line = |out: &mut Output| out.line(sanitize_line(&session.id));
        return context.out.result(&ids, line);
    }
    let params = ContinueSessionParams {
        session_id: args.id,
        query: input::message(&args.text, "message")?,
        fork: Some(true),
        env: Some(input::environment()),
        ..ContinueSessionParams::default()
    };
    let first = context.client().await?.continue_session(&params).await;
    let started = match first {
        Err(ClientError::Lost { .. }) => context.client().await?.continue_session(&params).await?,
        settled => settled?,
    };
    let line = |out: &mut Output| out.line(sanitize_line(&started.session_id));
    context.out.result(&started, line)
}
