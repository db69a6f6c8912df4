//! Mending what the daemon keeps, and putting a backup of it back.

use std::path::PathBuf;

use super::Call;
use super::error::RpcError;
use crate::daemon::blocking::blocking;
use crate::daemon::conditions::Part;
use crate::daemon::store;
use crate::protocol::error::ErrorKind;
use crate::protocol::upkeep::{
    RepairParams, RepairResponse, RestoreDatabaseParams, RestoreDatabaseResponse,
};

pub async fn repair(call: Call, _: RepairParams) -> Result<RepairResponse, RpcError> {
    call.must_be_a_person("repair what the daemon keeps")?;
    let daemon = &call.daemon;
    let mut done = daemon.store.repair().await?;
    done.extend(daemon.sessions.repair().await?);
    let kept = daemon.sessions.context().kept();
    daemon.conditions.set(Part::SessionDirectories, kept);
    for done in &done {
        tracing::warn!(done, "repaired");
    }
    Ok(RepairResponse { done })
}

/// It is put in place when the daemon stops next.
pub async fn restore(
    call: Call,
    params: RestoreDatabaseParams,
) -> Result<RestoreDatabaseResponse, RpcError> {
    call.must_be_a_person("put a backup in the place of the database")?;
    let path = PathBuf::from(params.path);
    if !path.is_absolute() {
        return Err(RpcError::invalid("path", "must be an absolute path"));
    }
    let database = call.daemon.store.path().to_owned();
    let prepared = blocking(move || store::prepare(&path, &database))
        .await
        .map_err(|error| RpcError::new(ErrorKind::Conflict, error.to_string()))?;
    let answer = RestoreDatabaseResponse {
        contents: prepared.contents.clone(),
        kept: prepared.kept.display().to_string(),
    };
    call.daemon.restoring.order(prepared);
    Ok(answer)
}
