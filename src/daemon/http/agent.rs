//! Who answers: what is pending, answering it, and asking for it to be escalated.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, Path, Request, State};
use axum::response::Response;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Api;
use super::calls::{accepted, find};
use super::error::ApiError;
use super::gate::Caller;
use super::intake::{self, Values};
use super::model::{self, Answers, ContactAnswer, Escalation, FunctionCallAnswer, Page};
use super::peer;
use crate::daemon::store::StoreError;
use crate::domain::approval::DecidedBy;
use crate::domain::text::summary;
use crate::domain::{Kind, Source};

/// Requests on a page, unless the client says.
const PAGE: u64 = 50;

/// Most requests on a page.
const MAX_LISTED: u64 = 500;

/// Characters of an escalation's message that are put on record.
const REMARK_CHARS: usize = 2000;

impl Caller {
    /// Lets only a key pass that may see and answer what others ask.
    fn must_may_decide(&self) -> Result<(), ApiError> {
        if self.key.may_decide {
            Ok(())
        } else {
            Err(ApiError::forbidden(
                "this key may only ask (it was made with --ask-only)",
            ))
        }
    }
}

pub async fn pending_function_calls(
    api: State<Arc<Api>>,
    caller: Extension<Caller>,
    values: Values,
) -> Result<Json<Page>, ApiError> {
    pending(&api, &caller, Kind::Permission, &values).await
}

pub async fn pending_contacts(
    api: State<Arc<Api>>,
    caller: Extension<Caller>,
    values: Values,
) -> Result<Json<Page>, ApiError> {
    pending(&api, &caller, Kind::Contact, &values).await
}

async fn pending(
    api: &Api,
    caller: &Caller,
    kind: Kind,
    values: &Values,
) -> Result<Json<Page>, ApiError> {
    caller.must_may_decide()?;
    let limit = intake::number(values, "limit", PAGE)?.clamp(1, MAX_LISTED);
    let offset = intake::number(values, "offset", 0)?;
    let _turn = api.reads.acquire().await.map_err(|_| StoreError::Closed)?;
    let (found, total) = api
        .store
        .pending_requests(
            Source::LocalApi,
            kind,
            u32::try_from(limit).unwrap_or(u32::MAX),
            u32::try_from(offset).unwrap_or(u32::MAX),
        )
        .await?;
    let seen = offset.saturating_add(found.len() as u64);
    Ok(Json(Page {
        has_more: !found.is_empty() && seen < total,
        items: found.iter().map(model::shown).collect(),
        total,
        limit,
        offset,
    }))
}

pub async fn respond_to_function_call(
    api: State<Arc<Api>>,
    caller: Extension<Caller>,
    call_id: Path<String>,
    request: Request,
) -> Result<Json<Value>, ApiError> {
    respond::<FunctionCallAnswer>(api.0, &caller, Kind::Permission, &call_id, request).await
}

pub async fn respond_to_contact(
    api: State<Arc<Api>>,
    caller: Extension<Caller>,
    call_id: Path<String>,
    request: Request,
) -> Result<Json<Value>, ApiError> {
    respond::<ContactAnswer>(api.0, &caller, Kind::Contact, &call_id, request).await
}

async fn respond<T: Answers + DeserializeOwned>(
    api: Arc<Api>,
    caller: &Caller,
    kind: Kind,
    call_id: &str,
    request: Request,
) -> Result<Json<Value>, ApiError> {
    caller.must_may_decide()?;
    let body: T = intake::body(request).await?;
    let approval = find(&api, kind, call_id).await?;
    let decision = body.into_decision(&approval)?;
    let peer = caller.peer;
    api.look(move |callers| peer::must_be_a_person(peer, callers))
        .await?;
    let by = DecidedBy::Key {
        name: caller.key.name.clone(),
    };
    let _turn = api.writes.acquire().await.map_err(|_| StoreError::Closed)?;
    let decided = api.store.decide(approval.id.as_str(), decision, by).await?;
    Ok(Json(model::shown(&decided)))
}

pub async fn escalate_function_call(
    api: State<Arc<Api>>,
    call_id: Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    escalate(&api, Kind::Permission, &call_id, request).await
}

pub async fn escalate_contact(
    api: State<Arc<Api>>,
    call_id: Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    escalate(&api, Kind::Contact, &call_id, request).await
}

/// Nobody is mailed: who looks into the inbox is told that the program would have it so.
async fn escalate(
    api: &Api,
    kind: Kind,
    call_id: &str,
    request: Request,
) -> Result<Response, ApiError> {
    let body: Escalation = intake::body(request).await?;
    let approval = find(api, kind, call_id).await?;
    let remark = format!(
        "The asker of {} wanted it escalated by mail; nobody is mailed from here. It says: {}",
        approval.id.short(),
        summary(&body.escalation_msg, REMARK_CHARS)
    );
    let _turn = api.writes.acquire().await.map_err(|_| StoreError::Closed)?;
    let approval = api.store.remark(approval.key, remark).await?;
    Ok(accepted(model::shown(&approval)))
}
