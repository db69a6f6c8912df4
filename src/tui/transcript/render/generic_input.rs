//! Any value as names and values: what is not known otherwise is never shown as raw JSON.

use serde_json::Value;

use crate::tui::transcript::render::canvas::Canvas;
use crate::tui::transcript::render::text::{self, Row};

/// Deepest nesting that is set in.
const MAX_DEPTH: usize = 12;

/// Writes a value: fields by name, nested ones set in, texts of several lines as blocks.
pub(crate) fn fields(canvas: &mut Canvas<'_>, value: &Value) {
    write(canvas, value, &Row::new(), &Row::new(), 0);
}

/// `first` stands before the first row, `rest` before the others.
fn write(canvas: &mut Canvas<'_>, value: &Value, first: &Row, rest: &Row, depth: usize) {
    let theme = canvas.theme;
    match value {
        Value::Object(all) if !all.is_empty() => {
            for (at, (name, value)) in all.iter().enumerate() {
                if canvas.is_full() {
                    return;
                }
                let first = if at == 0 { first } else { rest };
                named(canvas, name, value, first, rest, depth);
            }
        }
        Value::Array(all) if !all.is_empty() => {
            let deeper = set_in(rest, depth, canvas);
            for (at, value) in all.iter().enumerate() {
                if canvas.is_full() {
                    return;
                }
                let mut mark = if at == 0 { first.clone() } else { rest.clone() };
                mark.own("- ", theme.dim);
                write(canvas, value, &mark, &deeper, depth + 1);
            }
        }
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => {
            let text = scalar(value).unwrap_or_default();
            block(canvas, &text, first, rest);
        }
    }
}

fn named(
    canvas: &mut Canvas<'_>,
    name: &str,
    value: &Value,
    first: &Row,
    rest: &Row,
    depth: usize,
) {
    let theme = canvas.theme;
    let deeper = set_in(rest, depth, canvas);
    let mut head = Row::foreign_of(name, theme.dim, theme);
    head.own(":", theme.dim);
    match scalar(value) {
        Some(text) if text.contains('\n') => {
            canvas.words(&head, first, &deeper);
            let mut bar = rest.clone();
            bar.own("▏ ", theme.border);
            block(canvas, &text, &bar, &bar);
        }
        Some(text) => {
            head.own(" ", theme.dim);
            head.foreign(&text, theme.text, theme);
            canvas.words(&head, first, &deeper);
        }
        None => {
            canvas.words(&head, first, &deeper);
            write(canvas, value, &deeper, &deeper, depth + 1);
        }
    }
}

fn set_in(row: &Row, depth: usize, canvas: &Canvas<'_>) -> Row {
    let mut deeper = row.clone();
    if depth < MAX_DEPTH {
        deeper.own("  ", canvas.theme.text);
    }
    deeper
}

fn block(canvas: &mut Canvas<'_>, text: &str, first: &Row, rest: &Row) {
    if text.is_empty() {
        canvas.push(first.clone());
    }
    for (at, line) in text::shown_lines(text).enumerate() {
        if canvas.is_full() {
            return;
        }
        let before = if at == 0 { first } else { rest };
        let row = Row::foreign_of(line, canvas.theme.text, canvas.theme);
        canvas.words(&row, before, rest);
    }
}

/// A value that is no collection, or an empty one, as text.
pub(crate) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some("none".to_owned()),
        Value::Bool(true) => Some("yes".to_owned()),
        Value::Bool(false) => Some("no".to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(text.clone()),
        Value::Array(values) => values.is_empty().then(|| "none".to_owned()),
        Value::Object(fields) => fields.is_empty().then(|| "none".to_owned()),
    }
}
