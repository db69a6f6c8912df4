//! `continue`: go on with a conversation in a new session.
//!
//! As with `launch`, the new session's id is chosen here, so that asking again
//! after a lost connection starts nothing twice.

use uuid::Uuid;

use super::exit::Failure;
use super::{Context, input};
use crate::client::ClientError;
use crate::domain::text::sanitize_line;
use crate::protocol::session::ContinueSessionParams;

/// Arguments of `continue`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n  \
    humanlayer continue 1a2b3c4d \"now the second part\"\n  \
    humanlayer continue 1a2b3c4d --fork \"try it the other way\"")]
pub struct Args {
    /// The session to go on with
    pub id: String,

    /// The next message; `-` reads it from standard input
    pub text: String,

    /// Under a new name, leaving the old conversation as it is
    #[arg(long)]
    pub fork: bool,

    /// Print the daemon's answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// Continues a session.
pub async fn run(args: Args, mut context: Context) -> Result<(), Failure> {
    let query = input::message(&args.text, "message")?;
    let params = ContinueSessionParams {
        session_id: args.id,
        query,
        fork: Some(args.fork),
        new_session_id: Some(Uuid::new_v4().to_string()),
        env: Some(input::environment()),
        ..ContinueSessionParams::default()
    };
    let first = context.client().await?.continue_session(&params).await;
    let started = match first {
        Err(ClientError::Lost { .. }) => context.client().await?.continue_session(&params).await?,
        settled => settled?,
    };
    if args.json {
        return context.out.json(&started);
    }
    context.out.line(sanitize_line(&started.session_id))?;
    Ok(())
}
