//! A tool's input: as it is shown, and in the bytes in which it came.

use serde_json::{Map, Value};

use crate::domain::approval::{InputState, Kind, unreadable_input};
use crate::json;

/// Longest input in bytes that can be shown and passed back; of a longer one its beginning is shown, and
/// it can only be denied.
const MAX_INPUT: usize = 16 * 1024 * 1024;

/// How much of a longer one is kept.
const KEPT_OF_LONGER: usize = 64 * 1024;

/// A text, or the beginning of one that is too long.
pub(super) fn shown(text: &str) -> String {
    if text.len() <= MAX_INPUT {
        return text.to_owned();
    }
    let beginning = text.get(..text.floor_char_boundary(KEPT_OF_LONGER));
    format!("{}… ({} bytes)", beginning.unwrap_or_default(), text.len())
}

/// A tool's input, as an agent or its permission prompt sent it.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolInput {
    /// The input; of one that could not be parsed, see [`unreadable_input`].
    pub value: Value,
    /// Whether that is the input.
    pub state: InputState,
    /// Its own text, where writing `value` would not give the same.
    pub raw: Option<String>,
}

impl ToolInput {
    /// The input that a text holds.
    #[must_use]
    pub fn read(tool_name: &str, text: &str) -> Self {
        if text.len() > MAX_INPUT {
            return Self {
                value: unreadable_input(&shown(text)),
                state: InputState::Unusable,
                raw: None,
            };
        }
        if let Some(value) = json::value(text) {
            let written = value.to_string();
            let same = written == text;
            return Self {
                value,
                state: InputState::Readable,
                raw: (!same).then(|| text.to_owned()),
            };
        }
        // The answers to a question stand beside its input, under the words of what is asked.
        let returnable = json::is_json(text) && Kind::of_tool(tool_name) != Kind::Question;
        Self {
            value: unreadable_input(text),
            state: if returnable {
                InputState::Unreadable
            } else {
                InputState::Unusable
            },
            raw: Some(text.to_owned()),
        }
    }

    /// The input of a tool that was given none.
    #[must_use]
    pub fn none() -> Self {
        Self {
            value: Value::Object(Map::new()),
            state: InputState::Readable,
            raw: None,
        }
    }
}
