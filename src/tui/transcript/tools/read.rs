//! `Read`: a file, or some lines of it.

use serde_json::Value;

use crate::tui::transcript::tools::input::field;
use crate::tui::transcript::tools::result_view::ResultView;

pub(crate) fn summary(input: &Value, path: &str) -> String {
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
    format!("{path}{lines}")
}

pub(crate) fn result(input: &Value) -> ResultView {
    ResultView::Numbered(field(input, "file_path").unwrap_or_default().to_owned())
}
