//! The beginning of a long input, so that laying it out costs no more than what is looked at.

use std::borrow::Cow;

use serde_json::{Map, Value};

/// What a value that is no text counts, in bytes.
const SCALAR: usize = 8;

/// An input of at most so many bytes, and how many bytes are left out.
#[must_use]
pub fn clip(input: &Value, budget: usize) -> (Cow<'_, Value>, usize) {
    let size = size(input);
    if size <= budget {
        return (Cow::Borrowed(input), 0);
    }
    let mut rest = budget;
    let clipped = head(input, &mut rest);
    (Cow::Owned(clipped), size - (budget - rest).min(size))
}

/// What an input counts, in bytes.
#[must_use]
pub fn size(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(values) => values.iter().map(|value| SCALAR + size(value)).sum(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| name.len() + size(value))
            .sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => SCALAR,
    }
}

fn head(value: &Value, rest: &mut usize) -> Value {
    match value {
        Value::String(text) => {
            let kept = &text[..text.floor_char_boundary(*rest)];
            // A character that does not fit whole is still the end.
            *rest = if kept.len() < text.len() {
                0
            } else {
                *rest - kept.len()
            };
            Value::from(kept)
        }
        Value::Array(values) => {
            let mut kept = Vec::new();
            for value in values {
                if *rest == 0 {
                    break;
                }
                *rest = rest.saturating_sub(SCALAR);
                kept.push(head(value, rest));
            }
            Value::from(kept)
        }
        Value::Object(fields) => {
            let mut kept = Map::new();
            for (name, value) in fields {
                if *rest == 0 {
                    break;
                }
                *rest = rest.saturating_sub(name.len());
                kept.insert(name.clone(), head(value, rest));
            }
            Value::from(kept)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            *rest = rest.saturating_sub(SCALAR);
            value.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_fits_is_not_touched() {
        let input = json!({"command": "ls", "more": [1, {"deep": null}]});
        let (kept, left_out) = clip(&input, 1_000);
        assert_eq!((kept.as_ref(), left_out), (&input, 0));
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let input = json!({"content": "x".repeat(1_000), "file_path": "/a"});
        let (kept, left_out) = clip(&input, 107);
        assert_eq!(kept.as_ref(), &json!({"content": "x".repeat(100)}));
        assert_eq!(left_out, 900 + "file_path/a".len());
        let many = Value::from(vec![json!("é"); 100_000]);
        let (kept, left_out) = clip(&many, 1_000);
        assert_eq!(kept.as_array().map(Vec::len), Some(100));
        assert_eq!(left_out, 99_900 * 10);
    }
}
