//! The shapes of the lines that the agent writes, field for field as Claude Code's.
//!
//! Owns JSON construction only: no state, no input or output. Called by the turn, the
//! questions and the background tasks; results, which need the accounts, are in `result`.

use serde_json::{Map, Value, json};

use super::permissions::Mode;

/// The version that the shapes were recorded from.
pub(super) const VERSION: &str = "2.1.330";

/// What Claude Code says to the model when a person stops a tool.
pub(super) const REJECTED: &str = "The user doesn't want to proceed with this tool use. The tool use was rejected (eg. if it was a file edit, the new_string was NOT written to the file). STOP what you are doing and wait for the user to tell you how to proceed.";

/// What a tool gets whose question nobody can answer any more.
pub(super) const STREAM_CLOSED: &str = "Tool permission request failed: AbortError: Tool permission stream closed before response received";

/// A subagent, as far as its lines name it.
#[derive(Debug, Clone)]
pub(super) struct Parent {
    /// The Task call that started it.
    pub(super) tool_use_id: String,
    /// Its own id.
    pub(super) agent_id: String,
    /// This run of it.
    pub(super) run_id: String,
    /// Its kind.
    pub(super) subagent_type: String,
    /// What it was started for.
    pub(super) description: String,
}

/// A fresh identifier.
pub(super) fn new_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// The first characters of a fresh identifier, without dashes: at most 32.
pub(super) fn short_id(length: usize) -> String {
    let mut id = uuid::Uuid::new_v4().simple().to_string();
    id.truncate(length);
    id
}

/// Now, as the lines write it: UTC with milliseconds.
pub(super) fn timestamp() -> String {
    format!("{:.3}", jiff::Timestamp::now())
}

/// Now in milliseconds since 1970.
pub(super) fn unix_millis() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// A `system` line.
pub(super) fn system(session_id: &str, subtype: &str, fields: Value) -> Value {
    let mut line = json!({ "type": "system", "subtype": subtype });
    extend(&mut line, fields);
    extend(
        &mut line,
        json!({ "session_id": session_id, "uuid": new_id() }),
    );
    line
}

/// What `system/init` says about a session.
pub(super) struct Init<'a> {
    /// Its id.
    pub(super) session_id: &'a str,
    /// Its working directory.
    pub(super) cwd: &'a str,
    /// The model of the coming turn.
    pub(super) model: &'a str,
    /// The permission mode of the coming turn.
    pub(super) mode: &'a Mode,
    /// Directories that were added by an answer.
    pub(super) directories: &'a [String],
}

/// The line that opens every turn.
pub(super) fn init(of: &Init<'_>) -> Value {
    let home = std::env::var("HOME").unwrap_or_default();
    json!({
        "type": "system",
        "subtype": "init",
        "cwd": of.cwd,
        "session_id": of.session_id,
        "tools": ["Task", "AskUserQuestion", "Bash", "Edit", "EnterPlanMode", "ExitPlanMode", "NotebookEdit", "Read", "WebFetch", "WebSearch", "Write"],
        "mcp_servers": [],
        "model": of.model,
        "permissionMode": of.mode.as_str(),
        "slash_commands": ["deep-research"],
        "terminal_slash_commands": ["doctor"],
        "apiKeySource": "none",
        "claude_code_version": VERSION,
        "output_style": "default",
        "agents": ["claude", "Explore"],
        "skills": ["deep-research"],
        "plugins": [],
        "capabilities": ["interrupt_receipt_v1", "msg_lifecycle_v1"],
        "analytics_disabled": true,
        "product_feedback_disabled": true,
        "served_by_anthropic": false,
        "uuid": new_id(),
        "memory_paths": { "auto": format!("{home}/.claude/projects/{}/memory/", of.cwd.replace('/', "-")) },
        "original_cwd": of.cwd,
        "additional_directories": of.directories,
        "messaging_socket_path": format!("/tmp/cc-socks/{}.sock", std::process::id()),
        "fast_mode_state": "off",
        "fast_mode_disabled_reason": "sdk_opt_in_required",
        "per_turn_effort_active": true,
        "ultrathink_available": false,
        "ultrathink_typed_raises": false,
        "view_mode": "default",
    })
}

/// The body of the answer to `initialize`.
pub(super) fn initialized(mode: &Mode) -> Value {
    let model = |value: &str, name: &str| {
        json!({
            "value": value, "resolvedModel": super::accounts::DEFAULT_MODEL, "displayName": name,
            "description": "A scripted stand-in", "supportsEffort": true,
            "supportedEffortLevels": ["low", "medium", "high"], "supportsAdaptiveThinking": true,
            "supportsFastMode": false, "supportsAutoMode": false, "supportsThinkingOff": false,
        })
    };
    json!({
        "commands": [{ "name": "deep-research", "description": "Scripted", "argumentHint": "", "builtin": true }],
        "agents": [{ "name": "claude", "description": "Scripted" }],
        "output_style": "default",
        "available_output_styles": ["default"],
        "user_output_styles_dir": format!("{}/.claude/output-styles", std::env::var("HOME").unwrap_or_default()),
        "models": [model("default", "Default (recommended)"), model("opus", "Opus")],
        "account": {},
        "pid": std::process::id(),
        "claude_code_version": VERSION,
        "current_permission_mode": mode.as_str(),
        "hooks_applied": true,
        "hook_on_failure_supported": true,
        "hooks_when_unanswered_kept": 0,
        "other_hook_ask_outranks_host": true,
        "feedback_mode": { "kind": "disabled" },
        "analytics_disabled": true,
        "remote_control_auto_enable": false,
        "remote_control_auto_connect_default": false,
        "remote_control_available": false,
        "remote_control_auto_on_by_default": false,
        "ide_rc_auto_enable_gate": false,
        "fast_mode_state": "off",
        "fast_mode_disabled_reason": "sdk_opt_in_required",
        "session_state": "idle",
        "capabilities": ["interrupt_receipt_v1"],
    })
}

/// The answer to a control request.
pub(super) fn control_success(request_id: &str, response: Option<Value>) -> Value {
    let mut inner = json!({ "subtype": "success", "request_id": request_id });
    if let Some(response) = response {
        extend(&mut inner, json!({ "response": response }));
    }
    json!({ "type": "control_response", "response": inner })
}

/// The answer to a control request that this agent does not know.
pub(super) fn control_unsupported(request_id: &str, subtype: &str) -> Value {
    json!({ "type": "control_response", "response": {
        "subtype": "error",
        "request_id": request_id,
        "error": format!("Unsupported control request subtype: {subtype}"),
        "error_code": "unsupported_request",
    }})
}

/// A question is no longer wanted.
pub(super) fn control_cancel(request_id: &str) -> Value {
    json!({ "type": "control_cancel_request", "request_id": request_id })
}

/// How far a user's message has come: `queued`, `started`, `completed` or `cancelled`.
pub(super) fn lifecycle(session_id: &str, message: &str, state: &str) -> Value {
    json!({
        "type": "command_lifecycle", "command_uuid": message, "state": state,
        "uuid": new_id(), "session_id": session_id,
    })
}

/// A user's message, echoed.
pub(super) fn replayed(session_id: &str, message: &Value, uuid: &str) -> Value {
    json!({
        "type": "user", "message": message, "session_id": session_id,
        "parent_tool_use_id": null, "uuid": uuid, "timestamp": timestamp(), "isReplay": true,
    })
}

/// The inside of an assistant line.
pub(super) fn message(id: &str, model: &str, content: Value, usage: &Value) -> Value {
    json!({
        "id": id, "type": "message", "role": "assistant", "model": model, "content": content,
        "stop_reason": null, "stop_sequence": null, "usage": usage,
    })
}

/// An assistant line around a [`message`]; `asked_by` is the user's message if this is
/// the first line after it.
pub(super) fn assistant(
    session_id: &str,
    mut message: Value,
    parent: Option<&Parent>,
    asked_by: &[String],
) -> Value {
    extend(&mut message, json!({ "context_management": null }));
    let mut line = json!({ "type": "assistant", "message": message });
    origin(&mut line, session_id, parent);
    extend(&mut line, user_message_uuids(asked_by));
    subagent_tail(&mut line, parent);
    line
}

/// The fields that tie a line to the user's messages, if those had ids.
pub(super) fn user_message_uuids(uuids: &[String]) -> Value {
    uuids.first().map_or_else(
        || json!({}),
        |first| json!({ "user_message_uuid": first, "user_message_uuids": uuids }),
    )
}

/// A user line that the agent writes itself: tool results and notes.
pub(super) fn user(
    session_id: &str,
    content: Value,
    parent: Option<&Parent>,
    extra: Value,
) -> Value {
    let mut line = json!({ "type": "user", "message": { "role": "user", "content": content } });
    origin(&mut line, session_id, parent);
    extend(&mut line, extra);
    subagent_tail(&mut line, parent);
    line
}

/// A delta of a message that is being written.
pub(super) fn stream_event(session_id: &str, message_id: &str, event: Value) -> Value {
    let starts = event["type"] == "message_start";
    let mut line = json!({
        "type": "stream_event", "event": event, "session_id": session_id,
        "parent_tool_use_id": null, "uuid": new_id(),
    });
    if starts {
        extend(
            &mut line,
            json!({ "ttft_ms": 1, "thinking_display": "updates" }),
        );
    }
    extend(&mut line, json!({ "api_message_id": message_id }));
    line
}

/// Adds the fields of the second object to the first.
pub(super) fn extend(into: &mut Value, fields: Value) {
    if let (Value::Object(into), Value::Object(fields)) = (into, fields) {
        into.extend::<Map<String, Value>>(fields);
    }
}

fn origin(line: &mut Value, session_id: &str, parent: Option<&Parent>) {
    let mut fields = json!({ "parent_tool_use_id": parent.map(|parent| &parent.tool_use_id) });
    if let Some(parent) = parent {
        extend(&mut fields, json!({ "agent_id": parent.agent_id }));
    }
    extend(
        &mut fields,
        json!({ "session_id": session_id, "uuid": new_id(), "timestamp": timestamp() }),
    );
    extend(line, fields);
}

fn subagent_tail(line: &mut Value, parent: Option<&Parent>) {
    if let Some(parent) = parent {
        extend(
            line,
            json!({ "subagent_type": parent.subagent_type, "task_description": parent.description }),
        );
    }
}
