//! Errors of the API: a status, and a JSON object that says what is wrong and with what.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::daemon::store::StoreError;

/// Why a request failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    status: StatusCode,
    kind: &'static str,
    message: String,
    field: Option<String>,
    retry_after: Option<u64>,
}

#[derive(Serialize)]
struct Body<'a> {
    /// Stable, for programs.
    error: &'static str,
    /// For people.
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
}

impl ApiError {
    fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            kind,
            message: message.into(),
            field: None,
            retry_after: None,
        }
    }

    /// A value at fault; `field` is its path in the body or the query.
    pub fn invalid(field: &str, problem: impl std::fmt::Display) -> Self {
        Self {
            field: Some(field.to_owned()),
            ..Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "invalid",
                format!("{field}: {problem}"),
            )
        }
    }

    pub fn unauthorized(problem: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", problem)
    }

    pub fn forbidden(problem: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", problem)
    }

    pub fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", what)
    }

    pub fn method_not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "this path does not take that method",
        )
    }

    pub fn conflict(problem: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", problem)
    }

    /// It ended without anybody's yes, no or answer, so there is none to tell.
    pub fn undecided(problem: String) -> Self {
        Self::new(StatusCode::GONE, "ended_undecided", problem)
    }

    pub fn too_large(limit: usize) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_large",
            format!("the body is longer than {limit} bytes"),
        )
    }

    pub fn timeout(problem: &str) -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "timeout", problem)
    }

    pub fn too_many(problem: impl Into<String>, retry_after: u64) -> Self {
        Self {
            retry_after: Some(retry_after),
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many", problem)
        }
    }

    fn unavailable(problem: String, retry_after: u64) -> Self {
        Self {
            retry_after: Some(retry_after),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", problem)
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let message = error.to_string();
        match error {
            StoreError::NotFound { .. } | StoreError::Ambiguous { .. } => Self::not_found(&message),
            StoreError::AlreadyResolved(_)
            | StoreError::Conflict { .. }
            | StoreError::Expired
            | StoreError::GivenUp
            | StoreError::DoneBefore
            | StoreError::KeyTaken
            | StoreError::Taken { .. } => Self::conflict(message),
            StoreError::Unfit(unfit) => Self::invalid(unfit.field, unfit.problem),
            StoreError::Full { of_all: false, .. } => Self::too_many(message, 10),
            StoreError::Full { of_all: true, .. } => Self::unavailable(message, 10),
            StoreError::Sql { .. }
            | StoreError::Commit(_)
            | StoreError::Moved(_)
            | StoreError::Closed => {
                tracing::warn!(error = message, "a request of the local API failed");
                Self::unavailable(message, 2)
            }
            StoreError::Open { .. }
            | StoreError::InUse { .. }
            | StoreError::Corrupt { .. }
            | StoreError::Foreign { .. }
            | StoreError::Newer { .. }
            | StoreError::Migrate { .. }
            | StoreError::Value { .. }
            | StoreError::OutOfStep { .. } => {
                tracing::warn!(error = message, "a request of the local API failed");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
            }
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = Body {
            error: self.kind,
            message: &self.message,
            field: self.field.as_deref(),
        };
        let mut response = (self.status, Json(body)).into_response();
        if let Some(seconds) = self.retry_after {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
