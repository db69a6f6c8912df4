//! Sessions: listing, reading, steering, archiving, deleting.
//!
//! Existing clients are answered in segments of conversations ([`crate::domain::wire_id`]), our own in
//! whole ones (`by_conversation`).

use super::Call;
use super::error::RpcError;
use super::launch_config::expiry;
use crate::claude::control;
use crate::daemon::blocking::blocking;
use crate::daemon::clock;
use crate::daemon::store::{SessionFilter, SettingsChange, StoreError, apart};
use crate::domain::{Session, SessionId, Status};
use crate::protocol::session::{
    ArchiveSessionParams, BulkArchiveSessionsParams, BulkArchiveSessionsResponse,
    DeleteSessionsParams, DeleteSessionsResponse, FailedDeletion, GetRecentPathsParams,
    GetRecentPathsResponse, GetSessionLeavesParams, GetSessionStateParams, GetSessionStateResponse,
    InterruptSessionResponse, ListSessionsParams, ListSessionsResponse, RecentPath, SessionInfo,
    SessionParams, SessionResponse, SessionState, SuccessResponse, UpdateSessionSettingsParams,
    UpdateSessionTitleParams,
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
    let sessions = call.daemon.store.sessions(filter).await?;
    if params.by_conversation {
        return Ok(ListSessionsResponse {
            sessions: sessions.iter().map(SessionInfo::from).collect(),
        });
    }
    // Each conversation's newest id first, as it was used last.
    let lineages = call.daemon.store.lineages(sessions).await?;
    let segments = lineages.iter().flat_map(|lineage| {
        let newest_first = (0..lineage.len()).rev();
        newest_first.map(|position| SessionInfo::from(&lineage.segment(position)))
    });
    Ok(ListSessionsResponse {
        sessions: segments.collect(),
    })
}

pub async fn leaves(
    call: Call,
    params: GetSessionLeavesParams,
) -> Result<ListSessionsResponse, RpcError> {
    let mut filter = SessionFilter::default();
    match params.filter.as_deref() {
        Some("normal") => filter.archived = Some(false),
        Some("archived") => filter.archived = Some(true),
        Some("draft") => {
            filter.archived = Some(false);
            filter.statuses = vec![Status::Draft];
        }
        _ => {}
    }
    let store = &call.daemon.store;
    let sessions = store.sessions(filter).await?;
    let lineages = store.lineages(sessions).await?;
    let newest: Vec<Session> = lineages
        .iter()
        .map(|lineage| lineage.segment(lineage.len() - 1))
        .collect();
    let ids = newest.iter().map(|session| session.id.clone()).collect();
    let parents = store.parents_among(ids).await?;
    let leaves = newest.iter().zip(parents).filter(|(_, parent)| !parent);
    Ok(ListSessionsResponse {
        sessions: leaves
            .map(|(session, _)| SessionInfo::from(session))
            .collect(),
    })
}

impl Call {
    /// The session as it is after a change: as it is now where the request changed it before, and its answer was lost.
    pub(super) async fn or_done_before(
        &self,
        changed: Result<Session, StoreError>,
        id: &str,
    ) -> Result<Session, StoreError> {
        match changed {
            Err(StoreError::DoneBefore) => self.daemon.store.session(id).await,
            settled => settled,
        }
    }
}

/// Checks that a session is named.
pub(super) fn required(id: &str) -> Result<(), RpcError> {
    if id.is_empty() {
        Err(RpcError::required("session_id"))
    } else {
        Ok(())
    }
}

pub async fn state(
    call: Call,
    params: GetSessionStateParams,
) -> Result<GetSessionStateResponse, RpcError> {
    required(&params.session_id)?;
    let (lineage, position) = call.daemon.store.lineage(&params.session_id).await?;
    let session = if params.by_conversation {
        lineage.session
    } else {
        lineage.segment(position)
    };
    Ok(GetSessionStateResponse {
        session: SessionState::from(&session),
    })
}

pub async fn interrupt(
    call: Call,
    params: SessionParams,
) -> Result<InterruptSessionResponse, RpcError> {
    required(&params.session_id)?;
    call.may_act_on(&params.session_id, "interrupt another session")
        .await?;
    let store = &call.daemon.store;
    let asked = store
        .interrupt(&params.session_id, control::request("interrupt"))
        .await;
    let session = call.or_done_before(asked, &params.session_id).await?;
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
    call.may_act_on(&params.session_id, "change the settings of another session")
        .await?;
    let timeout = params.dangerously_skip_permissions_timeout_ms;
    let skip_permissions = match params.dangerously_skip_permissions {
        Some(true) => Some((
            true,
            expiry(
                "dangerously_skip_permissions_timeout_ms",
                timeout,
                clock::never_back(),
            )?,
        )),
        Some(false) => Some((false, None)),
        None => None,
    };
    let change = SettingsChange {
        auto_accept_edits: params.auto_accept_edits,
        skip_permissions,
        ..SettingsChange::default()
    };
    let changed = call
        .daemon
        .store
        .change_settings(&params.session_id, change)
        .await;
    call.or_done_before(changed, &params.session_id).await?;
    call.daemon.permissions_changed();
    Ok(SuccessResponse { success: true })
}

/// Checks the title of a session.
fn check_title(title: &str) -> Result<(), RpcError> {
    match title.len() {
        0..=MAX_TITLE => Ok(()),
        long => Err(RpcError::invalid(
            "title",
            format!("has {long} bytes, the limit is {MAX_TITLE}"),
        )),
    }
}

pub async fn update_title(
    call: Call,
    params: UpdateSessionTitleParams,
) -> Result<SuccessResponse, RpcError> {
    required(&params.session_id)?;
    check_title(&params.title)?;
    call.may_act_on(&params.session_id, "rename another session")
        .await?;
    let change = SettingsChange {
        title: Some(params.title),
        ..SettingsChange::default()
    };
    let changed = call
        .daemon
        .store
        .change_settings(&params.session_id, change)
        .await;
    call.or_done_before(changed, &params.session_id).await?;
    Ok(SuccessResponse { success: true })
}

pub async fn archive(
    call: Call,
    params: ArchiveSessionParams,
) -> Result<SuccessResponse, RpcError> {
    required(&params.session_id)?;
    call.may_act_on(&params.session_id, "archive another session")
        .await?;
    let archived = call
        .daemon
        .store
        .archive(&params.session_id, params.archived, params.end)
        .await;
    call.or_done_before(archived, &params.session_id).await?;
    Ok(SuccessResponse { success: true })
}

pub async fn bulk_archive(
    call: Call,
    params: BulkArchiveSessionsParams,
) -> Result<BulkArchiveSessionsResponse, RpcError> {
    check_ids(&params.session_ids)?;
    call.must_be_a_person("archive sessions")?;
    let mut failed_sessions = Vec::new();
    for id in params.session_ids {
        let archived = call.daemon.store.archive(&id, params.archived, params.end);
        if let Err(error) = apart(archived).await {
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

pub async fn end(call: Call, params: SessionParams) -> Result<SessionResponse, RpcError> {
    required(&params.session_id)?;
    call.may_act_on(&params.session_id, "end another session")
        .await?;
    let asked = call.daemon.store.request_end(&params.session_id).await;
    let session = call.or_done_before(asked, &params.session_id).await?;
    Ok(SessionResponse {
        session: SessionState::from(&session),
    })
}

/// Deletes what can be deleted, and says of the rest why not.
pub async fn delete(
    call: Call,
    params: DeleteSessionsParams,
) -> Result<DeleteSessionsResponse, RpcError> {
    call.must_be_a_person("delete sessions")?;
    check_ids(&params.session_ids)?;
    let mut answer = DeleteSessionsResponse::default();
    for id in params.session_ids {
        match call.daemon.store.delete_session(&id).await {
            Ok(deleted) => {
                let isolated = call.daemon.sessions.context().isolated.clone();
                if let Some(isolated) = isolated.filter(|_| deleted.config.isolated) {
                    let id = deleted.id.clone();
                    blocking(move || isolated.remove_kept(&id)).await;
                }
                answer.deleted.push(deleted.id.to_string());
            }
            Err(error) => answer.failed.push(FailedDeletion {
                session_id: id,
                error: error.to_string(),
            }),
        }
    }
    Ok(answer)
}

fn check_ids(ids: &[String]) -> Result<(), RpcError> {
    if ids.is_empty() {
        return Err(RpcError::invalid(
            "session_ids",
            "is required and cannot be empty",
        ));
    }
    if ids.len() > MAX_PAGE as usize {
        return Err(RpcError::invalid(
            "session_ids",
            format!("at most {MAX_PAGE} at once"),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_as_long_as_it_may_be_and_no_longer() {
        assert!(check_title("").is_ok());
        assert!(check_title(&"x".repeat(MAX_TITLE)).is_ok());
        let problem = check_title(&"x".repeat(MAX_TITLE + 1)).err();
        let said = format!(
            "title: has {} bytes, the limit is {MAX_TITLE}",
            MAX_TITLE + 1
        );
        assert_eq!(problem.map(|problem| problem.to_string()), Some(said));
    }
}
