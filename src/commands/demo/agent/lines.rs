//! The lines that the demonstration's agent writes, as Claude Code's: their fields, and no state. Pure.

use serde_json::{Value, json};

/// The version of Claude Code that it looks like.
pub const VERSION: &str = "2.1.330";
/// What the model is told when a person stops a tool.
pub const REJECTED: &str = "The user doesn't want to proceed with this tool use. The tool use was rejected (eg. if it was a file edit, the new_string was NOT written to the file). STOP what you are doing and wait for the user to tell you how to proceed.";

/// Fresh input, output and cached tokens of each message: a session's worth of a plausible size.
const TOKENS: [u64; 3] = [900, 420, 31_000];
/// Dollars for them.
const PRICE: f64 = 0.0182;

/// A fresh identifier.
pub fn new_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// One of Claude Code's short ones, such as `msg_…`.
pub fn short_id(kind: &str) -> String {
    let mut id = uuid::Uuid::new_v4().simple().to_string();
    id.truncate(24);
    format!("{kind}{id}")
}

/// The answer to a control request.
pub fn success(request_id: &str, response: Value) -> Value {
    json!({ "type": "control_response", "response": {
        "subtype": "success", "request_id": request_id, "response": response,
    }})
}

/// The answer to one that is not known.
pub fn unsupported(request_id: &str, subtype: &str) -> Value {
    json!({ "type": "control_response", "response": {
        "subtype": "error", "request_id": request_id,
        "error": format!("Unsupported control request subtype: {subtype}"),
    }})
}

/// What is said when the protocol is opened.
pub fn initialized(mode: &str) -> Value {
    json!({
        "commands": [], "agents": [], "models": [], "account": {}, "output_style": "default",
        "pid": std::process::id(), "claude_code_version": VERSION,
        "current_permission_mode": mode,
        "capabilities": ["interrupt_receipt_v1", "msg_lifecycle_v1"],
    })
}

/// A line of a session.
pub fn line(session: &str, kind: &str, fields: Value) -> Value {
    let mut line = json!({ "type": kind });
    let more = json!({ "session_id": session, "uuid": new_id() });
    for fields in [fields, more] {
        if let (Some(line), Value::Object(fields)) = (line.as_object_mut(), fields) {
            line.extend(fields);
        }
    }
    line
}

/// A line that opens a turn.
pub fn init(session: &str, directory: &str, model: &str, mode: &str) -> Value {
    let fields = json!({
        "subtype": "init", "cwd": directory, "model": model, "permissionMode": mode,
        "tools": ["Task", "AskUserQuestion", "Bash", "Edit", "ExitPlanMode", "Grep", "Read", "TodoWrite", "Write"],
        "mcp_servers": [], "slash_commands": [], "apiKeySource": "none",
        "claude_code_version": VERSION, "output_style": "default", "agents": [], "skills": [],
        "plugins": [], "capabilities": ["interrupt_receipt_v1", "msg_lifecycle_v1"],
    });
    line(session, "system", fields)
}

/// How far a message of the user has come.
pub fn lifecycle(session: &str, message: &str, state: &str) -> Value {
    let fields = json!({ "command_uuid": message, "state": state });
    line(session, "command_lifecycle", fields)
}

/// What so many messages used.
pub fn usage(messages: u64) -> Value {
    let [input, output, cached] = TOKENS.map(|tokens| tokens * messages);
    json!({
        "input_tokens": input, "output_tokens": output,
        "cache_creation_input_tokens": 0, "cache_read_input_tokens": cached,
    })
}

/// What so many messages cost.
pub fn cost(messages: u64) -> f64 {
    // There are never so many that this is not exact.
    PRICE * f64::from(u32::try_from(messages).unwrap_or(u32::MAX))
}

/// The same by model, as a turn's end says it.
pub fn model_usage(model: &str, messages: u64) -> Value {
    let [input, output, cached] = TOKENS.map(|tokens| tokens * messages);
    json!({ model: {
        "inputTokens": input, "outputTokens": output, "cacheReadInputTokens": cached,
        "cacheCreationInputTokens": 0, "webSearchRequests": 0, "costUSD": cost(messages),
        "contextWindow": 1_000_000, "maxOutputTokens": 128_000,
    }})
}
