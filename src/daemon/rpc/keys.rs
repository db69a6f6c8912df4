//! Keys of the local HumanLayer API: a person makes and revokes them.

use super::Call;
use super::error::RpcError;
use crate::daemon::http::new_key;
use crate::daemon::store::ApiKey;
use crate::protocol::error::ErrorKind;
use crate::protocol::keys::{
    CreateKeyParams, CreateKeyResponse, KeyInfo, ListKeysParams, ListKeysResponse, RevokeKeyParams,
    RevokeKeyResponse,
};

/// Longest name of a key, in bytes.
const MAX_NAME: usize = 100;

pub async fn create(call: Call, params: CreateKeyParams) -> Result<CreateKeyResponse, RpcError> {
    call.must_be_a_person("make keys")?;
    let name = params.name.trim();
    if name.is_empty() {
        return Err(RpcError::required("name"));
    }
    if name.len() > MAX_NAME || name.chars().any(char::is_control) {
        return Err(RpcError::invalid(
            "name",
            format!("must be at most {MAX_NAME} bytes of plain text"),
        ));
    }
    let (key, hash) = new_key().map_err(|problem| RpcError::new(ErrorKind::Internal, problem))?;
    let daemon = &call.daemon;
    let record = daemon
        .store
        .create_api_key(name.to_owned(), hash, !params.ask_only)
        .await?;
    daemon.keys.reload(&daemon.store).await?;
    Ok(CreateKeyResponse {
        key,
        info: info(&record),
    })
}

pub async fn list(call: Call, _: ListKeysParams) -> Result<ListKeysResponse, RpcError> {
    let keys = call.daemon.store.api_keys().await?;
    Ok(ListKeysResponse {
        keys: keys.iter().map(info).collect(),
    })
}

pub async fn revoke(call: Call, params: RevokeKeyParams) -> Result<RevokeKeyResponse, RpcError> {
    call.must_be_a_person("revoke keys")?;
    if params.name.is_empty() {
        return Err(RpcError::required("name"));
    }
    let daemon = &call.daemon;
    let record = daemon.store.revoke_api_key(params.name).await?;
    daemon.keys.reload(&daemon.store).await?;
    Ok(RevokeKeyResponse {
        info: info(&record),
    })
}

fn info(key: &ApiKey) -> KeyInfo {
    KeyInfo {
        name: key.name.clone(),
        may_decide: key.may_decide,
        created_at: key.created_at,
        last_used_at: key.last_used_at,
        revoked_at: key.revoked_at,
    }
}
