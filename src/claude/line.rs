//! What the agent writes: one line of its standard output, understood as far as we need it.
//!
//! Shapes as in `sdk.d.ts` of the npm package `@anthropic-ai/claude-agent-sdk` and as recorded from
//! Claude Code 2.0.37 to 2.1.332 (`tests/fixtures`). Messages, of which there are many, are read in a
//! single pass; whatever does not pass there, and all other lines, are read field by field
//! ([`crate::json`]), so that a field which is only shown or counted never costs the line. A line of
//! which not even the type can be read is [`AgentLine::Malformed`], and nothing of it is lost either:
//! the store keeps lines that were not understood until a person deletes them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

pub use super::content::Block;
use super::content::{self, KnownBlocks};
use super::hooks;
use super::request::control_request;
pub use super::request::{Asked, CanUseTool};
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

/// The text of a line as it is kept; none for what comes again, whole: live deltas and the progress of hooks.
#[must_use]
pub fn kept<'a>(line: &AgentLine, text: &'a str) -> Option<Cow<'a, str>> {
    match line {
        AgentLine::Delta(_) | AgentLine::HookProgress => None,
        AgentLine::HookStopped(_) | AgentLine::Other if text.len() > hooks::MAX_KEPT => {
            Some(hooks::shortened(text))
        }
        _ => Some(Cow::Borrowed(text)),
    }
}

/// `system/init`.
#[derive(Debug)]
pub struct Init {
    /// The agent's name for the conversation.
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
    fn of(members: &Members<'_>) -> Self {
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

#[derive(Deserialize)]
struct MessageLine {
    message: Message,
    #[serde(default)]
    parent_tool_use_id: Option<String>,
    #[serde(default, rename = "isReplay")]
    is_replay: bool,
    #[serde(default)]
    uuid: Option<String>,
    #[serde(default, rename = "isSynthetic")]
    is_synthetic: bool,
    #[serde(default)]
    error: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    id: Option<String>,
    content: KnownBlocks,
    #[serde(default)]
    usage: Option<MessageUsage>,
}

/// Understands one line as its bytes were written, without its newline.
#[must_use]
pub fn read(bytes: &[u8]) -> AgentLine {
    match std::str::from_utf8(bytes) {
        Ok(line) => parse(line),
        Err(_) => parse_damaged(&String::from_utf8_lossy(bytes)),
    }
}

/// Understands one line, without its newline.
#[must_use]
pub fn parse(line: &str) -> AgentLine {
    usual(line).unwrap_or_else(|| patient(line, false))
}

/// Understands one line of which some bytes were not text and have been replaced, or whose end was
/// cut off: what it asks cannot be passed back as it came.
#[must_use]
pub fn parse_damaged(line: &str) -> AgentLine {
    patient(line, true)
}

/// A line in the shape that nearly all have, understood in a single pass. None says nothing about
/// the line: it is to be looked at more patiently then.
fn usual(line: &str) -> Option<AgentLine> {
    if line.starts_with(r#"{"type":"stream_event","#) {
        return delta(line);
    }
    let of_assistant = line.starts_with(r#"{"type":"assistant","#);
    if !of_assistant && !line.starts_with(r#"{"type":"user","#) {
        return None;
    }
    let usual: MessageLine = serde_json::from_str(line).ok()?;
    Some(if of_assistant {
        AgentLine::Assistant(Assistant {
            message_id: usual.message.id,
            blocks: usual.message.content.0,
            usage: usual.message.usage,
            parent_tool_use_id: usual.parent_tool_use_id,
            error: usual.error,
        })
    } else {
        AgentLine::User(User {
            blocks: usual.message.content.0,
            parent_tool_use_id: usual.parent_tool_use_id,
            is_replay: usual.is_replay,
            uuid: usual.uuid.filter(|_| usual.is_replay),
            is_synthetic: usual.is_synthetic,
        })
    })
}

/// A live delta goes to clients as it is, so it must be one that they can read.
fn delta(line: &str) -> Option<AgentLine> {
    if !json::is_readable(line) {
        return None;
    }
    RawValue::from_string(line.to_owned())
        .ok()
        .map(AgentLine::Delta)
}

/// Any line, field by field.
fn patient(line: &str, damaged: bool) -> AgentLine {
    let members = Members::of(line);
    let damaged = damaged || !members.is_complete();
    let kind = match members.string("type") {
        Some(kind) => kind,
        // The type may stand behind what cannot be read.
        None if damaged => type_in(line).to_owned(),
        None => String::new(),
    };
    match kind.as_str() {
        "assistant" => message(&members).map(|(message, blocks)| {
            AgentLine::Assistant(Assistant {
                message_id: message.text("id"),
                blocks,
                usage: message
                    .get("usage")
                    .map(|_| MessageUsage::of(&message.object("usage"))),
                parent_tool_use_id: members.text("parent_tool_use_id"),
                error: members.text("error"),
            })
        }),
        "user" => message(&members).map(|(_, blocks)| {
            AgentLine::User(User {
                blocks,
                parent_tool_use_id: members.text("parent_tool_use_id"),
                is_replay: members.flag("isReplay"),
                uuid: members.text("uuid"),
                is_synthetic: members.flag("isSynthetic"),
            })
        }),
        // One that clients could not read is left out: its words come again with the message.
        "stream_event" => Some(delta(line).unwrap_or(AgentLine::Other)),
        "result" => Some(AgentLine::Result(Box::new(result(&members)))),
        "control_request" => Some(control_request(line, &members, damaged)),
        "control_cancel_request" => members
            .text("request_id")
            .map(|request_id| AgentLine::Withdrawn { request_id }),
        "control_response" => {
            let response = members.object("response");
            Some(AgentLine::Response {
                request_id: response.text("request_id").unwrap_or_default(),
                cancelled: response
                    .object("response")
                    .get("cancelled")
                    .map(|cancelled| cancelled == "true"),
                error: response.text("error"),
            })
        }
        "conversation_reset" => Some(AgentLine::ContextCleared),
        "system" => system(&members),
        "command_lifecycle" => members.text("command_uuid").map(|uuid| AgentLine::Command {
            uuid,
            state: match members.string("state").as_deref() {
                Some("queued") => CommandState::Queued,
                Some("started") => CommandState::Started,
                Some("completed") => CommandState::Completed,
                Some("cancelled") => CommandState::Cancelled,
                Some(_) | None => CommandState::Other,
            },
        }),
        "rate_limit_event" | "keep_alive" | "tool_progress" | "tool_use_summary"
        | "auth_status" | "prompt_suggestion" => Some(AgentLine::Other),
        "" => None,
        _ if damaged => None,
        _ => Some(AgentLine::Unknown),
    }
    .unwrap_or_else(|| AgentLine::Malformed(content::excerpt(line)))
}

/// What kind of line a damaged one says that it is, where it matters that it is not lost: what asks,
/// and what ends a turn. Inside a JSON string the quotes would be escaped.
fn type_in(line: &str) -> &'static str {
    let says = |kind: &str| {
        line.contains(&format!(r#""type":"{kind}""#))
            || line.contains(&format!(r#""type": "{kind}""#))
    };
    ["control_request", "result"]
        .into_iter()
        .find(|kind| says(kind))
        .unwrap_or_default()
}

fn message<'a>(line: &Members<'a>) -> Option<(Members<'a>, Vec<Block>)> {
    let message = line.object("message");
    let blocks = content::blocks(message.get("content")?);
    Some((message, blocks))
}

fn system(line: &Members<'_>) -> Option<AgentLine> {
    let subtype = line.string("subtype")?;
    Some(match subtype.as_str() {
        "init" => AgentLine::Init(Init {
            session_id: line.string("session_id"),
            model: line.string("model"),
            permission_mode: line.string("permissionMode"),
            version: line.string("claude_code_version"),
        }),
        "api_retry" => AgentLine::ApiRetry(ApiRetry {
            attempt: line.count("attempt").unwrap_or(0),
            max_retries: line.count("max_retries").unwrap_or(0),
            error_status: line.count("error_status"),
            error: line.text("error"),
        }),
        "compact_boundary" => AgentLine::CompactBoundary,
        "background_tasks_changed" => {
            let tasks = json::elements(line.get("tasks").unwrap_or("[]"))?;
            let running = tasks
                .into_iter()
                .map(Members::of)
                .filter(|task| !task.flag("ambient"));
            AgentLine::BackgroundTasks(running.filter_map(|task| task.text("task_id")).collect())
        }
        "task_notification" => AgentLine::TaskEnded(line.text("task_id")?),
        "task_updated" => match line.object("patch").string("status").as_deref() {
            None | Some("pending" | "running") => AgentLine::Other,
            Some(_) => AgentLine::TaskEnded(line.text("task_id")?),
        },
        "informational" => AgentLine::Notice {
            text: line.text("content")?,
            stopped_by: line
                .flag("prevent_continuation")
                .then(|| line.object("prompt_submit_outcome").text("reason"))
                .map(Option::unwrap_or_default),
        },
        "hook_response" => hooks::answered(line),
        "hook_progress" => AgentLine::HookProgress,
        "status" => line
            .string("permissionMode")
            .map_or(AgentLine::Other, AgentLine::Mode),
        "hook_started"
        | "task_started"
        | "task_progress"
        | "notification"
        | "session_title_changed"
        | "thinking_tokens"
        | "permission_denied"
        | "files_persisted"
        | "session_state_changed"
        | "elicitation_complete"
        | "local_command_output"
        | "turn_duration" => AgentLine::Other,
        _ => AgentLine::Unknown,
    })
}

fn result(line: &Members<'_>) -> TurnResult {
    let errors = line.get("errors").map(|errors| {
        let texts = json::elements(errors).unwrap_or_else(|| vec![errors]);
        texts.into_iter().map(json::text).collect()
    });
    let model_usage = line
        .object("modelUsage")
        .iter()
        .map(|(model, usage)| {
            let usage = Members::of(usage);
            let count = |name: &str| usage.count(name).unwrap_or(0);
            let usage = ModelUsage {
                input_tokens: count("inputTokens"),
                output_tokens: count("outputTokens"),
                cache_read_input_tokens: count("cacheReadInputTokens"),
                cache_creation_input_tokens: count("cacheCreationInputTokens"),
                context_window: count("contextWindow"),
            };
            (model.to_owned(), usage)
        })
        .collect();
    TurnResult {
        subtype: line.text("subtype").unwrap_or_default(),
        is_error: line.flag("is_error"),
        result: line.text("result"),
        errors: errors.unwrap_or_default(),
        total_cost_usd: line.number("total_cost_usd"),
        duration_ms: line.count("duration_ms"),
        num_turns: line.count("num_turns"),
        usage: line
            .get("usage")
            .map(|_| MessageUsage::of(&line.object("usage"))),
        model_usage,
        terminal_reason: line.string("terminal_reason"),
    }
}

#[cfg(test)]
#[path = "line_tests.rs"]
mod tests;
