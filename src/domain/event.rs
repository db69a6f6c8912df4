//! What happened, in the one order in which it was committed.
//!
//! Owns the events that subscribers receive. Every event but the live ones has a global sequence
//! number `seq` that never repeats and never goes back, and can be read again from the store.

use jiff::Timestamp;
use serde_json::Value;

use super::approval::Approval;
use super::conversation::{ConversationEvent, Delivery};
use super::id::{RunId, SessionId};
use super::session::{Session, Status};

/// One event.
#[derive(Clone, Debug)]
pub struct Event {
    /// Global sequence number; 0 for a live event.
    pub seq: i64,
    /// When it was committed.
    pub at: Timestamp,
    /// The session that it is about.
    pub session_id: SessionId,
    /// That session's run id.
    pub run_id: RunId,
    /// What happened.
    pub body: EventBody,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum EventBody {
    /// A question arrived (it may be decided already, by a standing rule).
    NewApproval(Box<Approval>),
    /// A question ended.
    ApprovalResolved(Box<Approval>),
    /// The answer reached the agent, or it is certain that it never will.
    ApprovalDelivered(Box<Approval>),
    /// The session's status changed.
    SessionStatusChanged {
        /// Before.
        old: Status,
        /// Now.
        new: Status,
        /// The session that this one continues.
        parent_session_id: Option<SessionId>,
    },
    /// A piece of conversation arrived.
    ConversationUpdated(Box<ConversationEvent>),
    /// A message of the user is further on its way to the agent, or will not reach it.
    MessageUpdated {
        /// The message: the `seq` of its piece of conversation.
        id: i64,
        /// Its place in the session.
        sequence: i64,
        /// How far it is; none when the agent has read it.
        delivery: Option<Delivery>,
    },
    /// A person changed the title, the settings or whether it is archived; the new values.
    SessionSettingsChanged(Value),
    /// A person deleted the session, with everything of it.
    SessionDeleted,
    /// Live only: cost, model, context or process changed.
    SessionUpdated(Box<Session>),
    /// Live only: how many alarms nobody has acknowledged.
    AlarmsChanged {
        /// How many.
        open: u64,
    },
    /// Live only: something is wrong with the daemon or its processes now, or is not any more.
    ProblemChanged {
        /// What is wrong, for people.
        problem: Option<String>,
    },
    /// Live only: words as they come, in the agent's own form (a `stream_event`).
    MessageDelta(Box<serde_json::value::RawValue>),
}

impl EventBody {
    /// The name on the wire.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::NewApproval(_) => "new_approval",
            Self::ApprovalResolved(_) => "approval_resolved",
            Self::ApprovalDelivered(_) => "approval_delivered",
            Self::SessionStatusChanged { .. } => "session_status_changed",
            Self::ConversationUpdated(_) => "conversation_updated",
            Self::MessageUpdated { .. } => "message_updated",
            Self::SessionSettingsChanged(_) => "session_settings_changed",
            Self::SessionDeleted => "session_deleted",
            Self::SessionUpdated(_) => "session_updated",
            Self::AlarmsChanged { .. } => "alarms_changed",
            Self::ProblemChanged { .. } => "problem_changed",
            Self::MessageDelta(_) => "message_delta",
        }
    }

    /// Whether it exists only on the bus.
    #[must_use]
    pub fn is_live_only(&self) -> bool {
        matches!(
            self,
            Self::SessionUpdated(_)
                | Self::AlarmsChanged { .. }
                | Self::ProblemChanged { .. }
                | Self::MessageDelta(_)
        )
    }
}
