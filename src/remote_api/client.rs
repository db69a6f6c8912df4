//! HTTP to the remote API; the only code that knows it.
//!
//! One pooled client for all calls, with a limit on every wait and every body. The key goes into
//! one header, marked sensitive, and nowhere else: no redirect is followed with it, and what the
//! API says is cleared of it before anybody reads it. Knows nothing of the store or of approvals.

use std::error::Error as _;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Method, Response, StatusCode, Url, redirect};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::error::{ApiError, SetupError};
use super::retry;
use super::types::{self, Page, Project, Request, RequestKind};
use crate::domain::text;

/// How long a connection may take to be made.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the API may say nothing while it owes us something.
pub const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a call may take in all.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a connection is kept that nobody uses.
const KEEP_IDLE: Duration = Duration::from_secs(90);

/// Idle connections kept.
const MAX_IDLE_CONNECTIONS: usize = 8;

/// The longest body that is read.
pub const MAX_BODY_BYTES: usize = 32 * 1024 * 1024;

/// Characters of the API's own words that are kept.
const MAX_PROBLEM_CHARS: usize = 300;

/// What the API made of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It took it.
    Yes,
    /// The request has been answered before (409).
    Conflict,
    /// It says yes, but not as this API would: it must be looked at what stands.
    Unclear,
}

/// A remote API with a key for it. Its `Debug` shows no key.
pub struct Api {
    http: reqwest::Client,
    base: Url,
    key: SecretString,
    place: String,
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Api")
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

impl Api {
    /// Prepares for calls; makes none.
    ///
    /// # Errors
    /// [`SetupError`].
    pub fn new(base: &str, key: SecretString) -> Result<Self, SetupError> {
        let base = parse_base(base)?;
        let place = place(&base);
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", key.expose_secret()))
            .map_err(|_| SetupError::Key)?;
        bearer.set_sensitive(true);
        let headers = HeaderMap::from_iter([
            (AUTHORIZATION, bearer),
            (ACCEPT, HeaderValue::from_static("application/json")),
        ]);
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("humanlayer/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers)
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .timeout(CALL_TIMEOUT)
            .pool_idle_timeout(KEEP_IDLE)
            .pool_max_idle_per_host(MAX_IDLE_CONNECTIONS);
        // Fails when another part of this process has chosen one already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        if base.scheme() == "http" {
            // No certificate is ever looked at, so none has to be there.
            builder = builder.tls_backend_preconfigured(without_certificates(&place)?);
        }
        if is_loopback(&base) {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|error| SetupError::Client {
            place: place.clone(),
            problem: root_cause(&error),
        })?;
        Ok(Self {
            http,
            base,
            key,
            place,
        })
    }

    /// The API's address, for people.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Whether the key crosses a network unencrypted.
    #[must_use]
    pub fn is_in_the_clear(&self) -> bool {
        self.base.scheme() == "http" && !is_loopback(&self.base)
    }

    /// Whose key it is.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn project(&self) -> Result<Project, ApiError> {
        let doing = "ask for the project";
        let response = self
            .send(Method::GET, &["project"], &[], None, doing)
            .await?;
        let body = self.body(response, doing).await?;
        serde_json::from_slice(&body).map_err(|error| self.protocol_error(doing, &error))
    }

    /// A page of what is pending.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn pending(
        &self,
        kind: RequestKind,
        limit: u32,
        offset: u32,
    ) -> Result<Page, ApiError> {
        let doing = match kind {
            RequestKind::FunctionCall => "list the pending function calls",
            RequestKind::HumanContact => "list the pending human contacts",
        };
        let path = ["agent", agent_path(kind), "pending"];
        let query = [("limit", limit), ("offset", offset)];
        let response = self.send(Method::GET, &path, &query, None, doing).await?;
        let body = self.body(response, doing).await?;
        serde_json::from_slice(&body).map_err(|error| self.protocol_error(doing, &error))
    }

    /// A request as it stands; none when the API does not know it.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn get(&self, kind: RequestKind, call_id: &str) -> Result<Option<Request>, ApiError> {
        let doing = "look at a request";
        let path = match kind {
            RequestKind::FunctionCall => ["function_calls", call_id],
            RequestKind::HumanContact => ["contact_requests", call_id],
        };
        let response = match self.send(Method::GET, &path, &[], None, doing).await {
            Err(ApiError::Refused { status: 404, .. }) => return Ok(None),
            other => other?,
        };
        let body = self.body(response, doing).await?;
        let request =
            types::request(kind, &body).map_err(|problem| self.protocol_error(doing, &problem))?;
        if request.call_id != call_id {
            return Err(self.protocol_error(doing, &"it is about another request"));
        }
        Ok(Some(request))
    }

    /// Answers a request.
    ///
    /// # Errors
    /// [`ApiError`]. It may have been taken all the same if no answer came.
    pub async fn respond(
        &self,
        kind: RequestKind,
        call_id: &str,
        answer: &Value,
    ) -> Result<Taken, ApiError> {
        let doing = "answer a request";
        let path = ["agent", agent_path(kind), call_id, "respond"];
        let sent = self.send(Method::POST, &path, &[], Some(answer), doing);
        let response = match sent.await {
            Err(ApiError::Refused { status: 409, .. }) => return Ok(Taken::Conflict),
            other => other?,
        };
        let body = self.body(response, doing).await?;
        // Anything between here and the API can answer with status 200; only the API answers in its own form.
        match types::request(kind, &body) {
            Ok(request) if request.call_id == call_id && request.settled.is_some() => {
                Ok(Taken::Yes)
            }
            Ok(_) | Err(_) => Ok(Taken::Unclear),
        }
    }

    /// Makes a call; an answer that is not a success is an error.
    async fn send(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, u32)],
        body: Option<&Value>,
        doing: &'static str,
    ) -> Result<Response, ApiError> {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        let mut request = self.http.request(method, url).query(query);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request
            .send()
            .await
            .map_err(|error| self.unreachable(doing, error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(self.refused(response, doing).await)
    }

    async fn refused(&self, response: Response, doing: &'static str) -> ApiError {
        let status = response.status();
        let retry_after = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| retry::retry_after(value, Timestamp::now()));
        let words = if status.is_redirection() {
            "it redirects to another address, which is not followed with the key: set HUMANLAYER_API_BASE to the right one"
                .to_owned()
        } else {
            // The status is what counts; words that do not come are not waited for in vain.
            let body = self.body(response, doing).await.unwrap_or_default();
            self.words(status, &body)
        };
        ApiError::Refused {
            doing,
            status: status.as_u16(),
            words,
            retry_after,
        }
    }

    async fn body(&self, mut response: Response, doing: &'static str) -> Result<Vec<u8>, ApiError> {
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(None) => return Ok(body),
                Ok(Some(chunk)) if body.len() + chunk.len() <= MAX_BODY_BYTES => {
                    body.extend_from_slice(&chunk);
                }
                Ok(Some(_)) => {
                    let problem = format!("it is longer than {MAX_BODY_BYTES} bytes");
                    return Err(self.protocol_error(doing, &problem));
                }
                Err(error) => return Err(self.unreachable(doing, error)),
            }
        }
    }

    /// What the API says about its refusal, in one short line.
    fn words(&self, status: StatusCode, body: &[u8]) -> String {
        let text = String::from_utf8_lossy(body);
        let told = match serde_json::from_str::<Value>(&text) {
            Ok(json) => told(&json),
            // A page for a browser tells nobody anything.
            Err(_) if text.trim_start().starts_with('<') => None,
            Err(_) => Some(text.into_owned()),
        };
        let told = told.unwrap_or_default();
        let words = if told.trim().is_empty() {
            status.canonical_reason().unwrap_or_default()
        } else {
            &told
        };
        text::summary(&self.without_key(words), MAX_PROBLEM_CHARS)
    }

    fn unreachable(&self, doing: &'static str, error: reqwest::Error) -> ApiError {
        let place = &self.place;
        let problem = if error.is_connect() {
            format!("no connection to {place}: {}", root_cause(&error))
        } else if error.is_timeout() {
            format!(
                "{place} said nothing for {} s, or not all within {} s",
                READ_TIMEOUT.as_secs(),
                CALL_TIMEOUT.as_secs()
            )
        } else {
            format!("the connection to {place} broke: {}", root_cause(&error))
        };
        ApiError::Unreachable {
            doing,
            problem: self.without_key(&problem),
        }
    }

    fn protocol_error(&self, doing: &'static str, problem: &dyn std::fmt::Display) -> ApiError {
        let problem = self.without_key(&problem.to_string());
        ApiError::Protocol {
            doing,
            problem: text::summary(&problem, MAX_PROBLEM_CHARS),
        }
    }

    /// An API may repeat the key that it was given.
    fn without_key(&self, text: &str) -> String {
        let key = self.key.expose_secret();
        if key.is_empty() {
            text.to_owned()
        } else {
            text.replace(key, "********")
        }
    }
}

fn agent_path(kind: RequestKind) -> &'static str {
    match kind {
        RequestKind::FunctionCall => "function_calls",
        RequestKind::HumanContact => "human_contacts",
    }
}

fn parse_base(base: &str) -> Result<Url, SetupError> {
    let wrong = |problem: String| SetupError::Base {
        base: base.to_owned(),
        problem,
    };
    let mut url = Url::parse(base).map_err(|error| wrong(error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong("it must begin with https:// or http://".to_owned()));
    }
    url.set_query(None);
    url.set_fragment(None);
    Ok(url)
}

/// An address without the password that it may contain.
fn place(base: &Url) -> String {
    let mut shown = base.clone();
    // These fail for addresses that have no place for them, which are no problem then.
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    shown.as_str().trim_end_matches('/').to_owned()
}

fn is_loopback(base: &Url) -> bool {
    let host = base.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || address
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

fn without_certificates(place: &str) -> Result<rustls::ClientConfig, SetupError> {
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| SetupError::Client {
            place: place.to_owned(),
            problem: error.to_string(),
        })?;
    Ok(builder
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth())
}

/// The innermost reason, which is the one that people can do something about.
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    if error.source().is_none() {
        // Its own words would repeat the address, with what may be secret in it.
        return "it failed".to_owned();
    }
    cause.to_string()
}

/// The sentence in a JSON error, in the forms that are in use.
fn told(json: &Value) -> Option<String> {
    match json {
        Value::String(text) => Some(text.clone()),
        Value::Array(all) => told(all.first()?),
        Value::Object(fields) => ["detail", "message", "error", "msg"]
            .iter()
            .find_map(|name| told(fields.get(*name)?)),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use serde_json::json;

    const KEY: &str = "hl-a-key-that-nobody-sees";

    fn api(base: &str) -> Result<Api, SetupError> {
        Api::new(base, SecretString::from(KEY))
    }

    #[test]
    fn the_key_is_in_nothing_that_can_be_shown() {
        let api = api("http://me:sesame@127.0.0.1:9/v1/").unwrap();
        assert_eq!(api.place(), "http://127.0.0.1:9/v1");
        let shown = format!("{api:?} {:?}", api.http);
        assert!(!shown.contains("nobody-sees"), "{shown}");
        let body = format!(r#"{{"detail": "no such key: {KEY}"}}"#);
        let words = api.words(StatusCode::UNAUTHORIZED, body.as_bytes());
        assert_eq!(words, "no such key: ********");
        let wrong = Api::new("http://x", SecretString::from("line\nbreak-nobody-sees"));
        let said = format!("{:?}", wrong.unwrap_err());
        assert!(!said.contains("nobody-sees"), "{said}");
    }

    #[test]
    fn an_address_must_be_one() {
        for base in ["", "api.humanlayer.dev", "ftp://x", "http://"] {
            assert!(matches!(api(base), Err(SetupError::Base { .. })), "{base}");
        }
    }

    #[test]
    fn only_a_network_makes_plain_http_a_risk() {
        let cases = [
            ("http://localhost:1/v1", false),
            ("http://127.0.0.9", false),
            ("http://[::1]:8", false),
            ("http://192.168.0.1", true),
            ("http://localhost.example", true),
        ];
        for (base, risky) in cases {
            assert_eq!(api(base).unwrap().is_in_the_clear(), risky, "{base}");
        }
    }

    #[test]
    fn the_apis_words_are_found_in_their_usual_places() {
        let api = api("http://127.0.0.1:9").unwrap();
        let long = "x".repeat(10_000);
        let cases = [
            (json!({"detail": "no"}).to_string(), "no"),
            (
                json!({"detail": [{"loc": ["body"], "msg": "field required"}]}).to_string(),
                "field required",
            ),
            (json!({"error": {"message": "odd"}}).to_string(), "odd"),
            ("plain\nwords".to_owned(), "plain words"),
            ("<html>…".to_owned(), "Bad Request"),
            (json!({}).to_string(), "Bad Request"),
            (String::new(), "Bad Request"),
        ];
        for (body, words) in cases {
            assert_eq!(api.words(StatusCode::BAD_REQUEST, body.as_bytes()), words);
        }
        let cut = api.words(StatusCode::BAD_REQUEST, long.as_bytes());
        assert_eq!(cut.chars().count(), MAX_PROBLEM_CHARS);
    }
}
