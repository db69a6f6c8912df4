//! A tool call's input as a card: what a person must see to decide about it.
//!
//! Owns which tool's input looks how. Nothing is left out: fields that a tool's own look does not
//! show stand below it as names and values.

use ratatui::text::Line;
use serde_json::Value;

use super::FileSource;
use super::edit;
use super::fields::fields;
use super::highlight::Painter;
use super::ink::Ink;
use super::markdown;
use super::questions;
use super::sheet::Sheet;
use super::text::{self, Row};
use crate::tui::theme::Theme;

/// The body of a tool call's input in rows of at most `width` columns, all of it.
#[must_use]
pub fn tool_card(
    tool_name: &str,
    input: &Value,
    files: &dyn FileSource,
    width: u16,
    theme: &Theme,
) -> Vec<Line<'static>> {
    let mut sheet = Sheet::new(usize::from(width), usize::MAX, theme, &Ink::for_text());
    write(&mut sheet, tool_name, input, files);
    sheet.finish().0
}

/// The same on a sheet.
pub(super) fn write(sheet: &mut Sheet<'_>, tool_name: &str, input: &Value, files: &dyn FileSource) {
    let shown: &[&str] = match tool_name {
        "Bash" if field(input, "command").is_some() => {
            bash(sheet, input);
            &["command", "description"]
        }
        "Edit" => {
            edit::edits(sheet, input, files);
            &["file_path", "old_string", "new_string", "replace_all"]
        }
        "MultiEdit" => {
            edit::edits(sheet, input, files);
            &["file_path", "edits"]
        }
        "Write" => {
            edit::write(sheet, input, files);
            &["file_path", "content"]
        }
        "NotebookEdit" => {
            edit::notebook(sheet, input, files);
            &[
                "notebook_path",
                "cell_id",
                "cell_type",
                "edit_mode",
                "new_source",
            ]
        }
        "Task" | "Agent" if field(input, "prompt").is_some() => {
            task(sheet, input);
            &["description", "subagent_type", "prompt"]
        }
        "TodoWrite" if input.get("todos").is_some_and(Value::is_array) => {
            todos(sheet, input);
            &["todos"]
        }
        "AskUserQuestion" if input.get("questions").is_some_and(Value::is_array) => {
            questions::write(sheet, input);
            &["questions", "answers"]
        }
        "ExitPlanMode" if field(input, "plan").is_some() => {
            let plan = field(input, "plan").unwrap_or_default();
            let rows = markdown::write(plan, sheet.width, sheet.theme, &sheet.ink);
            sheet.extend(rows);
            &["plan"]
        }
        _ => &[],
    };
    others(sheet, input, shown);
}

/// The fields that were not shown otherwise.
fn others(sheet: &mut Sheet<'_>, input: &Value, shown: &[&str]) {
    match input {
        Value::Object(all) => {
            for (name, value) in all {
                if !shown.contains(&name.as_str()) {
                    let mut one = serde_json::Map::new();
                    one.insert(name.clone(), value.clone());
                    fields(sheet, &Value::Object(one));
                }
            }
        }
        Value::Null => {}
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            fields(sheet, input);
        }
    }
}

fn bash(sheet: &mut Sheet<'_>, input: &Value) {
    let theme = sheet.theme;
    let mut painter = Painter::new("sh", theme, &sheet.ink);
    let rest = Row::of("  ", theme.text);
    for (at, line) in text::shown_lines(field(input, "command").unwrap_or_default()).enumerate() {
        if sheet.is_full() {
            return;
        }
        let first = if at == 0 {
            Row::of("$ ", theme.dim)
        } else {
            rest.clone()
        };
        sheet.columns(&painter.line(line), &first, &rest);
    }
    if let Some(description) = field(input, "description") {
        let row = Row::prose_of(description, theme.dim, theme);
        sheet.words(&row, &rest, &rest);
    }
}

fn task(sheet: &mut Sheet<'_>, input: &Value) {
    let theme = sheet.theme;
    let mut head = Row::new();
    if let Some(kind) = field(input, "subagent_type") {
        head.foreign(kind, theme.tool, theme);
        head.own("  ", theme.text);
    }
    head.foreign(
        field(input, "description").unwrap_or_default(),
        theme.dim,
        theme,
    );
    if !head.is_empty() {
        sheet.words(&head, &Row::new(), &Row::new());
    }
    let prompt = field(input, "prompt").unwrap_or_default();
    let rows = markdown::write(prompt, sheet.width, theme, &sheet.ink);
    sheet.extend(rows);
}

fn todos(sheet: &mut Sheet<'_>, input: &Value) {
    let theme = sheet.theme;
    for todo in list(input, "todos") {
        let status = field(todo, "status").unwrap_or("pending");
        let (mark, style) = match status {
            "completed" => ("☑ ", theme.dim),
            "in_progress" => ("▶ ", theme.working),
            _ => ("☐ ", theme.text),
        };
        let words = match status {
            "in_progress" => field(todo, "activeForm").or_else(|| field(todo, "content")),
            _ => field(todo, "content"),
        };
        let row = Row::foreign_of(words.unwrap_or_default(), style, theme);
        let rest = Row::of("  ", theme.text);
        sheet.words(&row, &Row::of(mark, style), &rest);
    }
}

/// A field that is a text with something in it.
pub(super) fn field<'a>(input: &'a Value, name: &str) -> Option<&'a str> {
    input
        .get(name)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
}

/// A field that is a list.
pub(super) fn list<'a>(input: &'a Value, name: &str) -> &'a [Value] {
    input
        .get(name)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}
