//! `Write`: a file's new text, against the one that is there.

use serde_json::Value;

use crate::tui::transcript::render::canvas::Canvas;
use crate::tui::transcript::render::diff;
use crate::tui::transcript::tools::files::{changed_lines, path_line};
use crate::tui::transcript::tools::input::{FileSource, text};

pub(crate) fn card(canvas: &mut Canvas<'_>, input: &Value, files: &dyn FileSource) {
    let path = path_line(canvas, input, "file_path");
    let content = text(input, "content");
    match files.read(path) {
        Some(file) => diff::write(canvas, &file, content, path, true),
        None if content.is_empty() => canvas.note("an empty file", canvas.theme.dim),
        None => diff::write(canvas, "", content, path, true),
    }
}

pub(crate) fn summary(input: &Value, path: &str) -> String {
    format!("{path}{}", changed_lines("", text(input, "content")))
}
