//! Who asks: creating a request and waiting for its end.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Extension, Path, Request, State};
use axum::http::StatusCode;
use axum::{Json, response};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::Instant;

use super::error::ApiError;
use super::gate::Caller;
use super::intake::{self, Values};
use super::model::{self, Asks, NewContact, NewFunctionCall};
use super::{Api, PENDING, peer};
use crate::daemon::store::{Asked, StoreError};
use crate::domain::session::Process;
use crate::domain::{Approval, Kind, Outcome, Source};

type Answer = Result<Json<Value>, ApiError>;

pub async fn create_function_call(
    api: State<Arc<Api>>,
    caller: Extension<Caller>,
    request: Request,
) -> Answer {
    create::<NewFunctionCall>(api.0, caller.0, request).await
}

pub async fn create_contact(
    api: State<Arc<Api>>,
    caller: Extension<Caller>,
    request: Request,
) -> Answer {
    create::<NewContact>(api.0, caller.0, request).await
}

async fn create<T: Asks + DeserializeOwned>(
    api: Arc<Api>,
    caller: Caller,
    request: Request,
) -> Answer {
    let body: T = intake::body(request).await?;
    let request = body.into_request(&caller.key.name)?;
    must_ask_for_itself(&api, &caller, &request.run_id).await?;
    let _turn = api.writes.acquire().await.map_err(|_| StoreError::Closed)?;
    let asked = api.store.ask_bounded(request, PENDING).await?;
    crate::failpoint::hit("request.answering");
    match asked {
        Asked::New(approval) | Asked::Known(approval) => Ok(Json(model::told(&approval)?)),
        Asked::Taken(_) => Err(ApiError::conflict(
            "call_id: something else was asked under it; choose another",
        )),
    }
}

/// Checks that nobody asks in the name of a session but its own programs, and a person's.
async fn must_ask_for_itself(
    api: &Arc<Api>,
    caller: &Caller,
    run_id: &str,
) -> Result<(), ApiError> {
    let turn = api.reads.acquire().await.map_err(|_| StoreError::Closed)?;
    let named = api.store.session(run_id).await;
    drop(turn);
    let session = match named {
        Ok(session) if session.process != Process::External => session,
        // A run of a program's own.
        Ok(_) | Err(StoreError::NotFound { .. } | StoreError::Ambiguous { .. }) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let peer = caller.peer;
    api.look(move |callers| peer::must_be_of_session(peer, callers, &session.id))
        .await
}

pub async fn function_call(
    api: State<Arc<Api>>,
    caller: Extension<Caller>,
    call_id: Path<String>,
    values: Values,
) -> Answer {
    get(&api, &caller, Kind::Permission, &call_id, &values).await
}

pub async fn contact(
    api: State<Arc<Api>>,
    caller: Extension<Caller>,
    call_id: Path<String>,
    values: Values,
) -> Answer {
    get(&api, &caller, Kind::Contact, &call_id, &values).await
}

async fn get(api: &Api, caller: &Caller, kind: Kind, call_id: &str, values: &Values) -> Answer {
    let wait = intake::wait(values)?;
    let mut approval = find(api, kind, call_id).await?;
    // What others ask, and what they were answered, is not for a key that only asks.
    if !caller.key.may_decide && approval.asker.as_deref() != Some(caller.key.name.as_str()) {
        return Err(not_there(kind));
    }
    if approval.outcome == Outcome::Pending && !wait.is_zero() {
        approval = ended(api, kind, call_id, approval, wait).await?;
    }
    let is_news = approval.outcome != Outcome::Pending && approval.delivered_at.is_none();
    let answer = model::told(&approval)?;
    if is_news && approval.asker.as_deref() == Some(caller.key.name.as_str()) {
        let _turn = api.writes.acquire().await.map_err(|_| StoreError::Closed)?;
        // The asker has its answer even if that cannot be noted.
        if let Err(error) = api.store.outcome_fetched(approval.key).await {
            tracing::warn!(%error, approval = %approval.id, "cannot note that an answer was fetched");
        }
    }
    Ok(Json(answer))
}

/// Waits for the end of a request, for a while.
async fn ended(
    api: &Api,
    kind: Kind,
    call_id: &str,
    mut approval: Approval,
    wait: Duration,
) -> Result<Approval, ApiError> {
    let deadline = Instant::now() + wait;
    let waiter = api.waiters.join(&approval.id);
    while approval.outcome == Outcome::Pending {
        let rung = waiter.notify.notified();
        tokio::pin!(rung);
        // From here on nothing is missed; so what came before is looked at now.
        rung.as_mut().enable();
        approval = find(api, kind, call_id).await?;
        if approval.outcome != Outcome::Pending {
            break;
        }
        tokio::select! {
            () = rung => {}
            () = tokio::time::sleep_until(deadline) => break,
            () = api.stop.cancelled() => break,
        }
    }
    Ok(approval)
}

/// A request of the local API by its name.
pub async fn find(api: &Api, kind: Kind, call_id: &str) -> Result<Approval, ApiError> {
    let _turn = api.reads.acquire().await.map_err(|_| StoreError::Closed)?;
    api.store
        .request(Source::LocalApi, call_id)
        .await?
        .filter(|approval| approval.kind == kind)
        .ok_or_else(|| not_there(kind))
}

fn not_there(kind: Kind) -> ApiError {
    ApiError::not_found(match kind {
        Kind::Contact => "no contact request has this call_id",
        Kind::Permission | Kind::Question | Kind::Plan => "no function call has this call_id",
    })
}

/// Which project a key belongs to: there is one.
pub async fn project() -> Json<Value> {
    Json(serde_json::json!({
        "name": "local",
        "slug": "local",
        "organization": "local",
    }))
}

/// For paths that are none.
pub async fn no_such_path() -> ApiError {
    ApiError::not_found("there is no such path; the API is below /humanlayer/v1")
}

/// For methods that a path does not take.
pub async fn no_such_method() -> ApiError {
    ApiError::method_not_allowed()
}

/// Success that promises nothing.
pub fn accepted(value: Value) -> response::Response {
    response::IntoResponse::into_response((StatusCode::ACCEPTED, Json(value)))
}
