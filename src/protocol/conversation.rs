//! Conversations on the wire.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{Delivery, EventType, Outcome};

/// Parameters of `getConversation`. Without paging: the whole conversation, what a fork shares
/// first.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct GetConversationParams {
    /// The session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// Or Claude's session id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claude_session_id: Option<String>,
    /// Page: at most so many (most: 1000).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Page: the last ones before this `sequence` (default: the very last).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<i64>,
    /// Page: the first ones after this `sequence`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<i64>,
    /// Whether a conversation is one session, as in `getSessionState`: all pieces carry its id. Without
    /// it, an id means the conversation up to where the next id was given out, and each piece carries
    /// the id under which it came.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub by_conversation: bool,
}

/// Answer of `getConversation`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct GetConversationResponse {
    /// The pieces, in order.
    pub events: Vec<ConversationEvent>,
}

/// A piece of conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConversationEvent {
    /// Its id, which is also its global sequence number.
    pub id: i64,
    /// The session.
    pub session_id: String,
    /// Claude's session id; empty until it is known.
    #[serde(default)]
    pub claude_session_id: String,
    /// Its place in the conversation, from 1; a fork goes on counting.
    pub sequence: i64,
    /// What it is.
    pub event_type: EventType,
    /// When it was stored (RFC 3339).
    #[schemars(with = "String")]
    pub created_at: Timestamp,
    /// `user`, `assistant` or `system`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// The words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// The tool call's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_id: Option<String>,
    /// The tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_name: Option<String>,
    /// The tool's input as JSON text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_input_json: Option<String>,
    /// The tool call that started the subagent which speaks.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "text_or_none"
    )]
    pub parent_tool_use_id: Option<String>,
    /// The tool call that a result belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_result_for_id: Option<String>,
    /// The result's text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_result_content: Option<String>,
    /// Whether the tool failed or was denied.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_error: bool,
    /// For a tool call: whether its result is there.
    pub is_completed: bool,
    /// For a tool call: `pending`, `approved`, `denied` or `resolved`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval_status: Option<String>,
    /// For a tool call: how its approval ended, exactly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval_outcome: Option<Outcome>,
    /// For a tool call: its approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval_id: Option<String>,
    /// For a tool call that was approved with another input: that input as JSON text. It is what ran,
    /// not `tool_input_json`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_input_json: Option<String>,
    /// For a tool call: lines of it that were approved without having been shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread_lines: Option<u32>,
    /// For a message of the user that the agent has not read: how far it is. `message_updated` tells
    /// when that changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<Delivery>,
}

/// Parameters of `searchConversations`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct SearchConversationsParams {
    /// The words, looked for as they stand, whatever their case (required).
    pub query: String,
    /// Maximum number of results (default 50, at most 500).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Only in this session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// Maximum number of results of one session (default: 3, and all where `session_id` names one).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_session: Option<u32>,
}

/// Answer of `searchConversations`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SearchConversationsResponse {
    /// The places, the newest first.
    pub hits: Vec<SearchHit>,
    /// The sessions that have more places than were wanted of one session.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
    /// Whether all conversations were looked through. A search gives up after a second, or
    /// when there are more places than were asked for.
    pub complete: bool,
}

/// A session of which not all places are among the hits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LeftOut {
    /// The session.
    pub session_id: String,
    /// How many more it has, as far as was looked.
    pub places: u64,
}

/// A place in a conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SearchHit {
    /// The session.
    pub session_id: String,
    /// The piece's place in the session.
    pub sequence: i64,
    /// What it is.
    pub event_type: EventType,
    /// When it was stored (RFC 3339).
    #[schemars(with = "String")]
    pub created_at: Timestamp,
    /// The words and what is around them, on one line.
    pub excerpt: String,
}

/// Parameters of `getRawLines`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct GetRawLinesParams {
    /// The session (required).
    pub session_id: String,
    /// Continue after this offset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// Most lines (default 200, most 1000).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// Answer of `getRawLines`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct GetRawLinesResponse {
    /// The agent's own lines, in order.
    pub lines: Vec<RawLine>,
}

/// A line as the agent wrote it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RawLine {
    /// Where it began in the journal, in bytes.
    pub offset: u64,
    /// The line.
    pub line: String,
}

/// A text; none where it is empty, as events have it for clients of the older daemon.
fn text_or_none<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let text = Option::<String>::deserialize(from)?;
    Ok(text.filter(|text| !text.is_empty()))
}
