//! What is searched for in a conversation, and what was found of it.

use std::collections::HashMap;

use serde_json::Value;

use crate::domain::text::find_ignoring_case;
use crate::tui::transcript::model::item::ItemId;
use crate::tui::transcript::viewport::position::Position;

/// What is searched for.
#[derive(Debug)]
pub(crate) struct SearchState {
    pub needle: Needle,
    /// The row of the match that was gone to last.
    pub at: Option<Position>,
    /// The rows with matches (part and row) in the items that were looked through.
    pub found: HashMap<ItemId, Vec<(usize, usize)>>,
    pub count: MatchCount,
    /// Whether the count is of something else by now.
    pub is_stale: bool,
}

/// How many matches there are in what is loaded. A row with several counts once, as it is gone to once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MatchCount {
    /// Which of them was gone to last, from one on; none: it is not among those that were counted.
    pub at: Option<usize>,
    /// How many there are.
    pub total: usize,
    /// Whether there may be more.
    pub more: bool,
}

/// Where a step to a match led.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// There is no match.
    Nothing,
    /// To the next one in that direction.
    Match,
    /// To it around the end or the beginning.
    Wrapped,
}

/// A text to be found whatever its case.
#[derive(Debug)]
pub(crate) struct Needle {
    pub lower: String,
}

impl Needle {
    /// The byte ranges where it is, from the left, not overlapping.
    pub fn ranges(&self, text: &str) -> Vec<std::ops::Range<usize>> {
        let mut found = Vec::new();
        let mut from = 0;
        while let Some(range) = self.find(&text[from..]) {
            let end = from + range.end;
            found.push(from + range.start..end);
            from = end;
        }
        found
    }

    pub fn is_in(&self, text: &str) -> bool {
        self.find(text).is_some()
    }

    /// Whether any text or number of a value has it.
    pub fn is_in_value(&self, value: &Value) -> bool {
        match value {
            Value::Null | Value::Bool(_) => false,
            Value::Number(number) => self.is_in(&number.to_string()),
            Value::String(text) => self.is_in(text),
            Value::Array(values) => values.iter().any(|value| self.is_in_value(value)),
            Value::Object(fields) => fields.values().any(|value| self.is_in_value(value)),
        }
    }

    pub fn find(&self, text: &str) -> Option<std::ops::Range<usize>> {
        find_ignoring_case(text, &self.lower)
    }
}
