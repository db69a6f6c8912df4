//! Without a verb: how things are, and what to do next.

use super::exit::Failure;
use super::{Context, approvals, format, sessions};
use crate::protocol::session::GetOverviewParams;

/// Sessions shown; `sessions` lists all.
const SESSIONS: u32 = 20;

/// Prints counts, what waits for a decision, and the last active sessions.
pub async fn run(mut context: Context) -> Result<(), Failure> {
    let client = context.client().await?;
    let params = GetOverviewParams {
        limit: Some(SESSIONS),
        ..GetOverviewParams::default()
    };
    let now = client.get_overview(&params).await?;
    let out = &mut context.out;
    let counts: Vec<String> = now
        .counts
        .iter()
        .filter(|(_, count)| **count > 0)
        .map(|(status, count)| format!("{count} {status}"))
        .collect();
    let counts = if counts.is_empty() {
        "no sessions".to_owned()
    } else {
        counts.join(", ")
    };
    out.line(format!(
        "{}; {} approvals pending; {} in the last day",
        crate::domain::text::sanitize_line(&counts),
        now.pending_total,
        format::dollars(Some(now.cost_last_day_usd)),
    ))?;
    if let Some(first) = now.pending_approvals.first() {
        out.line("")?;
        approvals::write(out, &now.pending_approvals)?;
        out.line(format!("decide: {}", format::how_to_decide(first)))?;
    }
    out.line("")?;
    if now.sessions.is_empty() {
        out.line("Start an agent with `humanlayer launch QUERY`.")?;
    } else {
        sessions::write(out, &now.sessions)?;
    }
    Ok(())
}
