//! All that a list of sessions needs, in one call.

use super::Call;
use super::error::RpcError;
use super::session::MAX_PAGE;
use crate::daemon::store::SessionFilter;
use crate::domain::SessionId;
use crate::protocol::approval::Approval;
use crate::protocol::session::{GetOverviewParams, GetOverviewResponse, SessionState};

/// Most pending approvals in one answer.
const MAX_PENDING: u32 = 500;

pub async fn overview(
    call: Call,
    params: GetOverviewParams,
) -> Result<GetOverviewResponse, RpcError> {
    let filter = SessionFilter {
        archived: (!params.include_archived).then_some(false),
        statuses: params.statuses.unwrap_or_default(),
        limit: Some(params.limit.unwrap_or(MAX_PAGE).min(MAX_PAGE)),
        after: params.after.map(SessionId::from),
    };
    let seen = call.daemon.store.overview(filter, MAX_PENDING).await?;
    Ok(GetOverviewResponse {
        seq: seen.seq,
        sessions: seen.sessions.iter().map(SessionState::from).collect(),
        counts: seen
            .counts
            .into_iter()
            .map(|(status, count)| (status.as_str().to_owned(), count))
            .collect(),
        archived: seen.archived,
        pending_approvals: seen.pending.iter().map(Approval::from).collect(),
        pending_total: seen.pending_total,
        cost_last_day_usd: seen.cost_last_day_usd,
        unpriced_turns_last_day: seen.unpriced_turns_last_day,
        open_alarms: seen.open_alarms,
    })
}
