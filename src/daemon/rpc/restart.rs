//! Restarting a session: its process ends, and the next one has a person's present credentials.

use super::Call;
use super::error::RpcError;
use super::resume::END_WAIT;
use super::session::required;
use crate::daemon::secrets::{Needs, Requester, resume};
use crate::daemon::store::apart;
use crate::protocol::error::ErrorKind;
use crate::protocol::session::{RestartSessionParams, SessionResponse, SessionState};

/// Ends a session's process, stores the caller's credentials for its next one, and says so in the
/// conversation. The next message starts that one.
pub async fn restart(
    call: Call,
    params: RestartSessionParams,
) -> Result<SessionResponse, RpcError> {
    required(&params.session_id)?;
    call.must_be_a_person("give a session other credentials")?;
    let store = &call.daemon.store;
    let session = store.session(&params.session_id).await?;
    store.must_be_ours(&session)?;
    let stored = store.launch_secrets(&session).await?;
    let needs = Needs {
        mcp_config: session.config.mcp_config.is_some(),
        proxy: session.config.proxy.is_some(),
    };
    let requester = Requester::Person(params.env.as_ref());
    // Refused before anything is ended.
    let resumed = resume(stored, needs, requester, true)
        .map_err(|problem| RpcError::new(ErrorKind::Conflict, problem.to_string()))?;
    // Ended again is ended still: what counts is what comes after.
    apart(call.daemon.sessions.end_and_wait(&session, END_WAIT)).await?;
    let changed = store
        .change_launch_secrets(&session, &resumed.secrets, resumed.notice)
        .await;
    let session = call.or_done_before(changed, session.id.as_str()).await?;
    Ok(SessionResponse {
        session: SessionState::from(&session),
    })
}
