//! One JSON text to one request.
//!
//! Owns the reading of JSON-RPC 2.0 envelopes and the words in which a bad
//! one is refused. It must not run anything, and leaves `params` unparsed.

use jsonrpsee::types::Id;
use serde::{Deserialize, Deserializer};
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::error::{self, Kind};
use super::limits::DEPTH;

/// A request that may be run.
#[derive(Debug)]
pub(super) struct Request<'a> {
    /// `None` for a notification, which is never answered.
    pub id: Option<Id<'a>>,
    /// The id as written.
    pub raw_id: Option<&'a RawValue>,
    pub method: String,
    /// An array or an object; `None` when absent or null.
    pub params: Option<&'a RawValue>,
}

/// The members of the envelope, each as written. A member that is present and
/// null differs from one that is absent.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    jsonrpc: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    method: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    params: Option<&'a RawValue>,
}

fn present<'de: 'a, 'a, D: Deserializer<'de>>(from: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(from).map(Some)
}

/// Reads one request, or gives the answer that refuses it.
pub(super) fn parse(text: &str) -> Result<Request<'_>, Box<RawValue>> {
    // Serde also reads a struct from an array of its fields.
    if !text.trim_start().starts_with('{') && serde_json::from_str::<&RawValue>(text).is_ok() {
        return Err(invalid(Id::Null, "a request must be a JSON object"));
    }
    let envelope: Envelope<'_> =
        serde_json::from_str(text).map_err(|cause| match cause.classify() {
            Category::Syntax | Category::Eof | Category::Io => not_json(&cause),
            Category::Data => invalid(Id::Null, format!("not a request: {cause}")),
        })?;

    let id = match envelope.id {
        None => None,
        Some(raw) => match serde_json::from_str::<Id<'_>>(raw.get()) {
            Ok(id) => Some(id),
            Err(_) => {
                let why = "`id` must be a string, a whole number from 0, or null";
                return Err(invalid(Id::Null, why));
            }
        },
    };
    let refuse = |why: &str| Err(invalid(id.clone().unwrap_or(Id::Null), why));

    match envelope.jsonrpc.map(RawValue::get) {
        Some(r#""2.0""#) => {}
        Some(_) => return refuse("`jsonrpc` must be \"2.0\""),
        None => return refuse("`jsonrpc` is missing; it must be \"2.0\""),
    }
    let method = match envelope.method {
        None => return refuse("`method` is missing"),
        Some(raw) => match serde_json::from_str::<String>(raw.get()) {
            Ok(method) => method,
            Err(_) => return refuse("`method` must be a string"),
        },
    };
    let params = match envelope.params {
        None => None,
        Some(raw) => match raw.get().as_bytes().first() {
            Some(b'{' | b'[') => Some(raw),
            Some(b'n') => None,
            Some(_) | None => return refuse("`params` must be an object or an array"),
        },
    };
    Ok(Request {
        id,
        raw_id: envelope.id,
        method,
        params,
    })
}

/// The answer to a text that is not JSON.
pub(super) fn not_json(cause: &serde_json::Error) -> Box<RawValue> {
    let why = format!("Parse error: {cause}");
    error::reply(Id::Null, error::PARSE_ERROR, Kind::ParseError, why)
}

/// The answer to JSON that is not a request.
pub(super) fn invalid(id: Id<'_>, why: impl std::fmt::Display) -> Box<RawValue> {
    let why = format!("Invalid request: {why}");
    error::reply(id, error::INVALID_REQUEST, Kind::InvalidRequest, why)
}

/// Whether arrays and objects nest deeper than any method could read. Unparsed
/// members are skipped without a look at their depth, so it is counted here.
pub(super) fn nests_too_deeply(text: &str) -> bool {
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut escaped = false;
    for byte in text.bytes() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => {
                depth += 1;
                if depth > DEPTH {
                    return true;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}
