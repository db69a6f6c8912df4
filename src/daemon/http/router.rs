//! Which path is served by what.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};

use super::{Api, MAX_BODY, PREFIX, agent, calls, gate};

/// All paths.
pub fn router(api: Arc<Api>) -> Router {
    let paths = Router::new()
        .route("/project", get(calls::project))
        .route("/function_calls", post(calls::create_function_call))
        .route("/function_calls/{call_id}", get(calls::function_call))
        .route("/contact_requests", post(calls::create_contact))
        .route("/contact_requests/{call_id}", get(calls::contact))
        .route(
            "/agent/function_calls/pending",
            get(agent::pending_function_calls),
        )
        .route(
            "/agent/human_contacts/pending",
            get(agent::pending_contacts),
        )
        .route(
            "/agent/function_calls/{call_id}/respond",
            post(agent::respond_to_function_call),
        )
        .route(
            "/agent/human_contacts/{call_id}/respond",
            post(agent::respond_to_contact),
        )
        .route(
            "/agent/function_calls/{call_id}/escalate_email",
            post(agent::escalate_function_call),
        )
        .route(
            "/agent/human_contacts/{call_id}/escalate_email",
            post(agent::escalate_contact),
        );
    Router::new()
        .nest(PREFIX, paths)
        .fallback(calls::no_such_path)
        .method_not_allowed_fallback(calls::no_such_method)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(from_fn_with_state(Arc::clone(&api), gate::pass))
        .with_state(api)
}
