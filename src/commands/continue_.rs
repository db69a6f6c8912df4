//! `continue`: resume a session, or fork it.
//!
//! A fork's id is chosen here, so that asking again after a lost connection starts nothing twice.

use std::path::PathBuf;

use serde_json::json;

use super::exit::Failure;
use super::output::Output;
use super::{Context, input, send};
use crate::client::ClientError;
use crate::domain::text::sanitize_line;
use crate::protocol::session::{ContinueSessionParams, MoveSessionParams};

/// Arguments of `continue`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n  \
    humanlayer continue 1a2b3c4d \"now the second part\"\n  \
    humanlayer continue 1a2b3c4d --fork \"try it the other way\"\n  \
    humanlayer continue 1a2b3c4d --working-dir ~/src/new-name\n\n\
    Without --fork this is the same as `humanlayer send`: the session goes on,\n\
    and is resumed if its process has ended. With --working-dir it goes on in another\n\
    directory, as after its own was renamed or deleted: Claude Code's record of the\n\
    conversation is copied to where it is looked for, and messages that wait are sent.")]
pub struct Args {
    /// The session
    pub id: String,

    /// The next message; `-` reads it from standard input
    #[arg(required_unless_present = "working_dir")]
    pub text: Option<String>,

    /// Fork: start a new session that shares the conversation so far
    #[arg(long, requires = "text")]
    pub fork: bool,

    /// Go on in this directory; its process must have ended
    #[arg(short, long, value_name = "DIR")]
    pub working_dir: Option<PathBuf>,
}

/// Continues or forks a session.
pub async fn run(args: Args, mut context: Context) -> Result<(), Failure> {
    let directory = args.working_dir.as_deref().map(input::directory);
    let directory = directory.transpose()?;
    if !args.fork {
        let moved = match directory {
            Some(working_dir) => {
                let params = MoveSessionParams {
                    session_id: args.id.clone(),
                    working_dir,
                };
                Some(context.client().await?.move_session(&params).await?.session)
            }
            None => None,
        };
        let session = match (&args.text, moved) {
            (None, Some(session)) => session,
            (text, _) => {
                let text = text.as_deref().unwrap_or_default();
                send::message(&mut context, args.id, text).await?.session
            }
        };
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
        query: input::message(args.text.as_deref().unwrap_or_default(), "message")?,
        working_dir: directory,
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
