//! `rename`: give a session a title.

use super::exit::Failure;
use super::{Context, complete};
use crate::domain::text::sanitize_line;
use crate::protocol::session::UpdateSessionTitleParams;

/// Arguments of `rename`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n  \
    humanlayer rename 1a2b3c4d \"Parser rework\"\n  \
    humanlayer rename 1a2b3c4d \"\"      # back to the first message")]
pub struct Args {
    /// The session
    #[arg(add = complete::sessions())]
    pub id: String,

    /// Its new title; empty removes the title
    pub title: String,
}

/// Renames a session.
pub async fn run(args: Args, mut context: Context) -> Result<(), Failure> {
    let client = context.client().await?;
    let session = client.get_session_state(&args.id).await?;
    let params = UpdateSessionTitleParams {
        session_id: session.id,
        title: args.title,
    };
    client.update_session_title(&params).await?;
    let session = client.get_session_state(&params.session_id).await?;
    context.out.result(&session, |out| {
        out.line(format!(
            "{} {}",
            sanitize_line(&session.id),
            sanitize_line(&params.title)
        ))
    })
}
