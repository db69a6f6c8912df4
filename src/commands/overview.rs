//! Without a verb: how things are, and what to do next.

use super::exit::Failure;
use super::{Context, approvals, sessions};
use crate::domain::text::sanitize_line;
use crate::format;
use crate::protocol::session::{GetOverviewParams, GetOverviewResponse};

/// Sessions shown; `sessions` lists all.
const SESSIONS: u32 = 20;

/// Prints counts, the pending approvals, and the last active sessions.
pub async fn run(mut context: Context) -> Result<(), Failure> {
    let client = context.client().await?;
    let params = GetOverviewParams {
        limit: Some(SESSIONS),
        ..GetOverviewParams::default()
    };
    let now = client.get_overview(&params).await?;
    let out = &mut context.out;
    if out.is_json() {
        return out.json(&now);
    }
    out.line(summary(&now))?;
    if let Some(first) = now.pending_approvals.first() {
        out.line("")?;
        approvals::write(out, &now.pending_approvals)?;
        out.line(format!("decide: {}", format::how_to_decide(first)))?;
    }
    out.line("")?;
    if now.sessions.is_empty() {
        out.line("Start an agent with `humanlayer launch PROMPT`.")?;
    } else {
        sessions::write(out, &now.sessions)?;
    }
    Ok(())
}

/// How many sessions there are, how many approvals are pending, and what the last day cost.
fn summary(now: &GetOverviewResponse) -> String {
    let mut parts: Vec<String> = now
        .counts
        .iter()
        .filter(|(_, count)| **count > 0)
        .map(|(status, count)| {
            let status = match status.as_str() {
                "waiting_input" => "pending",
                other => other,
            };
            format!("{count} {}", sanitize_line(status))
        })
        .collect();
    if parts.is_empty() {
        parts.push("no sessions".to_owned());
    }
    let mut line = parts.join(", ");
    line.push_str(&match now.pending_total {
        0 => "; no pending approvals".to_owned(),
        1 => "; 1 pending approval".to_owned(),
        count => format!("; {count} pending approvals"),
    });
    if now.cost_last_day_usd > 0.0 || now.unpriced_turns_last_day > 0 {
        let cost = format::dollars(Some(now.cost_last_day_usd));
        let least = match now.unpriced_turns_last_day {
            0 => "",
            _ => "at least ",
        };
        line.push_str(&format!("; {least}{cost} last 24h"));
    }
    line
}
