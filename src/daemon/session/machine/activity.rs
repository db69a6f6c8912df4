//! What an agent is doing right now: since when its turn runs, and with which tool.
//!
//! Only what a list shows beside the status; nothing is decided by it.

use jiff::Timestamp;

use crate::domain::stream_state::CurrentTool;
use crate::domain::text::summary;
use crate::domain::{Session, Tool};
use crate::json::Members;

/// Characters of a tool call's summary.
const SUMMARY_CHARS: usize = 80;

/// Bytes of an input from which on the tool's name alone is told: a long input is not read for a row of
/// a list.
const LONG_INPUT: usize = 16 * 1024;

/// A turn begins. One that runs already was told of before: a long one is announced again and again.
pub(super) fn turn_began(session: &mut Session, now: Timestamp) {
    let runs = session.completed_at.is_none();
    let stream = &mut session.stream;
    if !runs || stream.turn_started_at.is_none() {
        stream.turn_started_at = Some(now);
        stream.current_tool = None;
    }
}

/// A turn is over, or its process is.
pub(super) fn turn_ended(session: &mut Session) {
    session.stream.turn_started_at = None;
    session.stream.current_tool = None;
    session.stream.retrying = None;
}

/// The agent calls a tool.
pub(super) fn tool_called(session: &mut Session, id: &str, name: &str, input: &str) {
    session.stream.current_tool = Some(CurrentTool {
        id: id.to_owned(),
        summary: summary(&described(name, input), SUMMARY_CHARS),
    });
}

/// A tool has answered.
pub(super) fn tool_answered(session: &mut Session, id: &str) {
    let current = &mut session.stream.current_tool;
    if current.as_ref().is_some_and(|tool| tool.id == id) {
        *current = None;
    }
}

fn described(name: &str, input: &str) -> String {
    let Some(field) = Tool::of(name).and_then(Tool::subject_field) else {
        return name.to_owned();
    };
    if input.len() > LONG_INPUT {
        return name.to_owned();
    }
    match Members::of(input).string(field) {
        Some(text) if !text.trim().is_empty() => format!("{name}: {}", text.trim()),
        Some(_) | None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_described_by_what_it_is_about() {
        let long = format!(
            r#"{{"file_path": "a", "content": "{}"}}"#,
            "x".repeat(LONG_INPUT)
        );
        for (name, input, expected) in [
            ("Bash", r#"{"command": "cargo test\n"}"#, "Bash: cargo test"),
            (
                "Edit",
                r#"{"old_string": "a", "file_path": "/src/a.rs"}"#,
                "Edit: /src/a.rs",
            ),
            ("Grep", r#"{"pattern": "fn main"}"#, "Grep: fn main"),
            ("Bash", r#"{"command": 7}"#, "Bash"),
            ("Bash", "no JSON", "Bash"),
            ("Write", &long, "Write"),
            ("mcp__db__query", r#"{"sql": "SELECT 1"}"#, "mcp__db__query"),
        ] {
            assert_eq!(described(name, input), expected);
        }
    }
}
