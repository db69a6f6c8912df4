//! How the work with a remote HumanLayer API goes, as `health` tells it.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The work with a remote API, in its three parts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RemoteApiHealth {
    /// The API's address.
    pub place: String,
    /// Why it cannot be used at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Polling the pending function calls.
    pub function_calls: RemoteApiPart,
    /// Polling the pending human contacts.
    pub human_contacts: RemoteApiPart,
    /// Delivering answers.
    pub answers: RemoteApiPart,
}

/// One part of the work.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RemoteApiPart {
    /// When it last worked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub last_success_at: Option<Timestamp>,
    /// What is wrong now; absent when nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Failures in a row.
    pub failures: u32,
    /// When it is tried next; absent when there is nothing to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub next_try_at: Option<Timestamp>,
}

impl RemoteApiHealth {
    /// The parts with their names.
    #[must_use]
    pub fn parts(&self) -> [(&'static str, &RemoteApiPart); 3] {
        [
            ("function calls", &self.function_calls),
            ("human contacts", &self.human_contacts),
            ("answers", &self.answers),
        ]
    }
}
