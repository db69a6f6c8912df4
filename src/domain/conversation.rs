//! What is said and done in a session, piece by piece, in the shape that people read.

use std::sync::Arc;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};

use super::approval::Outcome;
use super::id::{ApprovalId, SessionId};

/// What a piece of conversation is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, EnumString, IntoStaticStr,
)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum EventType {
    /// Words of the user or the assistant.
    Message,
    /// The assistant calls a tool.
    ToolCall,
    /// What the tool gave back.
    ToolResult,
    /// A note of the agent or the daemon about the session itself.
    System,
    /// The assistant's reasoning.
    Thinking,
}

impl EventType {
    /// The name on the wire and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Reads a name back.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        name.parse().ok()
    }
}

/// How far a message of the user is on its way to the agent. One that has no delivery was read.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, EnumString, IntoStaticStr,
)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// On its way to an agent that was doing nothing else.
    Sending,
    /// Waiting: for the end of the agent's turn, or for the session's next process.
    Queued,
    /// Withdrawn by a person before the agent read it.
    Withdrawn,
    /// The agent never read it, and never will.
    Undelivered,
}

impl Delivery {
    /// The name on the wire and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Reads a name back.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        name.parse().ok()
    }

    /// Whether the message may still be read or withdrawn.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Sending | Self::Queued)
    }

    /// What people are told beside the message; nothing while it is on its way.
    #[must_use]
    pub fn label(self) -> Option<&'static str> {
        match self {
            Self::Sending => None,
            Self::Queued => Some("queued: the agent has not read it yet"),
            Self::Withdrawn => Some("withdrawn: the agent did not read it"),
            Self::Undelivered => Some("not delivered: the agent never read it"),
        }
    }
}

/// A piece of conversation before the store has given it its numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewConversationEvent {
    /// What it is.
    pub event_type: EventType,
    /// `user`, `assistant` or `system`; none for what has no speaker.
    pub role: Option<&'static str>,
    /// The words.
    pub content: Option<String>,
    /// The tool call's id.
    pub tool_id: Option<String>,
    /// The tool's name.
    pub tool_name: Option<String>,
    /// The tool's input as JSON text.
    pub tool_input: Option<String>,
    /// The tool call of the parent that started the subagent which speaks.
    pub parent_tool_use_id: Option<String>,
    /// The tool call that a result belongs to.
    pub tool_result_for_id: Option<String>,
    /// The result's text.
    pub tool_result_content: Option<String>,
    /// Whether the tool failed or was denied.
    pub is_error: bool,
}

impl NewConversationEvent {
    /// An empty piece of the given type.
    #[must_use]
    pub fn new(event_type: EventType) -> Self {
        Self {
            event_type,
            role: None,
            content: None,
            tool_id: None,
            tool_name: None,
            tool_input: None,
            parent_tool_use_id: None,
            tool_result_for_id: None,
            tool_result_content: None,
            is_error: false,
        }
    }

    /// Words with a speaker.
    #[must_use]
    pub fn words(event_type: EventType, role: &'static str, content: String) -> Self {
        Self {
            role: Some(role),
            content: Some(content),
            ..Self::new(event_type)
        }
    }
}

/// What a tool call's piece of conversation tells of its approval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallApproval {
    /// The approval.
    pub id: ApprovalId,
    /// How it ended.
    pub outcome: Outcome,
    /// The input that was approved instead of the call's own, as JSON text: it is what ran.
    pub edited_input: Option<String>,
    /// Lines of the request that were approved without having been shown.
    pub unread_lines: Option<u32>,
}

/// A stored piece of conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversationEvent {
    /// The global sequence number, which is also its id.
    pub seq: i64,
    /// The session that it belongs to.
    pub session_id: SessionId,
    /// Claude's session id.
    pub claude_session_id: Option<Arc<str>>,
    /// Its place in the session, from 1.
    pub sequence: i64,
    /// When it was stored.
    pub created_at: Timestamp,
    /// What was said.
    pub body: NewConversationEvent,
    /// For a tool call: whether its result is there.
    pub is_completed: bool,
    /// For a tool call: the approval that it asked for.
    pub approval: Option<CallApproval>,
    /// For a message of the user that the agent has not read: how far it is.
    pub delivery: Option<Delivery>,
}
