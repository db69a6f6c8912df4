//! What happened, in the one order in which it was committed.
//!
//! Owns the events that subscribers receive. Every event but the live ones has a global sequence
//! number `seq` that never repeats and never goes back, and can be read again from the store.

use jiff::Timestamp;
use serde_json::Value;
use strum::{EnumString, IntoStaticStr, VariantArray};

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

/// What an event is called, on record and on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum EventName {
    /// [`EventBody::NewApproval`].
    NewApproval,
    /// [`EventBody::ApprovalResolved`].
    ApprovalResolved,
    /// [`EventBody::ApprovalDelivered`].
    ApprovalDelivered,
    /// [`EventBody::SessionStatusChanged`].
    SessionStatusChanged,
    /// [`EventBody::ConversationUpdated`].
    ConversationUpdated,
    /// [`EventBody::MessageUpdated`].
    MessageUpdated,
    /// [`EventBody::SessionSettingsChanged`].
    SessionSettingsChanged,
    /// [`EventBody::SessionDeleted`].
    SessionDeleted,
    /// [`EventBody::SessionUpdated`].
    SessionUpdated,
    /// [`EventBody::AlarmsChanged`].
    AlarmsChanged,
    /// [`EventBody::ProblemChanged`].
    ProblemChanged,
    /// [`EventBody::MessageDelta`].
    MessageDelta,
    /// Nothing that happened: tells a client that it missed too much and has to start over.
    Resync,
}

impl EventName {
    /// All of them.
    pub const ALL: &[Self] = Self::VARIANTS;

    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// The one of a word; none for what a newer daemon says.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        word.parse().ok()
    }

    /// Whether it exists only on the bus: it is not stored, and has no number of its own.
    #[must_use]
    pub fn is_live_only(self) -> bool {
        match self {
            Self::SessionUpdated
            | Self::AlarmsChanged
            | Self::ProblemChanged
            | Self::MessageDelta => true,
            Self::NewApproval
            | Self::ApprovalResolved
            | Self::ApprovalDelivered
            | Self::SessionStatusChanged
            | Self::ConversationUpdated
            | Self::MessageUpdated
            | Self::SessionSettingsChanged
            | Self::SessionDeleted
            | Self::Resync => false,
        }
    }
}

impl EventBody {
    /// What it is called.
    #[must_use]
    pub fn name(&self) -> EventName {
        match self {
            Self::NewApproval(_) => EventName::NewApproval,
            Self::ApprovalResolved(_) => EventName::ApprovalResolved,
            Self::ApprovalDelivered(_) => EventName::ApprovalDelivered,
            Self::SessionStatusChanged { .. } => EventName::SessionStatusChanged,
            Self::ConversationUpdated(_) => EventName::ConversationUpdated,
            Self::MessageUpdated { .. } => EventName::MessageUpdated,
            Self::SessionSettingsChanged(_) => EventName::SessionSettingsChanged,
            Self::SessionDeleted => EventName::SessionDeleted,
            Self::SessionUpdated(_) => EventName::SessionUpdated,
            Self::AlarmsChanged { .. } => EventName::AlarmsChanged,
            Self::ProblemChanged { .. } => EventName::ProblemChanged,
            Self::MessageDelta(_) => EventName::MessageDelta,
        }
    }

    /// Whether it exists only on the bus.
    #[must_use]
    pub fn is_live_only(&self) -> bool {
        self.name().is_live_only()
    }
}
