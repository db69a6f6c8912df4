//! `approvals`: list what waits for a decision, or was decided.

use super::Context;
use super::exit::Failure;
use super::output::Output;
use crate::format;
use crate::protocol::approval::{Approval, ListApprovalsParams};

/// Approvals asked for at once.
const PAGE: u32 = 1000;
/// Most approvals listed; older ones are found with `--session`.
const MOST: usize = 10_000;

/// Arguments of `approvals`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n  \
    humanlayer approvals\n  \
    humanlayer approvals --all --session 1a2b3c4d\n\n\
    `humanlayer show ID` shows one in full.")]
pub struct Args {
    /// Also those that were decided, newest first
    #[arg(long)]
    pub all: bool,

    /// Only this session's
    #[arg(long, value_name = "ID")]
    pub session: Option<String>,

    /// Print them as JSON
    #[arg(long)]
    pub json: bool,
}

/// Lists approvals.
pub async fn run(args: Args, mut context: Context) -> Result<(), Failure> {
    let client = context.client().await?;
    let session_id = match &args.session {
        Some(id) => Some(client.get_session_state(id).await?.id),
        None => None,
    };
    let mut approvals: Vec<Approval> = Vec::new();
    loop {
        let params = ListApprovalsParams {
            session_id: session_id.clone(),
            all: args.all,
            limit: Some(PAGE),
            after: approvals.last().map(|last| last.id.clone()),
        };
        let page = client.list_approvals(&params).await?.approvals;
        let is_last = page.len() < PAGE as usize;
        approvals.extend(page);
        if is_last || approvals.len() >= MOST {
            break;
        }
    }
    if args.json {
        return context.out.json(&approvals);
    }
    if approvals.is_empty() && context.out.is_terminal() {
        context.out.line(if args.all {
            "No approvals."
        } else {
            "Nothing waits for you."
        })?;
        return Ok(());
    }
    write(&mut context.out, &approvals)?;
    Ok(())
}

/// Writes a list of approvals.
pub fn write(out: &mut Output, approvals: &[Approval]) -> std::io::Result<()> {
    let terminal = out.is_terminal();
    out.rows(
        ["ID", "SESSION", "TOOL", "INPUT", "OUTCOME", "ASKED", "FROM"],
        &["INPUT", "FROM"],
        approvals.iter().map(|approval| {
            [
                format::approval_id(&approval.id, terminal),
                format::session_id(&approval.session_id, terminal),
                approval.tool_name.clone(),
                format::gist(approval, if terminal { 100 } else { 200 }),
                approval.outcome.as_str().to_owned(),
                format::time(approval.created_at, terminal),
                format::asked_by(approval),
            ]
        }),
    )
}
