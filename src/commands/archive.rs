//! `archive` and `unarchive`: hide sessions from the lists, or show them again.

use super::exit::Failure;
use super::several::{self, Outcomes};
use super::{Context, complete, settle};
use crate::domain::text::sanitize_line;
use crate::protocol::session::{ArchiveSessionParams, SessionState};

/// Arguments of `archive`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n  \
    humanlayer archive 1a2b3c4d 5e6f7a8b\n  \
    humanlayer archive $(humanlayer sessions -q --status completed)\n\n\
    Nothing is deleted: `humanlayer sessions --all` lists archived sessions and\n\
    `humanlayer unarchive` shows them again. If one of several ids is not found,\n\
    none is archived.")]
pub struct Args {
    /// The sessions
    #[arg(required = true, value_name = "ID", add = complete::sessions())]
    pub ids: Vec<String>,

    /// The older way to write `unarchive`
    #[arg(long, hide = true)]
    pub undo: bool,

    /// End those that are working, and archive them then
    #[arg(long, conflicts_with = "undo")]
    pub end: bool,
}

/// Arguments of `unarchive`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Example:\n  \
    humanlayer unarchive 1a2b3c4d")]
pub struct UnarchiveArgs {
    /// The sessions
    #[arg(required = true, value_name = "ID", add = complete::sessions())]
    pub ids: Vec<String>,
}

/// Archives.
pub async fn run(args: Args, context: Context) -> Result<(), Failure> {
    set(&args.ids, !args.undo, args.end, context).await
}

/// Unarchives.
pub async fn run_unarchive(args: UnarchiveArgs, context: Context) -> Result<(), Failure> {
    set(&args.ids, false, false, context).await
}

async fn set(
    ids: &[String],
    archived: bool,
    end: bool,
    mut context: Context,
) -> Result<(), Failure> {
    let client = context.client().await?;
    let mut outcomes = Outcomes::new();
    let mut set = Vec::new();
    for session in several::find(&client, ids).await? {
        let params = ArchiveSessionParams {
            session_id: session.id,
            archived,
            end,
        };
        match client.archive_session(&params).await {
            Ok(_) => set.push(params.session_id),
            Err(error) => outcomes.failed(&params.session_id, error),
        }
    }
    for id in set {
        let is_archived = |now: &SessionState| now.archived && !now.live;
        // Archiving ends the process of a session that rests, too.
        let settled = match archived {
            true => settle::until(&client, &id, "its process to end", is_archived).await,
            false => client.get_session_state(&id).await.map_err(Failure::from),
        };
        match settled {
            Ok(session) => outcomes.done(&mut context.out, session, |out, session| {
                out.line(sanitize_line(&session.id))
            }),
            Err(failure) => outcomes.failed(&id, failure),
        }
    }
    outcomes.end(&mut context.out)
}
