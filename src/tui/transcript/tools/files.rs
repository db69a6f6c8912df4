//! What the cards and summaries of tools that change a file say alike.

use serde_json::Value;

use crate::tui::transcript::render::canvas::Canvas;
use crate::tui::transcript::render::diff;
use crate::tui::transcript::render::text::Row;
use crate::tui::transcript::tools::input::text;

/// Says which file, and gives its path.
pub(crate) fn path_line<'a>(canvas: &mut Canvas<'_>, input: &'a Value, name: &str) -> &'a str {
    let path = text(input, name);
    if canvas.shows_path {
        let row = Row::foreign_of(path, canvas.theme.link, canvas.theme);
        canvas.columns(&row, &Row::new(), &Row::new());
    }
    path
}

/// How many lines come and go, where any do.
pub(crate) fn changed_lines(old: &str, new: &str) -> String {
    let (added, removed) = diff::count(old, new);
    match (added, removed) {
        (0, 0) => String::new(),
        (added, 0) => format!(" +{added}"),
        (0, removed) => format!(" −{removed}"),
        (added, removed) => format!(" +{added} −{removed}"),
    }
}
