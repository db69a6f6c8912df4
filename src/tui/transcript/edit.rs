//! The cards of tools that change files: as a difference against the real file.
//!
//! Owns what an edit's input means for the file's text. Where the file is not there, or not as the
//! edit thinks, that is said, and the edit is shown by itself.

use serde_json::Value;

use super::FileSource;
use super::card::{field, list};
use super::diff;
use super::sheet::Sheet;
use super::text::Row;

/// One replacement.
struct Edit<'a> {
    old: &'a str,
    new: &'a str,
    everywhere: bool,
}

impl<'a> Edit<'a> {
    fn of(input: &'a Value) -> Self {
        Self {
            old: text(input, "old_string"),
            new: text(input, "new_string"),
            everywhere: input
                .get("replace_all")
                .and_then(Value::as_bool)
                .unwrap_or(false),
        }
    }

    /// The text after the replacement; none if what is to be replaced is not there.
    fn apply(&self, file: &str) -> Option<String> {
        if self.old.is_empty() {
            return file.is_empty().then(|| self.new.to_owned());
        }
        file.contains(self.old).then(|| {
            if self.everywhere {
                file.replace(self.old, self.new)
            } else {
                file.replacen(self.old, self.new, 1)
            }
        })
    }
}

fn text<'a>(input: &'a Value, name: &str) -> &'a str {
    input.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// `Edit` and `MultiEdit`.
pub(super) fn edits(sheet: &mut Sheet<'_>, input: &Value, files: &dyn FileSource) {
    let path = path_line(sheet, input, "file_path");
    let edits: Vec<Edit<'_>> = match input.get("edits") {
        Some(Value::Array(edits)) => edits.iter().map(Edit::of).collect(),
        Some(_) | None => vec![Edit::of(input)],
    };
    let file = files.read(path);
    if let Some(file) = &file {
        let changed = edits
            .iter()
            .try_fold(file.clone(), |text, edit| edit.apply(&text));
        if let Some(changed) = changed {
            if let [edit] = &edits[..]
                && !edit.everywhere
                && !edit.old.is_empty()
            {
                let times = file.matches(edit.old).count();
                if times > 1 {
                    let said = format!("the old text is there {times} times; the first is shown");
                    sheet.note(&said, sheet.theme.waiting);
                }
            }
            diff::write(sheet, file, &changed, path, true);
            return;
        }
        let said = "the old text is not in the file as it is now";
        sheet.note(said, sheet.theme.waiting);
    }
    let many = edits.len();
    for (at, edit) in edits.iter().enumerate() {
        if many > 1 {
            let said = format!("edit {} of {many}", at + 1);
            sheet.note(&said, sheet.theme.dim);
        }
        if edit.everywhere {
            sheet.note("everywhere in the file", sheet.theme.waiting);
        }
        diff::write(sheet, edit.old, edit.new, path, false);
    }
}

/// `Write`.
pub(super) fn write(sheet: &mut Sheet<'_>, input: &Value, files: &dyn FileSource) {
    let path = path_line(sheet, input, "file_path");
    let content = text(input, "content");
    match files.read(path) {
        Some(file) => diff::write(sheet, &file, content, path, true),
        None if content.is_empty() => sheet.note("an empty file", sheet.theme.dim),
        None => diff::write(sheet, "", content, path, true),
    }
}

/// `NotebookEdit`.
pub(super) fn notebook(sheet: &mut Sheet<'_>, input: &Value, files: &dyn FileSource) {
    let path = path_line(sheet, input, "notebook_path");
    let mode = field(input, "edit_mode").unwrap_or("replace");
    let cell = field(input, "cell_id");
    let kind = field(input, "cell_type").unwrap_or("code");
    let mut row = Row::of("cell ", sheet.theme.dim);
    row.foreign(cell.unwrap_or("(first)"), sheet.theme.text, sheet.theme);
    row.own(" · ", sheet.theme.dim);
    row.foreign(&format!("{mode} · {kind}"), sheet.theme.dim, sheet.theme);
    sheet.words(&row, &Row::new(), &Row::new());
    let language = if kind == "markdown" { "md" } else { "py" };
    let new = text(input, "new_source");
    let old = cell
        .filter(|_| mode != "insert")
        .and_then(|cell| source_of(&files.read(path)?, cell));
    match mode {
        "delete" => diff::write(
            sheet,
            old.as_deref().unwrap_or_default(),
            "",
            language,
            false,
        ),
        _ => diff::write(
            sheet,
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

/// Says which file, and gives its path.
fn path_line<'a>(sheet: &mut Sheet<'_>, input: &'a Value, name: &str) -> &'a str {
    let path = text(input, name);
    if sheet.says_path {
        let row = Row::foreign_of(path, sheet.theme.link, sheet.theme);
        sheet.columns(&row, &Row::new(), &Row::new());
    }
    path
}
