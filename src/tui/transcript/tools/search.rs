//! `Grep`, `Glob` and `LS`: looking for files and in them.

use serde_json::Value;

use crate::tui::transcript::render::text;
use crate::tui::transcript::tools::input::field;
use crate::tui::transcript::tools::result_view::ResultView;

/// Of `Grep`.
pub(crate) fn grep_summary(input: &Value, pattern: &str) -> String {
    let path = field(input, "path").or_else(|| field(input, "glob"));
    summary(pattern, path)
}

/// Of `Glob`.
pub(crate) fn glob_summary(input: &Value, pattern: &str) -> String {
    summary(pattern, field(input, "path"))
}

fn summary(pattern: &str, path: Option<&str>) -> String {
    let place = path.map_or_else(String::new, |path| format!(" in {path}"));
    format!("{pattern}{place}")
}

/// The number of finds, or what the tool says of it.
pub(crate) fn result(text: &str) -> ResultView {
    ResultView::Counted(count(text))
}

fn count(text: &str) -> String {
    let first = text::head(text::first_line(text), 60);
    if first.starts_with("Found ") || first.starts_with("No ") {
        return crate::domain::text::sanitize_line(first).into_owned();
    }
    match text::line_count(text) {
        0 => "nothing found".to_owned(),
        1 => "1 line".to_owned(),
        count => format!("{} lines", text::grouped(count)),
    }
}
