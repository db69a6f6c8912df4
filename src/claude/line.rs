//! What the agent writes: one line of its standard output, understood as far as we need it.
//!
//! Shapes as in `sdk.d.ts` of the npm package `@anthropic-ai/claude-agent-sdk` and as recorded from
//! Claude Code 2.0.37 to 2.1.332 (`tests/fixtures`). Messages, of which there are many, are read in a
//! single pass; whatever does not pass there, and all other lines, are read field by field
//! ([`crate::json`]), so that a field which is only shown or counted never costs the line. A line of
//! which not even the type can be read is [`AgentLine::Malformed`], and nothing of it is lost either:
//! the store keeps lines that were not understood until a person deletes them.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

pub use super::agent_line::{
    AgentLine, ApiRetry, Asked, Assistant, CanUseTool, CommandState, Init, MessageUsage,
    ModelUsage, TurnResult, User,
};
pub use super::content::Block;
use super::content::{self, KnownBlocks};
use super::hooks;
use super::request::control_request;
use crate::json::{self, Members};

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
