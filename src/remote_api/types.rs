//! The shapes of the remote API, read with tolerance.
//!
//! Only what is needed is read; unknown fields, nulls for absent fields, times without a zone and
//! values of the wrong type in fields that we could do without are no reason to lose a request. A
//! request without its name, or without the words that a person is to decide about, is not one: it
//! is left out, and counted. No I/O, and nothing of the store.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// The longest name of a request that is taken for one, in bytes.
pub const MAX_CALL_ID_LEN: usize = 512;

/// The two kinds of request, each with addresses of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestKind {
    /// May this function be called with these arguments?
    FunctionCall,
    /// A message that wants an answer.
    HumanContact,
}

impl RequestKind {
    /// In words, for people.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::FunctionCall => "function calls",
            Self::HumanContact => "human contacts",
        }
    }
}

/// Answer of `GET /project`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Project {
    /// Its name.
    #[serde(default, deserialize_with = "lenient")]
    pub name: Option<String>,
    /// Its short name.
    #[serde(default, deserialize_with = "lenient")]
    pub slug: Option<String>,
}

/// A page of pending requests, each still as it came.
#[derive(Debug, Deserialize)]
pub struct Page {
    /// The requests.
    pub items: Vec<Box<RawValue>>,
    /// How many there are on all pages.
    #[serde(default)]
    pub total: Option<u64>,
    /// Whether there are further pages, where the API says so.
    #[serde(default)]
    pub has_more: Option<bool>,
}

/// A function call or a human contact, as the API has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The program's name for it.
    pub call_id: String,
    /// The run that it belongs to; its own name where the program gave none.
    pub run_id: String,
    /// What it asks.
    pub asks: Asks,
    /// Through whom, as it came, without what is absent and without secrets.
    pub channel: Option<Value>,
    /// State that the program wants back.
    pub state: Option<Value>,
    /// Response or reject options.
    pub options: Vec<Choice>,
    /// When it was asked.
    pub requested_at: Option<Timestamp>,
    /// How it was settled, if it was.
    pub settled: Option<Settled>,
}

/// What a request asks.
#[derive(Clone, Debug, PartialEq)]
pub enum Asks {
    /// To call a function.
    FunctionCall {
        /// Its name.
        name: String,
        /// Its arguments.
        kwargs: Value,
    },
    /// For an answer.
    HumanContact {
        /// The message.
        msg: String,
        /// What it is about.
        subject: Option<String>,
    },
}

/// An option of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Choice {
    /// What names it.
    pub name: String,
    /// What people read.
    #[serde(default, deserialize_with = "lenient")]
    pub title: Option<String>,
    /// What it means.
    #[serde(default, deserialize_with = "lenient")]
    pub description: Option<String>,
    /// Words to begin the answer with.
    #[serde(default, deserialize_with = "lenient")]
    pub prompt_fill: Option<String>,
    /// Whether the words should be edited.
    #[serde(default, deserialize_with = "lenient")]
    pub interactive: Option<bool>,
}

/// How a request was settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// A function call was approved or rejected.
    Decided {
        /// Which of them.
        approved: bool,
        /// The reason, or a note.
        comment: Option<String>,
        /// The reject option chosen.
        option: Option<String>,
    },
    /// A contact was answered.
    Answered {
        /// The words.
        response: String,
        /// The option chosen.
        option: Option<String>,
    },
}

/// A request of a list: its name, and the request if it can be understood.
#[derive(Debug)]
pub struct Listed {
    /// Its name; none means that it is not known what this is.
    pub call_id: Option<String>,
    /// The request, or what is wrong with it.
    pub request: Result<Request, String>,
}

/// Reads one request of a list.
#[must_use]
pub fn listed(kind: RequestKind, json: &str) -> Listed {
    match serde_json::from_str::<Raw>(json) {
        Err(error) => Listed {
            call_id: None,
            request: Err(error.to_string()),
        },
        Ok(raw) => Listed {
            call_id: raw.call_id.clone().filter(|id| is_name(id)),
            request: raw.into_request(kind),
        },
    }
}

/// Reads one request by itself.
///
/// # Errors
/// What is wrong with it.
pub fn request(kind: RequestKind, json: &[u8]) -> Result<Request, String> {
    serde_json::from_slice::<Raw>(json)
        .map_err(|error| error.to_string())?
        .into_request(kind)
}

/// Whether a text can name a request. It becomes a part of an address, where dots alone mean
/// something else.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text != "." && text != ".." && text.len() <= MAX_CALL_ID_LEN
}

#[derive(Deserialize)]
struct Raw {
    #[serde(default, deserialize_with = "lenient")]
    call_id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    run_id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    spec: Option<Spec>,
    #[serde(default, deserialize_with = "lenient")]
    status: Option<Status>,
}

#[derive(Deserialize)]
struct Spec {
    #[serde(default, rename = "fn", deserialize_with = "lenient")]
    name: Option<String>,
    #[serde(default)]
    kwargs: Option<Value>,
    #[serde(default, deserialize_with = "lenient")]
    msg: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    subject: Option<String>,
    #[serde(default)]
    channel: Option<Value>,
    #[serde(default)]
    state: Option<Value>,
    #[serde(default, deserialize_with = "lenient")]
    response_options: Option<Vec<Value>>,
    #[serde(default, deserialize_with = "lenient")]
    reject_options: Option<Vec<Value>>,
}

#[derive(Default, Deserialize)]
struct Status {
    #[serde(default, deserialize_with = "lenient")]
    requested_at: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    approved: Option<bool>,
    #[serde(default, deserialize_with = "lenient")]
    comment: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    reject_option_name: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    response: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    response_option_name: Option<String>,
}

impl Raw {
    fn into_request(self, kind: RequestKind) -> Result<Request, String> {
        let call_id = self.call_id.ok_or("it has no call_id")?;
        if !is_name(&call_id) {
            return Err("its call_id cannot name anything".to_owned());
        }
        let spec = self
            .spec
            .ok_or_else(|| format!("request {call_id:?} has no spec"))?;
        let status = self.status.unwrap_or_default();
        let requested_at = status.requested_at.as_deref().and_then(time);
        let (asks, options, settled) = match kind {
            RequestKind::FunctionCall => {
                let name = spec
                    .name
                    .filter(|name| !name.is_empty())
                    .ok_or_else(|| format!("request {call_id:?} names no function"))?;
                let kwargs = spec.kwargs.unwrap_or_else(|| Value::Object(Map::new()));
                let settled = status.approved.map(|approved| Settled::Decided {
                    approved,
                    comment: status.comment,
                    option: status.reject_option_name,
                });
                let asks = Asks::FunctionCall { name, kwargs };
                (asks, spec.reject_options, settled)
            }
            RequestKind::HumanContact => {
                let msg = spec
                    .msg
                    .ok_or_else(|| format!("request {call_id:?} has no message"))?;
                let subject = spec.subject.filter(|subject| !subject.is_empty());
                let settled = status.response.map(|response| Settled::Answered {
                    response,
                    option: status.response_option_name,
                });
                let asks = Asks::HumanContact { msg, subject };
                (asks, spec.response_options, settled)
            }
        };
        Ok(Request {
            run_id: self
                .run_id
                .filter(|id| !id.is_empty())
                .unwrap_or_else(|| call_id.clone()),
            call_id,
            asks,
            channel: spec.channel.and_then(channel),
            state: spec.state.filter(|state| !state.is_null()),
            options: choices(options.unwrap_or_default()),
            requested_at,
            settled,
        })
    }
}

/// The options that can be chosen: those with a name, and of two with the same name the first.
fn choices(options: Vec<Value>) -> Vec<Choice> {
    let mut all: Vec<Choice> = Vec::new();
    for option in options {
        let Ok(choice) = serde_json::from_value::<Choice>(option) else {
            continue;
        };
        let known = all.iter().any(|other| other.name == choice.name);
        if !choice.name.trim().is_empty() && !known {
            all.push(choice);
        }
    }
    all
}

/// A channel without its absent parts, and without the token that it may carry for posting there.
fn channel(channel: Value) -> Option<Value> {
    let Value::Object(parts) = channel else {
        return Some(channel).filter(|channel| !channel.is_null());
    };
    let mut kept = Map::new();
    for (name, mut part) in parts {
        if let Value::Object(fields) = &mut part {
            fields.retain(|_, value| !value.is_null());
            if let Some(token) = fields.get_mut("bot_token") {
                *token = Value::from("********");
            }
        }
        if !part.is_null() {
            kept.insert(name, part);
        }
    }
    (!kept.is_empty()).then_some(Value::Object(kept))
}

/// A time, in UTC where it names no zone.
#[must_use]
pub fn time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    text.parse::<Timestamp>().ok().or_else(|| {
        let local = text.parse::<DateTime>().ok()?;
        TimeZone::UTC.to_timestamp(local).ok()
    })
}

/// A value of the wrong type counts as absent.
fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use serde_json::json;

    fn read(kind: RequestKind, json: &Value) -> Listed {
        listed(kind, &json.to_string())
    }

    #[test]
    fn times_may_lack_a_zone_and_have_microseconds() {
        let cases = [
            ("2025-01-02T03:04:05.678901", "2025-01-02T03:04:05.678901Z"),
            ("2025-01-02T03:04:05", "2025-01-02T03:04:05Z"),
            ("2025-01-02 03:04:05.5", "2025-01-02T03:04:05.5Z"),
            ("2025-01-02T03:04:05Z", "2025-01-02T03:04:05Z"),
            (
                "2025-01-02T03:04:05.000001+02:00",
                "2025-01-02T01:04:05.000001Z",
            ),
        ];
        for (given, meant) in cases {
            assert_eq!(time(given).unwrap().to_string(), meant, "{given}");
        }
        for given in ["", "yesterday", "2025-13-01T00:00:00"] {
            assert_eq!(time(given), None, "{given}");
        }
    }

    #[test]
    fn a_function_call_is_read_with_all_that_it_has() {
        let found = read(
            RequestKind::FunctionCall,
            &json!({"run_id": "r", "call_id": "c", "new": {"x": 1}, "spec": {
                "fn": "send", "kwargs": {"to": "x"}, "later": true,
                "channel": {"slack": {"channel_or_user_id": "C1", "bot_token": "xoxb-1", "thread_ts": null}, "email": null},
                "reject_options": [{"name": "a", "title": null, "interactive": null}, {"title": "no name"}, {"name": "a", "title": "again"}],
                "state": {"s": 1}},
                "status": {"requested_at": "2025-01-02T03:04:05.678901", "approved": null}}),
        );
        assert_eq!(
            found.request.unwrap(),
            Request {
                call_id: "c".into(),
                run_id: "r".into(),
                asks: Asks::FunctionCall {
                    name: "send".into(),
                    kwargs: json!({"to": "x"}),
                },
                channel: Some(
                    json!({"slack": {"channel_or_user_id": "C1", "bot_token": "********"}})
                ),
                state: Some(json!({"s": 1})),
                options: vec![Choice {
                    name: "a".into(),
                    ..Choice::default()
                }],
                requested_at: time("2025-01-02T03:04:05.678901Z"),
                settled: None,
            }
        );
    }

    #[test]
    fn what_was_settled_is_told() {
        let call = read(
            RequestKind::FunctionCall,
            &json!({"call_id": "c", "spec": {"fn": "f", "kwargs": null},
                "status": {"approved": false, "comment": "no", "reject_option_name": "risky"}}),
        );
        let call = call.request.unwrap();
        assert_eq!(call.run_id, "c", "its own where it names none");
        assert_eq!(
            call.settled,
            Some(Settled::Decided {
                approved: false,
                comment: Some("no".into()),
                option: Some("risky".into())
            })
        );
        let contact = read(
            RequestKind::HumanContact,
            &json!({"call_id": "c", "run_id": "r", "spec": {"msg": "?", "channel": {"email": null}},
                "status": {"response": "yes", "responded_at": "whenever"}}),
        );
        let contact = contact.request.unwrap();
        assert_eq!(contact.channel, None);
        assert_eq!(
            contact.settled,
            Some(Settled::Answered {
                response: "yes".into(),
                option: None
            })
        );
    }

    #[test]
    fn what_cannot_be_understood_is_not_invented() {
        let cases = [
            (json!(3), None, ""),
            (json!({"spec": {"fn": "f"}}), None, "no call_id"),
            (
                json!({"call_id": 7, "spec": {"fn": "f"}}),
                None,
                "no call_id",
            ),
            (
                json!({"call_id": "..", "spec": {"fn": "f"}}),
                None,
                "cannot name",
            ),
            (json!({"call_id": "c"}), Some("c"), "no spec"),
            (json!({"call_id": "c", "spec": "?"}), Some("c"), "no spec"),
            (
                json!({"call_id": "c", "spec": {"fn": ""}}),
                Some("c"),
                "no function",
            ),
            (
                json!({"call_id": "c", "spec": {"kwargs": {}}}),
                Some("c"),
                "no function",
            ),
        ];
        for (json, call_id, said) in cases {
            let found = read(RequestKind::FunctionCall, &json);
            assert_eq!(found.call_id.as_deref(), call_id, "{json}");
            let problem = found.request.unwrap_err();
            assert!(problem.contains(said), "{json}: {problem}");
        }
        let contact = read(
            RequestKind::HumanContact,
            &json!({"call_id": "c", "spec": {}}),
        );
        assert!(contact.request.unwrap_err().contains("no message"));
    }

    #[test]
    fn a_page_without_items_is_none() {
        for text in ["{}", r#"{"items": null}"#, "[]", "null", r#"{"items": [}"#] {
            assert!(serde_json::from_str::<Page>(text).is_err(), "{text}");
        }
        let page: Page = serde_json::from_str(r#"{"items": [{}, 3], "total": null}"#).unwrap();
        assert_eq!(
            (page.items.len(), page.total, page.has_more),
            (2, None, None)
        );
    }
}
