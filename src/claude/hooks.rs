//! What hooks answered: which of them want the turn stopped, and how much of their lines is kept.
//!
//! Claude Code tells it of each hook with `--include-hook-events` ([`super::args::HOOK_EVENTS`]), and of a
//! `SessionStart` hook always: `hook_started` (some 210 bytes), each second `hook_progress` with all that the hook has
//! written so far, and `hook_response` (some 300 bytes and twice what it has written). Without that option the
//! `stopReason` of a hook is nowhere in the stream of 2.0.37 to 2.1.332, nor in their transcripts, but for that of
//! a `UserPromptSubmit` hook.

use std::borrow::Cow;

use super::agent_line::AgentLine;
use crate::json::{self, Members};

/// The longest line of a hook that is kept as it is, in bytes.
pub const MAX_KEPT: usize = 16 * 1024;

/// Of a longer one each field is kept up to here, in bytes.
const MAX_FIELD: usize = 2 * 1024;

/// A hook's answer, where it wants the turn stopped: with `continue: false`, or by refusing the message.
pub fn answered(line: &Members<'_>) -> AgentLine {
    let event = line.string("hook_event").unwrap_or_default();
    // It runs before any turn: 2.0.37, 2.1.133 and 2.1.332 go on.
    if event == "SessionStart" {
        return AgentLine::Other;
    }
    let name = line
        .text("hook_name")
        .unwrap_or_else(|| "a hook".to_owned());
    let output = line.string("stdout").unwrap_or_default();
    let output = Members::of(output.trim());
    let reason = if output.get("continue") == Some("false") {
        output.text("stopReason")
    } else if event != "UserPromptSubmit" {
        return AgentLine::Other;
    } else if output.string("decision").as_deref() == Some("block") {
        output.text("reason")
    } else if line.count("exit_code") == Some(2) {
        line.string("stderr")
    } else {
        return AgentLine::Other;
    };
    let reason = reason.unwrap_or_default();
    AgentLine::HookStopped(match reason.trim() {
        "" => name,
        reason => format!("{name}: {reason}"),
    })
}

/// A hook's line with its long fields cut; another line as it is.
pub fn shortened(text: &str) -> Cow<'_, str> {
    let members = Members::of(text);
    let is_of_a_hook = members
        .string("subtype")
        .is_some_and(|subtype| subtype.starts_with("hook_"));
    if !is_of_a_hook || !members.is_complete() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(json::object(&members, |_, value| {
        if value.len() <= MAX_FIELD {
            return value.to_owned();
        }
        let whole = json::text(value);
        let head = &whole[..whole.floor_char_boundary(MAX_FIELD)];
        serde_json::Value::from(format!("{head} [cut off here: {} bytes]", value.len())).to_string()
    }))
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::panic,
        reason = "a test fails by panicking"
    )]
    use serde_json::{Value, json};

    use super::super::line::{kept, parse};
    use super::*;

    fn response(event: &str, stdout: &str, stderr: &str, code: i64) -> Value {
        json!({"type": "system", "subtype": "hook_response", "hook_name": event,
            "hook_event": event, "output": stdout, "stdout": stdout, "stderr": stderr, "exit_code": code})
    }

    #[test]
    fn hooks_that_stop_a_turn_say_why() {
        let reason = |event: &str, stdout: &str, stderr: &str, code: i64| match parse(
            &response(event, stdout, stderr, code).to_string(),
        ) {
            AgentLine::HookStopped(reason) => Some(reason),
            AgentLine::Other => None,
            other => panic!("{other:?}"),
        };
        let stop = "{\"continue\":false,\"stopReason\":\"budget is used up\"}\n";
        assert_eq!(
            reason("PreToolUse", stop, "", 0).unwrap(),
            "PreToolUse: budget is used up"
        );
        assert_eq!(
            reason("UserPromptSubmit", "", "no\n", 2).unwrap(),
            "UserPromptSubmit: no"
        );
        assert_eq!(
            reason("PreToolUse", "", "no\n", 2),
            None,
            "the tool's result says it"
        );
        assert_eq!(reason("Stop", "fine", "", 0), None);
        assert_eq!(
            reason("SessionStart", stop, "", 0),
            None,
            "it stops nothing"
        );
    }

    #[test]
    fn what_a_hook_wrote_is_kept_once_and_not_at_any_length() {
        let keep = |line: &Value| {
            let text = line.to_string();
            kept(&parse(&text), &text).map(Cow::into_owned)
        };
        let short = response("PostToolUse", "fine", "", 0);
        assert_eq!(keep(&short), Some(short.to_string()));
        let mut progress = short.clone();
        progress["subtype"] = json!("hook_progress");
        assert_eq!(keep(&progress), None);
        let mut long = response("PostToolUse", &"\u{e9}\"".repeat(500_000), "why", 1);
        long["unknown"] = json!({"kept": [1, 2]});
        let text = keep(&long).unwrap();
        assert!(text.len() < MAX_KEPT, "{}", text.len());
        let cut: Value = serde_json::from_str(&text).unwrap();
        for name in ["hook_name", "stderr", "exit_code", "unknown"] {
            assert_eq!(cut[name], long[name]);
        }
        assert!(
            cut["stdout"].as_str().unwrap().ends_with("bytes]"),
            "{text}"
        );
        // A long line of another kind is not touched.
        let task =
            json!({"type": "system", "subtype": "task_started", "prompt": "x".repeat(100_000)});
        assert_eq!(keep(&task), Some(task.to_string()));
    }
}
