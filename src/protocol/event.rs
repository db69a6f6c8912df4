//! Events on the wire: one [`EventBody`], which the daemon writes and every client reads.
//!
//! A notification keeps what it came with ([`EventNotification`]), so that what a newer daemon says is
//! passed on whole; what it means is read from it.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::approval::Approval;
use super::conversation::ConversationEvent;
use super::session::SessionState;
pub use crate::domain::EventName;
use crate::domain::{Delivery, Status};

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

impl EventNotification {
    /// Which event it is; none for one of a newer daemon.
    #[must_use]
    pub fn name(&self) -> Option<EventName> {
        EventName::parse(&self.r#type)
    }

    /// The session that it is about.
    #[must_use]
    pub fn session_id(&self) -> Option<&str> {
        self.data.get("session_id").and_then(Value::as_str)
    }

    /// What it says.
    #[must_use]
    pub fn body(&self) -> EventBody {
        let body = match self.name() {
            Some(EventName::NewApproval) => self.read().map(EventBody::NewApproval),
            Some(EventName::ApprovalResolved) => self.read().map(EventBody::ApprovalResolved),
            Some(EventName::ApprovalDelivered) => self.read().map(EventBody::ApprovalDelivered),
            Some(EventName::SessionStatusChanged) => {
                self.read().map(EventBody::SessionStatusChanged)
            }
            Some(EventName::ConversationUpdated) => self.read().map(EventBody::ConversationUpdated),
            Some(EventName::MessageUpdated) => self.read().map(EventBody::MessageUpdated),
            Some(EventName::SessionSettingsChanged) => {
                self.read().map(EventBody::SessionSettingsChanged)
            }
            Some(EventName::SessionDeleted) => Some(EventBody::SessionDeleted),
            Some(EventName::SessionUpdated) => self.read().map(EventBody::SessionUpdated),
            Some(EventName::AlarmsChanged) => self.read().map(EventBody::AlarmsChanged),
            Some(EventName::ProblemChanged) => self.read().map(EventBody::ProblemChanged),
            Some(EventName::MessageDelta) => self.read().map(EventBody::MessageDelta),
            Some(EventName::Resync) => Some(EventBody::Resync),
            None => None,
        };
        body.unwrap_or(EventBody::Unknown)
    }

    fn read<'a, T: Deserialize<'a>>(&'a self) -> Option<T> {
        T::deserialize(&self.data).ok()
    }
}

/// The names of events, for a subscription.
#[must_use]
pub fn only(names: &[EventName]) -> Option<Vec<String>> {
    let names = names.iter().map(|name| name.as_str().to_owned());
    Some(names.collect())
}

/// What an event says, by its type. Beside it, the `data` of each has `session_id` and `run_id`.
#[derive(Clone, Debug)]
pub enum EventBody {
    /// A question arrived, or it moved to another session.
    NewApproval(Box<ApprovalChange>),
    /// A question ended.
    ApprovalResolved(Box<ApprovalChange>),
    /// The answer reached whoever asked, or never will.
    ApprovalDelivered(Box<ApprovalChange>),
    /// A session's status changed.
    SessionStatusChanged(StatusChange),
    /// A piece of conversation arrived.
    ConversationUpdated(Box<ConversationEvent>),
    /// A message is further on its way to the agent.
    MessageUpdated(MessageChange),
    /// A person changed a session's settings; what has changed.
    SessionSettingsChanged(Value),
    /// A session was deleted.
    SessionDeleted,
    /// A session as it is now.
    SessionUpdated(Box<SessionChange>),
    /// How many alarms are open.
    AlarmsChanged(AlarmsChange),
    /// What is wrong with the daemon now.
    ProblemChanged(ProblemChange),
    /// Words as they come.
    MessageDelta(DeltaChange),
    /// Too much was missed.
    Resync,
    /// What this program does not know: a newer daemon's event, or its shape of one.
    Unknown,
}

/// `data` of the events about an approval.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ApprovalChange {
    /// The approval.
    #[serde(default)]
    pub approval_id: String,
    /// Its tool.
    #[serde(default)]
    pub tool_name: String,
    /// The tool call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_use_id: Option<String>,
    /// All of it.
    pub approval: Approval,
    /// Once it has ended: whether that was a yes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved: Option<bool>,
    /// Once it has ended: what was said with it, or nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_text: Option<String>,
}

/// `data` of `session_status_changed`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StatusChange {
    /// Before.
    pub old_status: Status,
    /// Now.
    pub new_status: Status,
    /// The session that this one continues.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_session_id: Option<String>,
}

/// `data` of `message_updated`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MessageChange {
    /// The message: the id of its piece of conversation.
    pub message_id: i64,
    /// Its place in the conversation.
    pub sequence: i64,
    /// How far it is; none once the agent has read it.
    #[serde(default)]
    pub delivery: Option<Delivery>,
}

/// `data` of `session_updated`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SessionChange {
    /// The session.
    pub session: SessionState,
}

/// `data` of `alarms_changed`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct AlarmsChange {
    /// How many nobody has acknowledged.
    #[serde(default)]
    pub open: u64,
}

/// `data` of `problem_changed`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ProblemChange {
    /// What is wrong, for people; none when nothing is.
    #[serde(default)]
    pub problem: Option<String>,
}

/// `data` of `message_delta`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeltaChange {
    /// The agent's own form of it (a `stream_event`).
    pub delta: Value,
}
