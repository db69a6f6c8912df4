//! The looks of every tool's card, with and without the real file.

use std::collections::HashMap;

use rstest::rstest;
use serde_json::{Value, json};

use super::support::{annotated, buffer_of, rows};
use crate::domain::text::is_deceptive;
use crate::tui::theme::Theme;
use crate::tui::transcript::render::grammars;
use crate::tui::transcript::{FileSource, NoFiles, summary_line, tool_card};

struct Files(HashMap<String, String>);

impl FileSource for Files {
    fn read(&self, path: &str) -> Option<String> {
        self.0.get(path).cloned()
    }
}

fn files() -> Files {
    let main: String = (1..=30)
        .map(|at| match at {
            12 => "    let greeting = \"hi\"; // a comment\n".to_owned(),
            20 => "    print(greeting, 7);\n".to_owned(),
            _ => format!("// line {at}\n"),
        })
        .collect();
    let notebook = json!({"cells": [{"id": "c1", "source": ["x = 1\n", "print(x)\n"]}]});
    Files(HashMap::from([
        ("/p/main.rs".to_owned(), main),
        ("/p/nb.ipynb".to_owned(), notebook.to_string()),
    ]))
}

/// Every tool with an input, by a name for its snapshot.
fn cases() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        (
            "bash",
            "Bash",
            json!({"command": "cd /p && for f in *.rs; do\n  grep -n \"fn main\" \"$f\" # where\ndone", "description": "Find the entry points", "timeout": 60000, "run_in_background": true}),
        ),
        (
            "edit",
            "Edit",
            json!({"file_path": "/p/main.rs", "old_string": "    let greeting = \"hi\"; // a comment", "new_string": "    let greeting = \"hello\"; // a comment\n    let more = true;"}),
        ),
        (
            "edit_elsewhere",
            "Edit",
            json!({"file_path": "/p/main.rs", "old_string": "not there", "new_string": "x"}),
        ),
        (
            "edit_all",
            "Edit",
            json!({"file_path": "/p/main.rs", "old_string": "greeting", "new_string": "welcome", "replace_all": true}),
        ),
        (
            "multi_edit",
            "MultiEdit",
            json!({"file_path": "/p/main.rs", "edits": [{"old_string": "\"hi\"", "new_string": "\"hello\""}, {"old_string": "greeting, 7", "new_string": "greeting, 8"}]}),
        ),
        (
            "write_over",
            "Write",
            json!({"file_path": "/p/main.rs", "content": "fn main() {}\n"}),
        ),
        (
            "write_new",
            "Write",
            json!({"file_path": "/p/new.py", "content": "def f(x):\n\treturn x\n"}),
        ),
        (
            "notebook",
            "NotebookEdit",
            json!({"notebook_path": "/p/nb.ipynb", "cell_id": "c1", "new_source": "x = 2\nprint(x)\n"}),
        ),
        (
            "read",
            "Read",
            json!({"file_path": "/p/main.rs", "offset": 10, "limit": 5}),
        ),
        (
            "grep",
            "Grep",
            json!({"pattern": "fn \\w+", "path": "/p", "-n": true, "glob": "*.rs"}),
        ),
        ("glob", "Glob", json!({"pattern": "**/*.rs"})),
        ("ls", "LS", json!({"path": "/p"})),
        (
            "web_fetch",
            "WebFetch",
            json!({"url": "https://example.com/a", "prompt": "What does it say?"}),
        ),
        (
            "web_search",
            "WebSearch",
            json!({"query": "ratatui tables", "allowed_domains": ["docs.rs", "ratatui.rs"]}),
        ),
        (
            "task",
            "Task",
            json!({"description": "Find it", "subagent_type": "Explore", "prompt": "# Look\n\nFind **where** it is:\n\n- here\n- there"}),
        ),
        (
            "todos",
            "TodoWrite",
            json!({"todos": [{"content": "Read the code", "status": "completed", "activeForm": "Reading"}, {"content": "Write it", "status": "in_progress", "activeForm": "Writing it"}, {"content": "Test it", "status": "pending"}]}),
        ),
        (
            "questions",
            "AskUserQuestion",
            json!({"questions": [{"question": "Which database?", "header": "DB", "options": [{"label": "SQLite", "description": "embedded"}, {"label": "Postgres", "description": "a server"}]}, {"question": "Which extras?", "multiSelect": true, "options": [{"label": "A"}, {"label": "B"}]}]}),
        ),
        (
            "answered",
            "AskUserQuestion",
            json!({"questions": [{"question": "Which database?", "options": [{"label": "SQLite"}, {"label": "Postgres"}]}, {"question": "Which extras?", "multiSelect": true, "options": [{"label": "A"}, {"label": "B"}]}], "answers": {"Which database?": "neither, please", "Which extras?": "A, B"}}),
        ),
        (
            "plan",
            "ExitPlanMode",
            json!({"plan": "# The plan\n\n1. Read\n2. Write `code`\n"}),
        ),
        (
            "mcp",
            "mcp__github__create_issue",
            json!({"title": "A bug", "labels": ["bug", "ui"], "body": "First line\n\nThird line", "meta": {"draft": false, "number": 7, "assignee": null, "people": [{"name": "a", "id": 1}]}}),
        ),
        ("odd", "Bash", json!({"command": 7})),
        ("nothing", "New", json!({})),
    ]
}

#[rstest]
fn every_tool_has_its_card(#[values(40, 80, 140)] width: u16) {
    grammars::compile_now(&["rs", "py", "sh"]);
    let files = files();
    let shown: Vec<String> = cases()
        .iter()
        .map(|(name, tool, input)| {
            let card = tool_card(tool, input, &files, width, &Theme::dark());
            let rows = rows(&buffer_of(&card, width)).join("\n");
            format!("── {name}: {}\n{rows}", summary_line(tool, input))
        })
        .collect();
    insta::assert_snapshot!(format!("cards_at_{width}"), shown.join("\n\n"));
}

#[test]
fn colours_say_what_changes() {
    grammars::compile_now(&["rs", "py", "sh"]);
    let theme = Theme::dark();
    let files = files();
    let shown: Vec<String> = cases()
        .iter()
        .filter(|(name, _, _)| ["bash", "edit", "multi_edit", "todos", "answered"].contains(name))
        .map(|(_, tool, input)| {
            let card = tool_card(tool, input, &files, 80, &theme);
            annotated(&buffer_of(&card, 80), &theme).join("\n")
        })
        .collect();
    insta::assert_snapshot!("cards_annotated", shown.join("\n\n"));
}

#[test]
fn without_the_file_an_edit_shows_itself() {
    let input = json!({"file_path": "/gone.rs", "old_string": "let a = 1;\n", "new_string": "let a = 2;\n"});
    let card = tool_card("Edit", &input, &NoFiles, 40, &Theme::mono());
    insta::assert_snapshot!(rows(&buffer_of(&card, 40)).join("\n"), @r#"
    /gone.rs
    - let a = 1;
    + let a = 2;
"#);
}

#[test]
fn hostile_inputs_are_shown_for_what_they_are() {
    let evil = "a\u{202e}b\u{1b}[2J\u{200b}\r\u{7}\tz\u{feff}";
    let theme = Theme::dark();
    for (tool, input) in [
        ("Bash", json!({"command": evil, evil: evil})),
        (
            "Edit",
            json!({"file_path": evil, "old_string": evil, "new_string": "x"}),
        ),
        ("Write", json!({"file_path": evil, "content": evil})),
        (
            "Task",
            json!({"prompt": evil, "description": evil, "subagent_type": evil}),
        ),
        (
            "TodoWrite",
            json!({"todos": [{"content": evil, "status": evil}]}),
        ),
        (
            "AskUserQuestion",
            json!({"questions": [{"question": evil, "header": evil, "options": [{"label": evil, "description": evil}]}]}),
        ),
        ("ExitPlanMode", json!({"plan": evil})),
        (evil, json!({evil: [evil, {evil: evil}]})),
    ] {
        for width in [1, 2, 7, 40] {
            let card = tool_card(tool, &input, &NoFiles, width, &theme);
            for line in &card {
                assert!(!line.to_string().contains(is_deceptive), "{tool}: {line:?}");
            }
            if width == 40 {
                let all: String = card.iter().map(ToString::to_string).collect();
                assert!(all.contains("\\u{202e}"), "{tool}: {all}");
                let marked = card
                    .iter()
                    .flat_map(|line| &line.spans)
                    .any(|span| span.style.bg == theme.unmasked.bg);
                assert!(marked, "{tool}");
            }
        }
        assert!(!summary_line(tool, &input).contains(is_deceptive));
    }
}
