//! The beginning of a long input, so that laying it out costs no more than what is looked at.

use std::borrow::Cow;

use serde_json::{Map, Value};

/// What a value that is no text counts, in bytes.
const SCALAR: usize = 8;
/// What each value of a list, and each field, takes of a budget beside its text: it has a row of its own,
/// and a row costs as much as a long text in it.
pub const ROW: usize = 64;

/// An input of at most so many bytes, and how many bytes are left out.
#[must_use]
pub fn clip(input: &Value, budget: usize) -> (Cow<'_, Value>, usize) {
    if cost(input) <= budget {
        return (Cow::Borrowed(input), 0);
    }
    let mut rest = budget;
    let clipped = head(input, &mut rest);
    let left_out = size(input).saturating_sub(size(&clipped));
    // What is left out may be as small as an empty value.
    (Cow::Owned(clipped), left_out.max(1))
}

/// What laying an input out takes of a budget.
#[must_use]
pub fn cost(value: &Value) -> usize {
    weight(value, ROW)
}

/// What an input counts, in bytes.
fn size(value: &Value) -> usize {
    weight(value, SCALAR)
}

/// The bytes of an input, each of its values counted as so many beside its text.
fn weight(value: &Value, each: usize) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(values) => values.iter().map(|value| each + weight(value, each)).sum(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| each + name.len() + weight(value, each))
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
                *rest = rest.saturating_sub(ROW);
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
                *rest = rest.saturating_sub(ROW + name.len());
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
    fn values_take_of_the_budget_however_little_they_hold() {
        for many in [
            Value::from(vec![json!(""); 100_000]),
            Value::from(vec![json!([]); 100_000]),
            Value::from(vec![json!({"a": {}}); 100_000]),
            (0..100_000)
                .map(|n| (n.to_string(), json!(null)))
                .collect::<Value>(),
        ] {
            let (kept, left_out) = clip(&many, 64 * 1024);
            let kept = kept
                .as_array()
                .map(Vec::len)
                .or(kept.as_object().map(Map::len));
            assert!(kept.is_some_and(|kept| kept <= 1024), "{kept:?}");
            assert!(left_out > 0);
        }
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let input = json!({"content": "x".repeat(1_000), "file_path": "/a"});
        let (kept, left_out) = clip(&input, ROW + 107);
        assert_eq!(kept.as_ref(), &json!({"content": "x".repeat(100)}));
        assert_eq!(left_out, 900 + SCALAR + "file_path/a".len());
        let many = Value::from(vec![json!("é"); 100_000]);
        let (kept, left_out) = clip(&many, 100 * (ROW + 2));
        assert_eq!(kept.as_array().map(Vec::len), Some(100));
        assert_eq!(left_out, 99_900 * (SCALAR + 2));
    }
}
