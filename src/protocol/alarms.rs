//! Alarms on the wire: what must not have happened and has.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An alarm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AlarmInfo {
    /// Its number.
    pub id: i64,
    /// `runner_killed`, `ran_unapproved`, `foreign_writer`, `runner_stopped`, `database_moved`,
    /// `socket_taken`, `journal_damaged`, `project_changed`, `daemon_signalled`, `session_adopted`, or what a newer daemon knows.
    pub kind: String,
    /// The session in which it happened; empty for what is about the daemon.
    pub session_id: String,
    /// What happened, for people.
    pub detail: String,
    /// When it was noticed (RFC 3339).
    #[schemars(with = "String")]
    pub created_at: Timestamp,
    /// When a person acknowledged it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub acknowledged_at: Option<Timestamp>,
    /// Who that was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged_by: Option<String>,
}

/// Parameters of `listAlarms`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ListAlarmsParams {
    /// Those that were acknowledged, too.
    pub all: bool,
}

/// Answer of `listAlarms`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ListAlarmsResponse {
    /// The newest first, at most 200.
    pub alarms: Vec<AlarmInfo>,
}

/// Parameters of `acknowledgeAlarm`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct AcknowledgeAlarmParams {
    /// The alarm's number (required).
    pub id: i64,
}

/// Answer of `acknowledgeAlarm`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct AlarmResponse {
    /// The alarm.
    pub alarm: AlarmInfo,
}
