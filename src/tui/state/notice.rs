//! A word to the user, for a while.

use jiff::{SignedDuration, Timestamp};

/// How long a good word stays.
const SHORT: SignedDuration = SignedDuration::from_secs(4);
/// How long a bad one stays: it may have to be read twice.
const LONG: SignedDuration = SignedDuration::from_secs(12);

/// How it is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Something was done.
    Good,
    /// Something to know.
    Plain,
    /// What a key does or does not do here; it means nothing once another key is pressed.
    Hint,
    /// Something went wrong.
    Bad,
}

/// The word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What to say; made safe when it is drawn.
    pub text: String,
    /// How it is meant.
    pub tone: Tone,
    until: Timestamp,
}

impl Notice {
    /// A word said now.
    #[must_use]
    pub fn new(tone: Tone, text: impl Into<String>, now: Timestamp) -> Self {
        let stay = match tone {
            Tone::Good | Tone::Plain | Tone::Hint => SHORT,
            Tone::Bad => LONG,
        };
        Self {
            text: text.into(),
            tone,
            until: now.checked_add(stay).unwrap_or(now),
        }
    }

    /// Whether it has been there long enough.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        now >= self.until
    }
}
