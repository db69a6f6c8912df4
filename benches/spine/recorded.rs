//! A long journal out of the recorded lines of Claude Code, for ingesting.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

/// The words of the last message.
pub const END: &str = "this is the very end of the journal";

/// About so many lines, in the order and the shapes in which they were recorded, turn after turn.
/// Left out is what makes no rows (live deltas) and what waits for an answer (control messages).
pub fn journal(lines: usize) -> String {
    let turns = turns();
    let mut text = String::new();
    let mut written = 0;
    for (number, turn) in turns.iter().cycle().enumerate() {
        if written + turn.len() + 1 >= lines {
            break;
        }
        written += turn.len();
        for line in turn {
            // Ids are unique in a conversation.
            let line = line.replace("toolu_", &format!("toolu_{number}_"));
            writeln!(text, "{line}").unwrap();
        }
    }
    let words = json!({"type": "assistant", "message": {"role": "assistant",
        "content": [{"type": "text", "text": END}]}, "session_id": "s", "uuid": "u"});
    writeln!(text, "{words}").unwrap();
    text
}

fn turns() -> Vec<Vec<String>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/claude-code-2.1.330");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let turn = |path: &std::path::PathBuf| -> Vec<String> {
        let text = fs::read_to_string(path).unwrap();
        let recorded = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        recorded
            .filter_map(|line| line.get("<").cloned())
            .filter(|line| {
                let kind = line["type"].as_str().unwrap_or_default();
                !kind.starts_with("control_") && kind != "stream_event"
            })
            .map(|line| line.to_string())
            .collect()
    };
    files.iter().map(turn).collect()
}
