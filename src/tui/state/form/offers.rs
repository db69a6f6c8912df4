//! A text to type, with answers offered for it.
//!
//! What a denial and the answer to a contact have in common: an offered answer is chosen with up
//! and down and may be changed or replaced by typing.

use super::Field;
use crate::domain::approval::ResponseOption;

/// An answer that is offered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// What people read.
    pub words: String,
    /// What it means.
    pub meaning: Option<String>,
    /// What comes into the field when it is chosen.
    pub fill: Option<String>,
    /// The asker's name for it; none: it is only words.
    pub name: Option<String>,
}

impl Offer {
    /// Words of ours, which stand for nothing but themselves.
    #[must_use]
    pub fn words(words: &str) -> Self {
        Self {
            words: words.to_owned(),
            fill: Some(words.to_owned()),
            ..Self::default()
        }
    }

    /// One of the asker's options.
    #[must_use]
    pub fn option(option: &ResponseOption) -> Self {
        let title = option
            .title
            .as_ref()
            .filter(|title| !title.trim().is_empty());
        Self {
            words: title.unwrap_or(&option.name).clone(),
            meaning: option.description.clone(),
            fill: option
                .prompt_fill
                .clone()
                .filter(|fill| !fill.trim().is_empty()),
            name: Some(option.name.clone()),
        }
    }
}

/// The text and what is offered.
#[derive(Clone, Debug, Default)]
pub struct Offers {
    /// What is offered, in order.
    pub list: Vec<Offer>,
    /// The chosen one.
    pub chosen: Option<usize>,
    /// What is typed.
    pub text: Field,
}

impl Offers {
    /// Nothing typed yet.
    #[must_use]
    pub fn of(list: Vec<Offer>) -> Self {
        Self {
            list,
            ..Self::default()
        }
    }

    /// The option chosen, by the asker's name for it.
    #[must_use]
    pub fn option(&self) -> Option<String> {
        self.list.get(self.chosen?)?.name.clone()
    }

    /// What is typed, where it is anything.
    #[must_use]
    pub fn typed(&self) -> Option<String> {
        (!self.text.is_blank()).then(|| self.text.text())
    }

    /// Whether up and down choose, which they do until something of one's own is typed.
    #[must_use]
    pub fn is_choosing(&self) -> bool {
        !self.list.is_empty() && (self.chosen.is_some() || self.text.is_blank())
    }

    /// Chooses the next or the previous one; beyond the ends none is chosen.
    pub fn step(&mut self, down: bool) {
        let last = self.list.len().saturating_sub(1);
        self.chosen = match (self.chosen, down) {
            (None, true) => Some(0),
            (None, false) => Some(last),
            (Some(at), true) => (at < last).then_some(at + 1),
            (Some(at), false) => at.checked_sub(1),
        };
        let fill = self.chosen.and_then(|at| self.list.get(at)?.fill.clone());
        self.text.set(&fill.unwrap_or_default());
    }

    /// Something is typed: words that were only filled in are one's own from now on.
    pub fn typing(&mut self) {
        if self.option().is_none() {
            self.chosen = None;
        }
    }
}
