//! What every request that changes something may carry beside its own parameters.
//!
//! Owns the two members and their bounds; which methods take them is said in [`super::method`]. What is done
//! with them is the daemon's.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::method;

/// Longest idempotency key, in bytes.
pub const MAX_KEY: usize = 128;

/// Members of `params` that say how a request is carried out, for each method that changes something.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RequestOptions {
    /// Names this request, so that the same one sent again is not carried out twice: 1 to 128 printable ASCII
    /// characters that no other request has, such as a UUID. Sent again with its key, a request gets the answer of the
    /// first time. A request with a key is begun only while the connection that it came on is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// When the request is not to be carried out any more, as RFC 3339 has it. One that is late changes nothing and
    /// fails as `expired`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub deadline: Option<Timestamp>,
}

impl RequestOptions {
    /// The names of its members.
    pub const MEMBERS: [&str; 2] = ["idempotency_key", "deadline"];

    /// Whether a key can be one.
    #[must_use]
    pub fn is_key(key: &str) -> bool {
        (1..=MAX_KEY).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
    }
}

/// The member with which a client chooses the id of the session that a method begins.
#[must_use]
pub fn new_id_of(method: &str) -> Option<&'static str> {
    match method {
        method::LAUNCH_SESSION => Some("session_id"),
        method::CONTINUE_SESSION => Some("new_session_id"),
        _ => None,
    }
}

/// Tells texts apart, part by part (SHA-256).
#[must_use]
pub fn fingerprint(parts: &[&str]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// Parameters without what may differ between a request and its repetition: these members, the id that is chosen for
/// what it begins, and the environment of whoever sends it.
#[must_use]
pub fn what_is_asked(method: &str, mut params: Value) -> Value {
    if let Value::Object(members) = &mut params {
        for name in RequestOptions::MEMBERS {
            members.remove(name);
        }
        members.remove("env");
        if let Some(name) = new_id_of(method) {
            members.remove(name);
        }
    }
    params
}

/// The same as text; of parameters that cannot be read as a value, all of it.
#[must_use]
pub fn asked_for(method: &str, params: &str) -> String {
    match serde_json::from_str(params) {
        Ok(params) => what_is_asked(method, params).to_string(),
        Err(_) => params.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_key_is_short_and_printable() {
        let longest = "k".repeat(MAX_KEY);
        for (key, is_one) in [
            ("a", true),
            ("0a1b:2", true),
            (longest.as_str(), true),
            ("", false),
            ("a b", false),
            ("é", false),
            ("a\n", false),
            (&format!("{longest}k"), false),
        ] {
            assert_eq!(RequestOptions::is_key(key), is_one, "{key:?}");
        }
    }

    #[test]
    fn a_repetition_may_have_another_deadline_and_environment() {
        let first = json!({"a": 1, "deadline": "x", "idempotency_key": "k", "env": {"A": "1"}});
        assert_eq!(what_is_asked("m", first), json!({"a": 1}));
        let launch = json!({"query": "q", "session_id": "s"});
        let asked = what_is_asked(method::LAUNCH_SESSION, launch.clone());
        assert_eq!(asked, json!({"query": "q"}));
        assert_eq!(what_is_asked(method::END_SESSION, launch.clone()), launch);
    }
}
