//! One line to its answer.
//!
//! Owns the running of requests and batches against the table of methods, and
//! the limits that hold for a call. It must not touch the socket: the
//! connection writes what comes out of here. A method that panics costs its
//! caller an error and nobody else anything.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use jsonrpsee::core::id_providers::RandomIntegerIdProvider;
use jsonrpsee::types::{Id, Params};
use jsonrpsee::{
    BoundedSubscriptions, ConnectionId, Extensions, MethodCallback, MethodResponse, MethodSink,
    Methods, SubscriptionState,
};
use serde_json::value::RawValue;
use tokio::sync::mpsc;

use super::error::{self, Kind};
use super::limits::Limits;
use super::request::{self, Request};
use super::takeover::{Takeover, TakeoverRequest};

/// What every call of one connection shares.
pub(super) struct Context {
    pub methods: Methods,
    pub takeover: Option<Arc<dyn Takeover>>,
    pub extensions: Extensions,
    pub connection: ConnectionId,
    /// One count for the connection, so the limit holds across its calls.
    pub subscriptions: BoundedSubscriptions,
    pub notifications: mpsc::Sender<Box<RawValue>>,
    pub limits: Limits,
}

/// What the connection has to do after a line.
pub(super) enum Outcome {
    /// Nothing: the line held notifications only.
    Nothing,
    /// Write this answer.
    Answer(Box<RawValue>),
    /// Write what is queued: the answer is among the notifications, ahead of
    /// the first one of its subscription.
    Queued,
    /// Hand the connection over.
    Takeover(Arc<dyn Takeover>, TakeoverRequest),
}

/// How the library's own "internal error" ends: no data, and a message that no
/// method of ours would choose.
const LIBRARY_FAILURE: &str = r#""error":{"code":-32603,"message":"Internal error"}}"#;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Alone,
    InBatch,
}

/// From this length on a line is read apart from the others, which would have to wait for it.
const LONG_LINE: usize = 256 * 1024;

/// Runs one line: a request, or a batch of them one after the other.
pub(super) async fn run_line(context: Arc<Context>, line: String) -> Outcome {
    let runtime = tokio::runtime::Handle::current();
    let can_step_aside = runtime.runtime_flavor() == tokio::runtime::RuntimeFlavor::MultiThread;
    if line.len() < LONG_LINE || !can_step_aside {
        return run(context, line).await;
    }
    tokio::task::block_in_place(|| runtime.block_on(run(context, line)))
}

async fn run(context: Arc<Context>, line: String) -> Outcome {
    if line.trim_start().starts_with('[') {
        run_batch(&context, &line).await
    } else {
        run_request(&context, &line, Place::Alone, context.limits.response).await
    }
}

async fn run_batch(context: &Context, line: &str) -> Outcome {
    let items: Vec<&RawValue> = match serde_json::from_str(line) {
        Ok(items) => items,
        Err(cause) => return Outcome::Answer(request::not_json(Id::Null, &cause)),
    };
    if items.is_empty() {
        return Outcome::Answer(request::invalid(Id::Null, "the batch is empty"));
    }
    let limit = context.limits.batch;
    if items.len() > limit {
        let why = format!(
            "Invalid request: a batch of {} requests is over the limit of {limit}; send several",
            items.len()
        );
        let answer = error::reply(Id::Null, error::INVALID_REQUEST, Kind::TooLarge, why);
        return Outcome::Answer(answer);
    }

    let mut answers = String::from("[");
    for item in items {
        // Each answer gets what its predecessors left, so the whole stays
        // within the limit but for the short errors of those that did not fit.
        let room = context.limits.response.saturating_sub(answers.len() + 2);
        match run_request(context, item.get(), Place::InBatch, room).await {
            Outcome::Answer(answer) => {
                if answers.len() > 1 {
                    answers.push(',');
                }
                answers.push_str(answer.get());
            }
            Outcome::Nothing | Outcome::Queued | Outcome::Takeover(..) => {}
        }
    }
    if answers.len() == 1 {
        return Outcome::Nothing;
    }
    answers.push(']');
    match RawValue::from_string(answers) {
        Ok(answers) => Outcome::Answer(answers),
        Err(cause) => Outcome::Answer(error::reply(
            Id::Null,
            error::INTERNAL,
            Kind::Internal,
            format!("Internal error: joining the answers of a batch: {cause}"),
        )),
    }
}

async fn run_request(context: &Context, text: &str, place: Place, room: usize) -> Outcome {
    let request = match request::parse(text) {
        Ok(request) => request,
        Err(refusal) => return Outcome::Answer(refusal),
    };
    if let Some(takeover) = &context.takeover
        && takeover.method() == request.method
    {
        return match place {
            Place::Alone => take_over(context, takeover, &request),
            Place::InBatch => refuse_in_batch(&request),
        };
    }
    let Some((name, callback)) = context.methods.method_with_name(&request.method) else {
        return answer_to(&request, |id| {
            let why = format!("Method not found: {}", request.method);
            error::reply(id, error::METHOD_NOT_FOUND, Kind::MethodNotFound, why)
        });
    };
    if matches!(callback, MethodCallback::Subscription(_)) {
        if place == Place::InBatch {
            return refuse_in_batch(&request);
        }
        if request.id.is_none() {
            // Nobody would learn the subscription's id.
            tracing::debug!(
                method = name,
                "a subscription without a request id is not started"
            );
            return Outcome::Nothing;
        }
    }

    let id = request.id.clone().unwrap_or(Id::Null).into_owned();
    let call = call(context, callback, id.clone(), &request, room);
    let response = match AssertUnwindSafe(call).catch_unwind().await {
        Ok(Ok(response)) => response,
        Ok(Err(refusal)) => return Outcome::Answer(refusal),
        Err(panic) => {
            tracing::error!(
                method = name,
                panic = panic_text(panic.as_ref()),
                "a method panicked"
            );
            return answer_to(&request, |id| internal(id, name));
        }
    };
    if response.is_subscription() {
        return Outcome::Queued;
    }
    answer_to(&request, |_| {
        finish(response, id, name, context.limits.response)
    })
}

/// Calls the method. `Err` is an answer that refuses to.
async fn call(
    context: &Context,
    callback: &MethodCallback,
    id: Id<'static>,
    request: &Request<'_>,
    room: usize,
) -> Result<MethodResponse, Box<RawValue>> {
    let params = Params::new(request.params.map(RawValue::get));
    let extensions = context.extensions.clone();
    let connection = context.connection;
    Ok(match callback {
        MethodCallback::Sync(method) => method(id, params, room, extensions),
        MethodCallback::Async(method) => {
            method(id, params.into_owned(), connection, room, extensions).await
        }
        MethodCallback::Unsubscription(method) => method(id, params, connection, room, extensions),
        MethodCallback::Subscription(method) => {
            let Some(subscription_permit) = context.subscriptions.acquire() else {
                return Err(error::reply(
                    id,
                    error::TOO_MANY_SUBSCRIPTIONS,
                    Kind::TooManySubscriptions,
                    format!(
                        "This connection holds {} subscriptions, the most it may; end one first",
                        context.subscriptions.max()
                    ),
                ));
            };
            let sink = MethodSink::new(context.notifications.clone());
            let state = SubscriptionState {
                conn_id: connection,
                id_provider: &RandomIntegerIdProvider,
                subscription_permit,
            };
            method(id, params, sink, state, extensions).await
        }
    })
}

/// Turns a method's response into the answer's text. The library's own errors
/// are reworded: they carry no kind, and the one for a panic on a blocking
/// thread has lost the request's id.
fn finish(response: MethodResponse, id: Id<'_>, method: &str, limit: usize) -> Box<RawValue> {
    let code = response.as_error_code();
    let succeeded = response.is_success();
    let (json, on_sent, _) = response.into_parts();
    if let Some(on_sent) = on_sent {
        on_sent.notify(succeeded);
    }
    match code {
        Some(error::RESPONSE_TOO_LARGE) if !names_its_kind(&json) => error::reply(
            id,
            error::RESPONSE_TOO_LARGE,
            Kind::TooLarge,
            format!(
                "The answer to {method} is over the limit of {limit} bytes; ask for it in pages"
            ),
        ),
        Some(error::INTERNAL) if json.get().ends_with(LIBRARY_FAILURE) => internal(id, method),
        Some(_) | None => json,
    }
}

/// Whether an error has a kind, as the methods' own have and the library's have not.
fn names_its_kind(answer: &RawValue) -> bool {
    serde_json::from_str::<serde_json::Value>(answer.get())
        .is_ok_and(|answer| answer.pointer("/error/data/kind").is_some())
}

fn internal(id: Id<'_>, method: &str) -> Box<RawValue> {
    let why = format!("Internal error: {method} failed; the daemon's log says more");
    error::reply(id, error::INTERNAL, Kind::Internal, why)
}

fn refuse_in_batch(request: &Request<'_>) -> Outcome {
    answer_to(request, |id| {
        let why = format!("{} cannot be part of a batch", request.method);
        request::invalid(id, why)
    })
}

fn take_over(context: &Context, takeover: &Arc<dyn Takeover>, request: &Request<'_>) -> Outcome {
    let request = TakeoverRequest {
        id: request.raw_id.unwrap_or(RawValue::NULL).to_owned(),
        params: request.params.map(ToOwned::to_owned),
        extensions: context.extensions.clone(),
    };
    Outcome::Takeover(Arc::clone(takeover), request)
}

fn answer_to<'a>(request: &Request<'a>, answer: impl FnOnce(Id<'a>) -> Box<RawValue>) -> Outcome {
    match &request.id {
        Some(id) => Outcome::Answer(answer(id.clone())),
        None => Outcome::Nothing,
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("not a text")
}
