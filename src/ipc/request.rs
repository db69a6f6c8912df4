//! One JSON text to one request.
//!
//! Owns the reading of JSON-RPC 2.0 envelopes and the words in which a bad
//! one is refused. It must not run anything, and leaves `params` unparsed.

use jsonrpsee::types::Id;
use serde::{Deserialize, Deserializer};
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::error::{self, Kind};
use crate::json::Members;

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
            Category::Syntax | Category::Eof | Category::Io => not_json(id_in(text), &cause),
            Category::Data => invalid(id_in(text), format!("not a request: {cause}")),
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

/// The id of what cannot be read as a request, so that its caller does not wait for ever: null where it
/// has none, or not surely one.
fn id_in(text: &str) -> Id<'static> {
    Members::of(text)
        .only("id")
        .and_then(|id| serde_json::from_str::<Id<'_>>(id).ok())
        .map_or(Id::Null, Id::into_owned)
}

/// The answer to a text that is not JSON.
pub(super) fn not_json(id: Id<'_>, cause: &serde_json::Error) -> Box<RawValue> {
    let why = format!("Parse error: {cause}");
    error::reply(id, error::PARSE_ERROR, Kind::ParseError, why)
}

/// The answer to JSON that is not a request.
pub(super) fn invalid(id: Id<'_>, why: impl std::fmt::Display) -> Box<RawValue> {
    let why = format!("Invalid request: {why}");
    error::reply(id, error::INVALID_REQUEST, Kind::InvalidRequest, why)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::not_json("{nope", -32700, "null")]
    #[case::cut_off(r#"{"jsonrpc":"2.0""#, -32700, "null")]
    #[case::cut_off_behind_its_id(r#"{"jsonrpc":"2.0","id":7,"method":"m","par"#, -32700, "7")]
    #[case::cut_off_in_its_id(r#"{"jsonrpc":"2.0","method":"m","id":7"#, -32700, "null")]
    #[case::two_texts(r#"{"jsonrpc":"2.0","id":1,"method":"m"} x"#, -32700, "1")]
    #[case::a_bad_value(r#"{"jsonrpc":"2.0","id":"a","method":"m","params":{"a":nope}}"#, -32700, "\"a\"")]
    #[case::method_twice(r#"{"jsonrpc":"2.0","id":1,"method":"m","method":"n"}"#, -32600, "1")]
    #[case::a_number("7", -32600, "null")]
    #[case::an_array_of_fields(r#"["2.0",1,"m",[]]"#, -32600, "null")]
    #[case::no_version(r#"{"id":1,"method":"m"}"#, -32600, "1")]
    #[case::old_version(r#"{"jsonrpc":"1.0","id":1,"method":"m"}"#, -32600, "1")]
    #[case::number_version(r#"{"jsonrpc":2.0,"id":1,"method":"m"}"#, -32600, "1")]
    #[case::no_method(r#"{"jsonrpc":"2.0","id":"a"}"#, -32600, "\"a\"")]
    #[case::number_method(r#"{"jsonrpc":"2.0","id":1,"method":1}"#, -32600, "1")]
    #[case::text_params(r#"{"jsonrpc":"2.0","id":1,"method":"m","params":"p"}"#, -32600, "1")]
    #[case::object_id(r#"{"jsonrpc":"2.0","id":{},"method":"m"}"#, -32600, "null")]
    #[case::id_twice(r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"m"}"#, -32600, "null")]
    fn what_is_no_request_is_refused(#[case] text: &str, #[case] code: i64, #[case] id: &str) {
        let refusal = parse(text).unwrap_err();
        let refusal: serde_json::Value = serde_json::from_str(refusal.get()).unwrap();
        assert_eq!(refusal["error"]["code"], code, "{refusal}");
        assert_eq!(refusal["id"].to_string(), id);
    }

    #[rstest]
    #[case::absent(r#"{"jsonrpc":"2.0","method":"m"}"#, None, None)]
    #[case::null(
        r#"{"jsonrpc":"2.0","method":"m","id":null,"params":null}"#,
        Some(Id::Null),
        None
    )]
    #[case::given(
        r#"{"jsonrpc":"2.0","method":"m","id":7,"params":{"a":1},"more":0}"#,
        Some(Id::Number(7)),
        Some(r#"{"a":1}"#)
    )]
    #[case::escaped(r#"{"jsonrpc":"2.0","method":"\u006d","id":"x","params":[]}"#, Some(Id::Str("x".into())), Some("[]"))]
    fn what_is_a_request_is_read(
        #[case] text: &str,
        #[case] id: Option<Id<'_>>,
        #[case] params: Option<&str>,
    ) {
        let request = parse(text).unwrap();
        assert_eq!(request.method, "m");
        assert_eq!(request.id, id);
        assert_eq!(request.params.map(RawValue::get), params);
    }
}
