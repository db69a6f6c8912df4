//! A tool call's input as a card.

use ratatui::text::Line;
use serde_json::Value;

use super::FileSource;
use super::text::{self, Row};
use crate::tui::theme::Theme;

/// The body of a tool call's input: what a person must see to decide about it.
#[must_use]
pub fn tool_card(
    _tool_name: &str,
    input: &Value,
    _files: &dyn FileSource,
    width: u16,
    theme: &Theme,
) -> Vec<Line<'static>> {
    let mut rows = Vec::new();
    fields(&mut rows, input, &Row::new(), usize::from(width), theme);
    rows
}

/// A value as names and values, nested ones indented; texts of several lines as blocks.
pub(super) fn fields(
    rows: &mut Vec<Line<'static>>,
    value: &Value,
    indent: &Row,
    width: usize,
    theme: &Theme,
) {
    let mut deeper = indent.clone();
    deeper.own("  ", theme.text);
    match value {
        Value::Object(fields_of) => {
            for (name, value) in fields_of {
                field(rows, name, value, indent, width, theme);
            }
        }
        Value::Array(values) => {
            for value in values {
                let mut mark = indent.clone();
                mark.own("- ", theme.dim);
                if let Some(text) = scalar(value) {
                    block(rows, &text, &mark, &deeper, width, theme);
                } else {
                    rows.push(mark.line());
                    fields(rows, value, &deeper, width, theme);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            let text = scalar(value).unwrap_or_default();
            block(rows, &text, indent, indent, width, theme);
        }
    }
}

fn field(
    rows: &mut Vec<Line<'static>>,
    name: &str,
    value: &Value,
    indent: &Row,
    width: usize,
    theme: &Theme,
) {
    let mut deeper = indent.clone();
    deeper.own("  ", theme.text);
    let mut head = indent.clone();
    head.foreign(name, theme.dim, theme);
    head.own(": ", theme.dim);
    match scalar(value) {
        Some(text) if text.contains('\n') => {
            rows.push(head.line());
            block(rows, &text, &deeper, &deeper, width, theme);
        }
        Some(text) => block(rows, &text, &head, &deeper, width, theme),
        None => {
            rows.extend(head.words(width, indent, &deeper));
            fields(rows, value, &deeper, width, theme);
        }
    }
}

fn block(
    rows: &mut Vec<Line<'static>>,
    text: &str,
    first: &Row,
    rest: &Row,
    width: usize,
    theme: &Theme,
) {
    if text.is_empty() {
        rows.push(first.clone().line());
    }
    for (at, line) in text::lines(text).enumerate() {
        let before = if at == 0 { first } else { rest };
        rows.extend(Row::foreign_of(line, theme.text, theme).words(width, before, rest));
    }
}

/// A value that is no collection, or an empty one, as text.
pub(super) fn scalar(value: &Value) -> Option<String> {
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
