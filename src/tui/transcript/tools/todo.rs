//! `TodoWrite`: the agent's list of what is to be done.

use serde_json::Value;

use crate::tui::transcript::render::canvas::Canvas;
use crate::tui::transcript::render::text::Row;
use crate::tui::transcript::tools::input::{field, list};

pub(crate) fn card(canvas: &mut Canvas<'_>, input: &Value) {
    let theme = canvas.theme;
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
        canvas.words(&row, &Row::of(mark, style), &rest);
    }
}

pub(crate) fn summary(input: &Value) -> String {
    let todos = list(input, "todos");
    let done = todos
        .iter()
        .filter(|todo| field(todo, "status") == Some("completed"))
        .count();
    format!("{done} of {} done", todos.len())
}
