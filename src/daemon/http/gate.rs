//! What every request passes before anything of it is read: its Host, its key, its key's rate.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;

use super::Api;
use super::error::ApiError;
use super::incoming::Incoming;
use super::limits::{PER_SECOND, Who};
use super::peer::Peer;
use crate::daemon::store::ApiKey;

/// Longest time that a request may take, waiting for an answer included.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(70);

/// Who makes a request.
#[derive(Clone, Debug)]
pub struct Caller {
    /// With which key.
    pub key: Arc<ApiKey>,
    /// From where.
    pub peer: Peer,
}

/// Lets a request in, with its [`Caller`] among its extensions.
pub async fn pass(
    State(api): State<Arc<Api>>,
    ConnectInfo(Incoming { peer, admission }): ConnectInfo<Incoming>,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    if !api
        .hosts
        .allow(request.uri(), request.headers(), peer.local)
    {
        return Err(ApiError::forbidden(
            "this Host is not one of this machine's names; use its address, or configure http_host",
        ));
    }
    let key = match bearer(request.headers()).and_then(|key| api.keys.find(key)) {
        Some(key) => key,
        None => {
            take(&api, Who::Nobody)?;
            return Err(ApiError::unauthorized(
                "no good key: send `Authorization: Bearer KEY` with one of `humanlayer keys new NAME`",
            ));
        }
    };
    if !admission.shows_key(key.id) {
        return Err(ApiError::too_many(
            "too many connections with this key, or with any; close some, or ask over fewer",
            1,
        ));
    }
    take(&api, Who::Key(key.id))?;
    if api.keys.is_to_be_noted(key.id)
        && let Err(error) = api.store.api_key_used(key.id).await
    {
        tracing::warn!(%error, key = key.name, "cannot note a key's use");
    }
    let caller = Caller {
        key: Arc::new(key),
        peer,
    };
    request.extensions_mut().insert(caller);
    tokio::time::timeout(REQUEST_TIMEOUT, next.run(request))
        .await
        .map_err(|_| ApiError::timeout("the request took too long; ask again"))
}

fn take(api: &Api, who: Who) -> Result<(), ApiError> {
    api.rates.take(who, Instant::now()).map_err(|seconds| {
        let whose = match who {
            Who::Key(_) => "with this key",
            Who::Nobody => "without a good key",
        };
        ApiError::too_many(
            format!("more than {PER_SECOND} requests a second {whose}"),
            seconds,
        )
    })
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, key) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| key.trim())
        .filter(|key| !key.is_empty())
}
