//! Is the daemon there, and is it well?

use super::Call;
use super::error::RpcError;
use crate::daemon::disk;
use crate::daemon::open_files::OpenFiles;
use crate::domain::Origin;
use crate::protocol::PROTOCOL_VERSION;
use crate::protocol::method::Nothing;
use crate::protocol::session::{HealthResponse, OpenFilesInfo};

pub async fn health(call: Call, _: Nothing) -> Result<HealthResponse, RpcError> {
    let daemon = &call.daemon;
    disk::look_soon(&daemon.store, &daemon.conditions).await;
    let problem = daemon.conditions.problem();
    let http = daemon.http.status();
    Ok(HealthResponse {
        status: if problem.is_none() { "ok" } else { "degraded" }.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        protocol: PROTOCOL_VERSION,
        pid: std::process::id(),
        started_at: Some(daemon.started_at),
        database: daemon.store.path().display().to_string(),
        claude_path: daemon
            .sessions
            .context()
            .claude_path
            .as_ref()
            .map(|path| path.display().to_string()),
        live_sessions: daemon.sessions.live_count() as u64,
        http_address: http.address.map(|address| address.to_string()),
        http_problem: http.problem,
        problem,
        caller_problem: match &call.origin {
            Origin::Unverified { reason } => Some(reason.clone()),
            _ => None,
        },
        places: super::places::infos(&call),
        alarms: super::alarms::open(&call).await,
        open_files: OpenFiles::now().map(|files| OpenFilesInfo {
            used: files.used,
            limit: files.limit,
            room_for: files.room(),
        }),
        remote_api: daemon.remote_api.as_ref().map(|status| status.health()),
    })
}
