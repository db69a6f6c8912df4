//! `approvals`: list pending approvals, or resolved ones too.

use super::exit::Failure;
use super::output::Output;
use super::{Context, complete};
use crate::domain::Outcome;
use crate::domain::danger::{Verdict, dangers};
use crate::domain::text::sanitize_line;
use crate::format;
use crate::protocol::approval::{Approval, ListApprovalsParams};

/// Approvals asked for at once.
const PAGE: u32 = 1000;
/// Most approvals listed; older ones are found with `--session`.
const MAX_APPROVALS: usize = 10_000;

/// Arguments of `approvals`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n  \
    humanlayer approvals\n  \
    humanlayer approvals --all --session 1a2b3c4d\n  \
    humanlayer approvals -q --session 1a2b3c4d\n\n\
    `humanlayer show ID` shows one in full.")]
pub struct Args {
    /// Include resolved approvals, newest first
    #[arg(short, long)]
    pub all: bool,

    /// Only approvals of this session
    #[arg(short, long, value_name = "ID", add = complete::sessions())]
    pub session: Option<String>,

    /// Maximum number of approvals
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: Option<u32>,

    /// Print ids only
    #[arg(short, long, conflicts_with = "json")]
    pub quiet: bool,
}

/// Lists approvals.
pub async fn run(args: Args, mut context: Context) -> Result<(), Failure> {
    let client = context.client().await?;
    let session_id = match &args.session {
        Some(id) => Some(client.get_session_state(id).await?.id),
        None => None,
    };
    let most = args
        .limit
        .map_or(MAX_APPROVALS, |limit| MAX_APPROVALS.min(limit as usize));
    let mut approvals: Vec<Approval> = Vec::new();
    loop {
        let size = u32::try_from(most - approvals.len()).map_or(PAGE, |left| left.min(PAGE));
        let params = ListApprovalsParams {
            session_id: session_id.clone(),
            all: args.all,
            limit: Some(size),
            after: approvals.last().map(|last| last.id.clone()),
        };
        let page = client.list_approvals(&params).await?;
        let is_last = page.approvals.len() < size as usize && !page.has_more;
        approvals.extend(page.approvals);
        if is_last || approvals.len() >= most {
            break;
        }
    }
    if context.out.is_json() {
        return context.out.json(&approvals);
    }
    if args.quiet {
        for approval in &approvals {
            context.out.line(sanitize_line(&approval.id))?;
        }
        return Ok(());
    }
    if approvals.is_empty() && context.out.is_terminal() {
        context.out.line(if args.all {
            "No approvals."
        } else {
            "No pending approvals."
        })?;
        return Ok(());
    }
    write(&mut context.out, &approvals)?;
    Ok(())
}

/// How it ended, or what is known of it while it is pending, for a person.
fn outcome(approval: &Approval, terminal: bool) -> String {
    let outcome = approval.outcome.as_str();
    let verdict = (terminal && approval.outcome == Outcome::Pending)
        .then(|| Verdict::of(&dangers(&approval.tool_name, &approval.tool_input)))
        .flatten();
    let remarks = format::remarks(format::is_edited(approval), approval.unread_lines);
    match verdict {
        Some(Verdict::Dangerous) => format!("{outcome}, dangerous{remarks}"),
        Some(Verdict::CantTell) => format!("{outcome}, can't tell what runs{remarks}"),
        None => format!("{outcome}{remarks}"),
    }
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
                outcome(approval, terminal),
                format::time(approval.created_at, terminal),
                format::asked_by(approval),
            ]
        }),
    )
}
