//! Reading what a request brings: its body, its query, and the checks that all of them share.

use std::collections::HashMap;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest, Query, Request};
use axum::http::{StatusCode, header};
use serde::de::DeserializeOwned;

use super::MAX_BODY;
use super::error::ApiError;
use crate::domain::approval::{ResponseOption, check_options};

/// How long a body may take to arrive.
const BODY_WAIT: Duration = Duration::from_secs(10);

/// Longest name of a run, a request or a function, in bytes.
const MAX_NAME: usize = 1000;

/// Most options of one request.
const MAX_OPTIONS: usize = 100;

/// Longest time that a client may ask to be kept waiting, in seconds.
pub const MAX_WAIT_SECONDS: u64 = 55;

/// Reads a JSON body.
pub async fn body<T: DeserializeOwned>(request: Request) -> Result<T, ApiError> {
    let announced = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > MAX_BODY as u64) {
        return Err(ApiError::too_large(MAX_BODY));
    }
    let bytes = tokio::time::timeout(BODY_WAIT, Bytes::from_request(request, &()))
        .await
        .map_err(|_| ApiError::timeout("the body did not arrive in time"))?
        .map_err(|rejection| match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => ApiError::too_large(MAX_BODY),
            _ => ApiError::invalid("body", "it did not arrive whole"),
        })?;
    let mut reader = serde_json::Deserializer::from_slice(&bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let problem = error.into_inner();
        // What is missing is said by the message alone.
        let missing = problem.to_string();
        let missing = missing
            .strip_prefix("missing field `")
            .and_then(|rest| rest.split('`').next());
        let field = match (path.as_str(), missing) {
            ("." | "?", Some(field)) => field.to_owned(),
            (path, Some(field)) => format!("{path}.{field}"),
            ("." | "?", None) => "body".to_owned(),
            (path, None) => path.to_owned(),
        };
        ApiError::invalid(&field, problem)
    })?;
    reader
        .end()
        .map_err(|error| ApiError::invalid("body", error))?;
    Ok(value)
}

/// The query's values by name.
pub type Values = Query<HashMap<String, String>>;

/// A number of the query.
pub fn number(values: &Values, name: &str, default: u64) -> Result<u64, ApiError> {
    match values.0.get(name) {
        None => Ok(default),
        Some(text) => text
            .parse()
            .map_err(|_| ApiError::invalid(name, "must be a whole number, 0 or more")),
    }
}

/// How long to keep a client waiting.
pub fn wait(values: &Values) -> Result<Duration, ApiError> {
    number(values, "wait", 0).map(|seconds| Duration::from_secs(seconds.min(MAX_WAIT_SECONDS)))
}

/// Checks a name that is not empty and not endless.
pub fn check_name(field: &str, name: &str) -> Result<(), ApiError> {
    if name.trim().is_empty() {
        return Err(ApiError::invalid(field, "must not be empty"));
    }
    if name.len() > MAX_NAME {
        return Err(ApiError::invalid(
            field,
            format!("has {} bytes, the limit is {MAX_NAME}", name.len()),
        ));
    }
    Ok(())
}

/// Checks a request's name, which clients put into a path as it is.
pub fn check_call_id(name: &str) -> Result<(), ApiError> {
    check_name("call_id", name)?;
    let unfit = |c: char| c.is_control() || c.is_whitespace() || "/?#%\\".contains(c);
    if name.contains(unfit) || name == "." || name == ".." {
        return Err(ApiError::invalid(
            "call_id",
            "must do as a part of a path: no spaces and none of / ? # % \\",
        ));
    }
    Ok(())
}

/// Checks options.
pub fn check_offered(field: &str, options: &[ResponseOption]) -> Result<(), ApiError> {
    check_options(options, MAX_OPTIONS).map_err(|problem| ApiError::invalid(field, problem))
}
