//! `NotebookEdit`: a cell of a notebook, against what it holds.

use serde_json::Value;

use crate::tui::transcript::render::canvas::Canvas;
use crate::tui::transcript::render::diff;
use crate::tui::transcript::render::text::Row;
use crate::tui::transcript::tools::files::path_line;
use crate::tui::transcript::tools::input::{FileSource, field, list, text};

pub(crate) fn card(canvas: &mut Canvas<'_>, input: &Value, files: &dyn FileSource) {
    let path = path_line(canvas, input, "notebook_path");
    let mode = field(input, "edit_mode").unwrap_or("replace");
    let cell = field(input, "cell_id");
    let kind = field(input, "cell_type").unwrap_or("code");
    let mut row = Row::of("cell ", canvas.theme.dim);
    row.foreign(cell.unwrap_or("(first)"), canvas.theme.text, canvas.theme);
    row.own(" · ", canvas.theme.dim);
    row.foreign(&format!("{mode} · {kind}"), canvas.theme.dim, canvas.theme);
    canvas.words(&row, &Row::new(), &Row::new());
    let language = if kind == "markdown" { "md" } else { "py" };
    let new = text(input, "new_source");
    let old = cell
        .filter(|_| mode != "insert")
        .and_then(|cell| source_of(&files.read(path)?, cell));
    match mode {
        "delete" => diff::write(
            canvas,
            old.as_deref().unwrap_or_default(),
            "",
            language,
            false,
        ),
        _ => diff::write(
            canvas,
            old.as_deref().unwrap_or_default(),
            new,
            language,
            false,
        ),
    }
}

/// A cell's text in a notebook.
fn source_of(notebook: &str, cell_id: &str) -> Option<String> {
    let notebook: Value = serde_json::from_str(notebook).ok()?;
    let cell = list(&notebook, "cells")
        .iter()
        .find(|cell| field(cell, "id") == Some(cell_id))?;
    match cell.get("source")? {
        Value::String(source) => Some(source.clone()),
        Value::Array(lines) => Some(lines.iter().filter_map(Value::as_str).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
    }
}

pub(crate) fn summary(input: &Value, path: &str) -> String {
    let cell = field(input, "cell_id").map_or_else(String::new, |id| format!(" cell {id}"));
    format!("{path}{cell}")
}
