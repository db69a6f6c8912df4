//! `show`: one session, or one approval, in full.

use super::exit::Failure;
use super::kind::Kind;
use super::{Context, complete, printer};
use crate::client::Client;
use crate::domain::Delivery;
use crate::domain::text::sanitize_line;
use crate::protocol::approval::ListApprovalsParams;
use crate::protocol::conversation::{ConversationEvent, GetConversationParams};
use crate::protocol::error::ErrorKind;

/// Arguments of `show`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n  \
    humanlayer show 1a2b3c4d\n  \
    humanlayer show 1a2b3c4d --json\n\n\
    The id may be that of a session or of an approval.")]
pub struct Args {
    /// The session or approval
    #[arg(add = complete::sessions_and_approvals())]
    pub id: String,
}

/// Pieces at the end of a conversation among which messages are looked for that the agent has not read.
const LAST_PIECES: u32 = 500;

/// The messages of a session that its agent has not read, in order.
pub(super) async fn unread_messages(
    client: &Client,
    session: &str,
) -> Result<Vec<ConversationEvent>, Failure> {
    let params = GetConversationParams {
        session_id: Some(session.to_owned()),
        limit: Some(LAST_PIECES),
        by_conversation: true,
        ..GetConversationParams::default()
    };
    let pieces = client.get_conversation(&params).await?.events;
    let waits = |piece: &ConversationEvent| piece.delivery.is_some_and(Delivery::is_open);
    Ok(pieces.into_iter().filter(waits).collect())
}

/// Shows a session with what it waits for, or an approval with its whole input.
pub async fn run(args: Args, mut context: Context) -> Result<(), Failure> {
    let client = context.client().await?;
    let session = match client.get_session_state(&args.id).await {
        Ok(session) => session,
        Err(error) if error.is(ErrorKind::NotFound) => {
            let approval = match client.get_approval(&args.id).await {
                Err(error) if error.is(ErrorKind::NotFound) => {
                    return Err(Failure::new(
                        Kind::NOT_FOUND,
                        format!("no session or approval has the id {}", args.id),
                    )
                    .with_hint("`humanlayer sessions --all` and `humanlayer approvals --all` list them all"));
                }
                settled => settled?,
            };
            // One that another client has deleted since has no directory to be told of.
            let session = client.get_session_state(&approval.session_id).await.ok();
            let problem = session.and_then(|session| session.directory_problem);
            return context.out.result(&approval, |out| {
                if let Some(problem) = problem {
                    out.line(format!("directory   {}", sanitize_line(&problem)))?;
                }
                printer::approval(out, &approval)
            });
        }
        Err(error) => return Err(error.into()),
    };
    if context.out.is_json() {
        return context.out.json(&session);
    }
    printer::session(&mut context.out, &session)?;
    let unread = unread_messages(&client, &session.id).await?;
    printer::unread_messages(&mut context.out, &unread)?;
    let params = ListApprovalsParams {
        session_id: Some(session.id),
        ..ListApprovalsParams::default()
    };
    for approval in client.list_approvals(&params).await?.approvals {
        context.out.line("")?;
        printer::approval(&mut context.out, &approval)?;
    }
    Ok(())
}
