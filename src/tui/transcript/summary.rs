//! A tool call in one line.
//!
//! Owns what each tool touches in a few words. Everything said is safe to draw.

use serde_json::Value;

use super::card::{field, list};
use super::text;
use crate::domain::text::{sanitize_line, summary};

/// Characters of a summary at most; who has fewer columns cuts it further.
const MOST: usize = 300;

/// One line: the tool and what it touches, as `Bash  cargo test` or `Edit  src/main.rs +3 −1`.
#[must_use]
pub fn summary_line(tool_name: &str, input: &Value) -> String {
    let name = tool_label(tool_name);
    let what = summary_of(tool_name, input);
    if what.is_empty() {
        name
    } else {
        format!("{name}  {what}")
    }
}

/// The tool's name for people: `server · tool` for one of an MCP server. An endless one ends with `…`.
#[must_use]
pub fn tool_label(tool_name: &str) -> String {
    let head = text::head(tool_name, MOST);
    let end = if head.len() < tool_name.len() {
        "…"
    } else {
        ""
    };
    let mut parts = head.splitn(3, "__");
    match (parts.next(), parts.next(), parts.next()) {
        (Some("mcp"), Some(server), Some(tool)) => {
            sanitize_line(&format!("{server} · {tool}{end}")).into_owned()
        }
        _ => sanitize_line(&format!("{head}{end}")).into_owned(),
    }
}

/// What a call touches, in a few words.
#[must_use]
pub fn summary_of(tool_name: &str, input: &Value) -> String {
    let said = said(tool_name, input);
    sanitize_line(&summary(text::head(&said, 8 * MOST), MOST)).into_owned()
}

fn said(tool_name: &str, input: &Value) -> String {
    let whole = |name: &str| field(input, name).unwrap_or_default();
    let one = |name: &str| text::head(whole(name), 8 * MOST).to_owned();
    match tool_name {
        // A line's end may not look like a space: what follows is another command.
        "Bash" => {
            let command = one("command");
            let lines: Vec<&str> = command
                .lines()
                .map(str::trim)
                .filter(|line| !line.is_empty())
                .collect();
            lines.join(" ⏎ ")
        }
        "Edit" => {
            let (old, new) = (whole("old_string"), whole("new_string"));
            let all = input.get("replace_all").and_then(Value::as_bool);
            let everywhere = if all == Some(true) { " everywhere" } else { "" };
            format!("{}{}{everywhere}", one("file_path"), counted(old, new))
        }
        "MultiEdit" => {
            let (mut old, mut new) = (String::new(), String::new());
            for edit in list(input, "edits") {
                for (all, name) in [(&mut old, "old_string"), (&mut new, "new_string")] {
                    all.push_str(field(edit, name).unwrap_or_default());
                    all.push('\n');
                }
            }
            format!("{}{}", one("file_path"), counted(&old, &new))
        }
        "Write" => format!("{}{}", one("file_path"), counted("", whole("content"))),
        "NotebookEdit" => {
            let cell = field(input, "cell_id").map_or_else(String::new, |id| format!(" cell {id}"));
            format!("{}{cell}", one("notebook_path"))
        }
        "Read" => {
            let from = input.get("offset").and_then(Value::as_u64);
            let many = input.get("limit").and_then(Value::as_u64);
            let lines = match (from, many) {
                (Some(from), Some(many)) => {
                    format!(":{from}–{}", from.saturating_add(many.saturating_sub(1)))
                }
                (Some(from), None) => format!(":{from}–"),
                (None, Some(many)) => format!(":1–{many}"),
                (None, None) => String::new(),
            };
            format!("{}{lines}", one("file_path"))
        }
        "Grep" => {
            let path = field(input, "path").or_else(|| field(input, "glob"));
            let place = path.map_or_else(String::new, |path| format!(" in {path}"));
            format!("{}{place}", one("pattern"))
        }
        "Glob" => {
            let place = field(input, "path").map_or_else(String::new, |path| format!(" in {path}"));
            format!("{}{place}", one("pattern"))
        }
        "LS" => one("path"),
        "WebFetch" => one("url"),
        "WebSearch" => one("query"),
        "Task" | "Agent" => {
            let kind =
                field(input, "subagent_type").map_or_else(String::new, |kind| format!("{kind}: "));
            let what = field(input, "description").or_else(|| field(input, "prompt"));
            format!("{kind}{}", what.unwrap_or_default())
        }
        "TodoWrite" => {
            let todos = list(input, "todos");
            let done = todos
                .iter()
                .filter(|todo| field(todo, "status") == Some("completed"))
                .count();
            format!("{done} of {} done", todos.len())
        }
        "AskUserQuestion" => list(input, "questions")
            .iter()
            .filter_map(|question| field(question, "question"))
            .take(16)
            .collect::<Vec<_>>()
            .join(" · "),
        "ExitPlanMode" => field(input, "plan")
            .map(|plan| {
                text::first_line(plan)
                    .trim_start_matches('#')
                    .trim()
                    .to_owned()
            })
            .unwrap_or_default(),
        _ => first_words(input),
    }
}

/// How many lines come and go, where any do.
fn counted(old: &str, new: &str) -> String {
    let (added, removed) = super::diff::count(old, new);
    match (added, removed) {
        (0, 0) => String::new(),
        (added, 0) => format!(" +{added}"),
        (0, removed) => format!(" −{removed}"),
        (added, removed) => format!(" +{added} −{removed}"),
    }
}

/// Of a tool that we do not know: the first value that is a text or a number.
fn first_words(input: &Value) -> String {
    let Value::Object(fields) = input else {
        return input.as_str().unwrap_or_default().to_owned();
    };
    fields
        .iter()
        .find_map(|(name, value)| match value {
            Value::String(text) if !text.is_empty() => {
                Some(format!("{name}: {}", text::head(text, 8 * MOST)))
            }
            Value::Number(number) => Some(format!("{name}: {number}")),
            Value::Null
            | Value::Bool(_)
            | Value::String(_)
            | Value::Array(_)
            | Value::Object(_) => None,
        })
        .unwrap_or_default()
}
