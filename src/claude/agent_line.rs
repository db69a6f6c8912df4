//! What a line of the agent says, once it is understood. Types alone: reading is [`super::line`]'s.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::content::Block;
use crate::domain::approval::InputState;
use crate::json::{self, Members};

/// One line of the agent.
#[derive(Debug)]
pub enum AgentLine {
    /// `system/init`: a turn begins.
    Init(Init),
    /// `system/api_retry`: the model's API failed and is tried again.
    ApiRetry(ApiRetry),
    /// `system/background_tasks_changed`: all background tasks that run now.
    BackgroundTasks(Vec<String>),
    /// `system/task_notification`, `system/task_updated`: a task has ended.
    TaskEnded(String),
    /// `system/status`: the permission mode may have changed.
    Mode(String),
    /// `system/compact_boundary`: the conversation was compacted.
    CompactBoundary,
    /// `conversation_reset`: the agent has forgotten the conversation (`/clear`).
    ContextCleared,
    /// `system/informational`: a notice for people.
    Notice {
        /// The notice.
        text: String,
        /// Why the turn does not go on, where a hook has stopped it.
        stopped_by: Option<String>,
    },
    /// `system/hook_response` of a hook that wants the turn stopped, and why. Whether it was stopped the result
    /// says.
    HookStopped(String),
    /// `system/hook_progress`: all that a running hook has written so far, again and again. Its response repeats
    /// it.
    HookProgress,
    /// Words, reasoning or tool calls of the assistant.
    Assistant(Assistant),
    /// Tool results, or words that the agent puts into the conversation.
    User(User),
    /// A live delta; kept as it is.
    Delta(Box<RawValue>),
    /// May this tool run? Or a request of which it cannot be told what it wants.
    Question(Box<Asked>),
    /// A request is withdrawn.
    Withdrawn {
        /// The question's name.
        request_id: String,
    },
    /// A request that we do not serve.
    OtherRequest {
        /// Its name.
        request_id: String,
        /// What it wants.
        subtype: String,
    },
    /// `command_lifecycle`: how far the agent is with a message of the user (from 2.1.330 on).
    Command {
        /// The message's UUID.
        uuid: String,
        /// `queued`, `started`, `completed`, `cancelled`.
        state: CommandState,
    },
    /// The answer to a request of ours.
    Response {
        /// Our name for the request.
        request_id: String,
        /// What `cancel_async_message` says: whether the message was still in the queue.
        cancelled: Option<bool>,
        /// Why it failed, if it did.
        error: Option<String>,
    },
    /// A turn ended.
    Result(Box<TurnResult>),
    /// Something that needs nothing from us.
    Other,
    /// A type that we do not know.
    Unknown,
    /// Not JSON, or not of the shape that its type promises: its beginning, on one line.
    Malformed(String),
}

impl AgentLine {
    /// Whether the agent does something with it. What it writes only because it is ended, or answers to
    /// our requests, is not.
    #[must_use]
    pub fn is_activity(&self) -> bool {
        match self {
            Self::Init(_)
            | Self::Assistant(_)
            | Self::User(_)
            | Self::Delta(_)
            | Self::Question(_)
            | Self::Withdrawn { .. }
            | Self::ApiRetry(_)
            | Self::BackgroundTasks(_)
            | Self::TaskEnded(_)
            | Self::HookStopped(_)
            | Self::Notice { .. }
            | Self::CompactBoundary
            | Self::ContextCleared
            | Self::Result(_) => true,
            Self::Mode(_)
            | Self::Command { .. }
            | Self::Response { .. }
            | Self::OtherRequest { .. }
            | Self::HookProgress
            | Self::Other
            | Self::Unknown
            | Self::Malformed(_) => false,
        }
    }

    /// Whether it only adds to the conversation, so that nobody acts on it.
    #[must_use]
    pub fn is_talk(&self) -> bool {
        match self {
            Self::Assistant(_)
            | Self::User(_)
            | Self::Delta(_)
            | Self::Notice { .. }
            | Self::HookStopped(_)
            | Self::HookProgress
            | Self::Command { .. }
            | Self::Other
            | Self::Unknown
            | Self::Malformed(_) => true,
            Self::Init(_)
            | Self::ApiRetry(_)
            | Self::BackgroundTasks(_)
            | Self::TaskEnded(_)
            | Self::Mode(_)
            | Self::CompactBoundary
            | Self::ContextCleared
            | Self::Question(_)
            | Self::Withdrawn { .. }
            | Self::OtherRequest { .. }
            | Self::Response { .. }
            | Self::Result(_) => false,
        }
    }

    /// Whether all of it that matters was understood. The text of a line that was not is kept until a
    /// person deletes it.
    #[must_use]
    pub fn is_understood(&self) -> bool {
        let known = |blocks: &[Block]| {
            !blocks
                .iter()
                .any(|block| matches!(block, Block::Unknown(_)))
        };
        match self {
            Self::Unknown | Self::Malformed(_) => false,
            Self::Assistant(line) => known(&line.blocks),
            Self::User(line) => known(&line.blocks),
            Self::Question(asked) => asked.request.input_state.is_readable(),
            Self::Init(_)
            | Self::ApiRetry(_)
            | Self::BackgroundTasks(_)
            | Self::TaskEnded(_)
            | Self::Mode(_)
            | Self::CompactBoundary
            | Self::ContextCleared
            | Self::Notice { .. }
            | Self::HookStopped(_)
            | Self::HookProgress
            | Self::Delta(_)
            | Self::Withdrawn { .. }
            | Self::OtherRequest { .. }
            | Self::Command { .. }
            | Self::Response { .. }
            | Self::Result(_)
            | Self::Other => true,
        }
    }
}

/// `system/init`.
#[derive(Debug)]
pub struct Init {
    /// Claude's session id.
    pub session_id: Option<String>,
    /// The full name of the model.
    pub model: Option<String>,
    /// The permission mode.
    pub permission_mode: Option<String>,
    /// Claude Code's version.
    pub version: Option<String>,
}

/// How far the agent is with a message of the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandState {
    /// In its queue.
    Queued,
    /// Taken out of the queue.
    Started,
    /// Done.
    Completed,
    /// Dropped from the queue, or its turn was interrupted.
    Cancelled,
    /// Something that is not known here.
    Other,
}

/// `system/api_retry`.
#[derive(Debug)]
pub struct ApiRetry {
    /// Which try comes next.
    pub attempt: i64,
    /// After how many it gives up.
    pub max_retries: i64,
    /// HTTP status; none for a connection that failed.
    pub error_status: Option<i64>,
    /// The kind of error.
    pub error: Option<String>,
}

/// An `assistant` line.
#[derive(Debug)]
pub struct Assistant {
    /// The model's name for the message; several lines may be parts of one.
    pub message_id: Option<String>,
    /// The blocks.
    pub blocks: Vec<Block>,
    /// Tokens of the request behind it.
    pub usage: Option<MessageUsage>,
    /// The tool call that started the subagent which speaks.
    pub parent_tool_use_id: Option<String>,
    /// Why the words are an error message rather than the model's.
    pub error: Option<String>,
}

/// A `user` line.
#[derive(Debug)]
pub struct User {
    /// The blocks.
    pub blocks: Vec<Block>,
    /// The tool call that started the subagent which it belongs to.
    pub parent_tool_use_id: Option<String>,
    /// Whether it repeats what we sent.
    pub is_replay: bool,
    /// Its name, which is that of the message which it repeats.
    pub uuid: Option<String>,
    /// Whether the agent itself made it up.
    pub is_synthetic: bool,
}

/// `usage` of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct MessageUsage {
    /// Fresh input tokens.
    #[serde(deserialize_with = "json::lenient_count")]
    pub input_tokens: i64,
    /// Output tokens.
    #[serde(deserialize_with = "json::lenient_count")]
    pub output_tokens: i64,
    /// Tokens written to the cache.
    #[serde(deserialize_with = "json::lenient_count")]
    pub cache_creation_input_tokens: i64,
    /// Tokens read from the cache.
    #[serde(deserialize_with = "json::lenient_count")]
    pub cache_read_input_tokens: i64,
}

impl MessageUsage {
    pub(super) fn of(members: &Members<'_>) -> Self {
        let count = |name: &str| members.count(name).unwrap_or(0);
        Self {
            input_tokens: count("input_tokens"),
            output_tokens: count("output_tokens"),
            cache_creation_input_tokens: count("cache_creation_input_tokens"),
            cache_read_input_tokens: count("cache_read_input_tokens"),
        }
    }
}

/// A `result` line.
#[derive(Debug, Default)]
pub struct TurnResult {
    /// `success` or the kind of failure.
    pub subtype: String,
    /// Whether it failed.
    pub is_error: bool,
    /// The final text.
    pub result: Option<String>,
    /// What went wrong, one text each.
    pub errors: Vec<String>,
    /// US dollars, cumulative over the process.
    pub total_cost_usd: Option<f64>,
    /// Milliseconds of this turn.
    pub duration_ms: Option<i64>,
    /// Model turns of this turn.
    pub num_turns: Option<i64>,
    /// Tokens of this turn.
    pub usage: Option<MessageUsage>,
    /// By model, cumulative over the process.
    pub model_usage: BTreeMap<String, ModelUsage>,
    /// How the turn ended.
    pub terminal_reason: Option<String>,
}

/// One model's share of the usage.
#[derive(Clone, Copy, Debug, Default)]
pub struct ModelUsage {
    /// Fresh input tokens.
    pub input_tokens: i64,
    /// Output tokens.
    pub output_tokens: i64,
    /// Tokens read from the cache.
    pub cache_read_input_tokens: i64,
    /// Tokens written to the cache.
    pub cache_creation_input_tokens: i64,
    /// Size of the context window.
    pub context_window: i64,
}

/// A request that a person decides.
#[derive(Debug)]
pub struct Asked {
    /// Its name, which the answer must carry; none when it could not be read.
    pub request_id: Option<String>,
    /// The question.
    pub request: CanUseTool,
}

/// The request of a `can_use_tool` question.
#[derive(Debug, Default)]
pub struct CanUseTool {
    /// The tool; [`crate::domain::approval::UNREADABLE_REQUEST`] when it cannot be told what is wanted.
    pub tool_name: String,
    /// Its whole input, or what stands for one that could not be read.
    pub input: Value,
    /// Whether that is the input.
    pub input_state: InputState,
    /// The input's own text, where writing `input` would not give the same.
    pub raw_input: Option<String>,
    /// The agent's words for it.
    pub description: Option<String>,
    /// Permission updates that it offers.
    pub permission_suggestions: Vec<Value>,
    /// The path that a rule stopped.
    pub blocked_path: Option<String>,
    /// Why it must ask.
    pub decision_reason: Option<String>,
    /// The subagent that asks.
    pub agent_id: Option<String>,
    /// The tool call.
    pub tool_use_id: Option<String>,
}
