//! Tools that are not known, and the fields that a known one's own card does not show.

use serde_json::Value;

use crate::tui::transcript::render::canvas::Canvas;
use crate::tui::transcript::render::generic_input::fields;
use crate::tui::transcript::render::text;
use crate::tui::transcript::tools::result_view::ResultView;

/// Bytes of a result that is read as JSON to be shown as names and values.
const MAX_JSON: usize = 64 * 1024;

/// The fields that were not shown otherwise.
pub(crate) fn card(canvas: &mut Canvas<'_>, input: &Value, shown: &[&str]) {
    match input {
        Value::Object(all) => {
            for (name, value) in all {
                if !shown.contains(&name.as_str()) {
                    let mut one = serde_json::Map::new();
                    one.insert(name.clone(), value.clone());
                    fields(canvas, &Value::Object(one));
                }
            }
        }
        Value::Null => {}
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            fields(canvas, input);
        }
    }
}

/// The first value that is a text or a number.
pub(crate) fn summary(input: &Value, most: usize) -> String {
    let Value::Object(fields) = input else {
        return input.as_str().unwrap_or_default().to_owned();
    };
    fields
        .iter()
        .find_map(|(name, value)| match value {
            Value::String(text) if !text.is_empty() => {
                Some(format!("{name}: {}", text::head(text, most)))
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

/// A JSON object or list as names and values, anything else as output.
pub(crate) fn result(text: &str) -> ResultView {
    json(text).map_or(ResultView::Output, ResultView::Fields)
}

/// A text that is a JSON object or list.
fn json(text: &str) -> Option<Value> {
    let starts = text.trim_start().starts_with(['{', '[']);
    (starts && text.len() <= MAX_JSON)
        .then(|| serde_json::from_str(text).ok())
        .flatten()
}
