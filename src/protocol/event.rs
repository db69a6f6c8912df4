//! Events on the wire.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Parameters of `Subscribe`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct SubscribeParams {
    /// Only these types; empty or absent: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_types: Option<Vec<String>>,
    /// Only this session's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// Only this run's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
}

/// First answer of `Subscribe`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SubscribeResponse {
    /// Names the subscription.
    pub subscription_id: String,
    /// A greeting.
    pub message: String,
}

/// Further answers of `Subscribe`, one an event.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct EventAnswer {
    /// The event.
    pub event: EventNotification,
}

/// Parameters of `subscribeEvents`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct SubscribeEventsParams {
    /// First everything after this `seq`, then what comes. Absent: only what comes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<i64>,
    /// Only these types; empty or absent: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_types: Option<Vec<String>>,
    /// Only this session's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// Only this run's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// Also the live ones: `session_updated` and `message_delta`, which are not stored and not
    /// repeated (default false).
    pub live: bool,
}

/// An event.
///
/// Types and their `data` (always with `session_id` and `run_id`): `new_approval`,
/// `approval_resolved`, `approval_delivered` (`approval_id`, `tool_name`, `tool_use_id?`,
/// `approved`, `response_text`, `approval`; a `new_approval` comes again when a program's request turns
/// out to belong to another session), `session_status_changed` (`old_status`, `new_status`,
/// `parent_session_id?`), `conversation_updated` (the fields of the piece, `content_type`, and `tool_input` as an object),
/// `message_updated` (`message_id`, `sequence`, `delivery`: null once the agent has read the message),
/// `session_settings_changed` (what changed), `session_deleted`, `session_updated` (`session`; live), `alarms_changed` (`open`; live), `problem_changed` (`problem`, or null; live),
/// `message_delta` (`delta`; live), and `resync`: events after `seq` were too many or are no longer
/// kept; ask `getOverview` and go on from its `seq`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct EventNotification {
    /// Global sequence number, rising; 0 for a live event.
    #[serde(default)]
    pub seq: i64,
    /// What happened.
    pub r#type: String,
    /// When (RFC 3339).
    #[schemars(with = "String")]
    pub timestamp: Timestamp,
    /// To what, and how.
    pub data: Value,
}

/// The type of the event that tells a client to start over.
pub const RESYNC: &str = "resync";
