//! A tool's input while it is being written: JSON that stops anywhere.

use serde_json::Value;

use crate::tui::transcript::render::text;

/// Bytes of it that are read: what a call touches stands at its beginning.
const MAX_HEAD: usize = 8 * 1024;

/// Bytes of its end that are shown.
const MAX_TAIL: usize = 2 * 1024;

/// What can be read of it so far.
pub(crate) fn read(json: &str) -> Value {
    let head = text::head(json, MAX_HEAD);
    let mut closers = Vec::new();
    let (mut in_text, mut escaped) = (false, false);
    // Where the last whole field or element ended, and what was open there.
    let mut whole = (0, Vec::new());
    for (at, c) in head.char_indices() {
        if in_text {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => in_text = false,
                _ => {}
            }
            continue;
        }
        match c {
            '"' => in_text = true,
            '{' => closers.push('}'),
            '[' => closers.push(']'),
            '}' | ']' => {
                closers.pop();
            }
            ',' => whole = (at, closers.clone()),
            _ => {}
        }
    }
    let close = |open: &str, closers: &[char]| {
        let end: String = closers.iter().rev().collect();
        serde_json::from_str::<Value>(&format!("{open}{end}")).ok()
    };
    let mut open = head.to_owned();
    if in_text {
        if escaped {
            open.pop();
        }
        open.push('"');
    }
    close(&open, &closers)
        .or_else(|| close(&head[..whole.0], &whole.1))
        .unwrap_or(Value::Null)
}

/// The end of the text that was begun last, with its escapes undone, so that code being written looks
/// like code.
pub(crate) fn tail(json: &str) -> String {
    let (mut start, mut end) = (0, json.len());
    let (mut in_text, mut escaped) = (false, false);
    for (at, byte) in json.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_text,
            b'"' if in_text => (in_text, end) = (false, at),
            b'"' => (in_text, start, end) = (true, at + 1, json.len()),
            _ => {}
        }
    }
    let start = start.max(json.ceil_char_boundary(end.saturating_sub(MAX_TAIL)));
    let end = json.get(start..end).unwrap_or_default();
    let mut shown = String::with_capacity(end.len());
    let mut chars = end.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            shown.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => shown.push('\n'),
            Some('t') => shown.push('\t'),
            Some('"') => shown.push('"'),
            Some('\\') => shown.push('\\'),
            Some('/') => shown.push('/'),
            Some(other) => {
                shown.push('\\');
                shown.push(other);
            }
            None => {}
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_there_is_read() {
        let cases = [
            ("", Value::Null),
            ("{", json!({})),
            (r#"{"command"#, Value::Null),
            (r#"{"command": "#, Value::Null),
            (r#"{"command": "ls -"#, json!({"command": "ls -"})),
            (r#"{"command": "ls \"#, json!({"command": "ls "})),
            (r#"{"a": 1, "b"#, json!({"a": 1})),
            (r#"{"a": [1, {"b": "c"#, json!({"a": [1, {"b": "c"}]})),
            (r#"{"a": tr"#, Value::Null),
        ];
        for (given, expected) in cases {
            assert_eq!(read(given), expected, "{given}");
        }
    }

    #[test]
    fn the_end_looks_like_code() {
        let cases = [
            (
                r#"{"content": "fn a() {\n\tb(\"c\")"#,
                "fn a() {\n\tb(\"c\")",
            ),
            (r#"{"content": "a", "more": "b {}"}"#, "b {}"),
            (r#"{"content": "a\"#, "a"),
            ("", ""),
        ];
        for (given, expected) in cases {
            assert_eq!(tail(given), expected, "{given}");
        }
    }

    proptest! {
        #[test]
        fn no_beginning_panics(text in "(.|\\\\|\"|[\\[\\]{},:]){0,40}") {
            drop(read(&text));
            drop(tail(&text));
        }
    }
}
