//! Sessions: listing, reading, steering, putting away.

use super::Call;
use super::error::RpcError;
use super::launch::{check_message, expiry};
use crate::daemon::claude::control;
use crate::daemon::session::check_line;
use crate::daemon::store::{SessionFilter, SettingsChange};
use crate::domain::{SessionId, Status};
use crate::protocol::session::{
    ArchiveSessionParams, BulkArchiveSessionsParams, BulkArchiveSessionsResponse,
    GetRecentPathsParams, GetRecentPathsResponse, GetSessionLeavesParams, GetSessionStateResponse,
    InterruptSessionResponse, ListSessionsParams, ListSessionsResponse, RecentPath,
    SendMessageParams, SessionInfo, SessionParams, SessionResponse, SessionState, SuccessResponse,
    UpdateSessionSettingsParams, UpdateSessionTitleParams,
};

/// Most sessions of one page, and of one bulk call.
pub const MAX_PAGE: u32 = 1000;

/// Longest title, in bytes.
const MAX_TITLE: usize = 1000;

pub async fn list(
    call: Call,
    params: ListSessionsParams,
) -> Result<ListSessionsResponse, RpcError> {
    let filter = SessionFilter {
        archived: params.archived,
        limit: params.limit.map(|limit| limit.min(MAX_PAGE)),
        after: params.after.map(SessionId::from),
        ..SessionFilter::default()
    };
    listed(&call, filter).await
}

pub async fn leaves(
    call: Call,
    params: GetSessionLeavesParams,
) -> Result<ListSessionsResponse, RpcError> {
    let mut filter = SessionFilter {
        leaves_only: true,
        ..SessionFilter::default()
    };
    match params.filter.as_deref() {
        Some("normal") => filter.archived = Some(false),
        Some("archived") => filter.archived = Some(true),
        Some("draft") => {
            filter.archived = Some(false);
            filter.statuses = vec![Status::Draft];
        }
        _ => {}
    }
    listed(&call, filter).await
}

async fn listed(call: &Call, filter: SessionFilter) -> Result<ListSessionsResponse, RpcError> {
    let sessions = call.daemon.store.sessions(filter).await?;
    Ok(ListSessionsResponse {
        sessions: sessions.iter().map(SessionInfo::from).collect(),
    })
}

fn required(id: &str) -> Result<(), RpcError> {
    if id.is_empty() {
        Err(RpcError::required("session_id"))
    } else {
        Ok(())
    }
}

pub async fn state(call: Call, params: SessionParams) -> Result<GetSessionStateResponse, RpcError> {
    required(&params.session_id)?;
    let session = call.daemon.store.session(&params.session_id).await?;
    Ok(GetSessionStateResponse {
        session: SessionState::from(&session),
    })
}

pub async fn interrupt(
    call: Call,
    params: SessionParams,
) -> Result<InterruptSessionResponse, RpcError> {
    required(&params.session_id)?;
    let session = call
        .daemon
        .store
        .interrupt(&params.session_id, control::request("interrupt"))
        .await?;
    Ok(InterruptSessionResponse {
        success: true,
        session_id: session.id.to_string(),
        status: Status::Interrupting.as_str().to_owned(),
    })
}

pub async fn update_settings(
    call: Call,
    params: UpdateSessionSettingsParams,
) -> Result<SuccessResponse, RpcError> {
    required(&params.session_id)?;
    let loosens =
        params.auto_accept_edits == Some(true) || params.dangerously_skip_permissions == Some(true);
    if loosens {
        call.must_be_a_person("loosen the permissions of a session")?;
    }
    let timeout = params.dangerously_skip_permissions_timeout_ms;
    let skip_permissions = match params.dangerously_skip_permissions {
        Some(true) => Some((
            true,
            expiry("dangerously_skip_permissions_timeout_ms", timeout)?,
        )),
        Some(false) => Some((false, None)),
        None => None,
    };
    let change = SettingsChange {
        auto_accept_edits: params.auto_accept_edits,
        skip_permissions,
        ..SettingsChange::default()
    };
    call.daemon
        .store
        .change_settings(&params.session_id, change)
        .await?;
    call.daemon.permissions_changed();
    Ok(SuccessResponse { success: true })
}

pub async fn update_title(
    call: Call,
    params: UpdateSessionTitleParams,
) -> Result<SuccessResponse, RpcError> {
    required(&params.session_id)?;
    if params.title.len() > MAX_TITLE {
        return Err(RpcError::invalid(
            "title",
            format!("has {} bytes, the limit is {MAX_TITLE}", params.title.len()),
        ));
    }
    let change = SettingsChange {
        title: Some(params.title),
        ..SettingsChange::default()
    };
    call.daemon
        .store
        .change_settings(&params.session_id, change)
        .await?;
    Ok(SuccessResponse { success: true })
}

pub async fn archive(
    call: Call,
    params: ArchiveSessionParams,
) -> Result<SuccessResponse, RpcError> {
    required(&params.session_id)?;
    let change = SettingsChange {
        archived: Some(params.archived),
        ..SettingsChange::default()
    };
    call.daemon
        .store
        .change_settings(&params.session_id, change)
        .await?;
    Ok(SuccessResponse { success: true })
}

pub async fn bulk_archive(
    call: Call,
    params: BulkArchiveSessionsParams,
) -> Result<BulkArchiveSessionsResponse, RpcError> {
    if params.session_ids.is_empty() {
        return Err(RpcError::invalid(
            "session_ids",
            "is required and cannot be empty",
        ));
    }
    if params.session_ids.len() > MAX_PAGE as usize {
        return Err(RpcError::invalid(
            "session_ids",
            format!("at most {MAX_PAGE} at once"),
        ));
    }
    let mut failed_sessions = Vec::new();
    for id in params.session_ids {
        let change = SettingsChange {
            archived: Some(params.archived),
            ..SettingsChange::default()
        };
        if let Err(error) = call.daemon.store.change_settings(&id, change).await {
            tracing::debug!(session = id, %error, "cannot archive");
            failed_sessions.push(id);
        }
    }
    Ok(BulkArchiveSessionsResponse {
        success: failed_sessions.is_empty(),
        failed_sessions,
    })
}

pub async fn recent_paths(
    call: Call,
    params: GetRecentPathsParams,
) -> Result<GetRecentPathsResponse, RpcError> {
    let limit = params
        .limit
        .filter(|limit| *limit > 0)
        .unwrap_or(20)
        .min(MAX_PAGE);
    let paths = call.daemon.store.recent_paths(limit).await?;
    let wire = |path: crate::daemon::store::RecentPath| RecentPath {
        path: path.path,
        last_used: path.last_used,
        usage_count: path.usage_count,
    };
    Ok(GetRecentPathsResponse {
        paths: paths.into_iter().map(wire).collect(),
    })
}

pub async fn send_message(
    call: Call,
    params: SendMessageParams,
) -> Result<SessionResponse, RpcError> {
    required(&params.session_id)?;
    check_message("message", &params.message)?;
    let line = control::user_message(&params.message);
    check_line(&line)?;
    let session = call
        .daemon
        .store
        .send_message(&params.session_id, params.message, line)
        .await?;
    Ok(SessionResponse {
        session: SessionState::from(&session),
    })
}

pub async fn end(call: Call, params: SessionParams) -> Result<SessionResponse, RpcError> {
    required(&params.session_id)?;
    let session = call.daemon.store.session(&params.session_id).await?;
    call.daemon.sessions.end(&session)?;
    Ok(SessionResponse {
        session: SessionState::from(&session),
    })
}
