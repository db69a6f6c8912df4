//! `restart`: give a session's process your current credentials.

use super::exit::Failure;
use super::{Context, complete, input};
use crate::domain::text::sanitize_line;
use crate::protocol::session::RestartSessionParams;

/// Arguments of `restart`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Example:\n  \
    export ANTHROPIC_API_KEY=sk-…\n  \
    humanlayer restart 1a2b3c4d\n  \
    humanlayer send 1a2b3c4d \"go on\"\n\n\
    A process keeps the environment that it was started with. This ends it; the next\n\
    message starts another one, which has the credentials of this terminal together with\n\
    their endpoint (API keys, tokens, base URLs, cloud settings), and everything else as it\n\
    was. A turn that runs is interrupted.")]
pub struct Args {
    /// The session
    #[arg(value_name = "ID", add = complete::sessions())]
    pub id: String,
}

/// Restarts a session with the credentials of this environment.
pub async fn run(args: Args, mut context: Context) -> Result<(), Failure> {
    let params = RestartSessionParams {
        session_id: args.id,
        env: Some(input::environment()),
    };
    let client = context.client().await?;
    let session = client.restart_session(&params).await?.session;
    // Its status is still that of the process that has ended.
    context.out.result(&session, |out| {
        out.line(format!("{} restarting", sanitize_line(&session.id)))
    })
}
