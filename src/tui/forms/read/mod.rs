//! The whole of an approval, however long.

mod draw;
mod keys;

pub use draw::{arrange, draw, view};
pub use keys::{key, pasted_search};

use crate::tui::forms::Field;
use crate::tui::state::card::CardCache;

/// Bytes of an input that are laid out at first; more as one goes on.
pub const FIRST_BYTES: usize = 256 * 1024;

#[derive(Clone, Debug, Default)]
pub struct Read {
    pub approval: String,
    /// The first line shown.
    pub scroll: usize,
    /// Rows that were shown of it, for paging.
    pub height: usize,
    /// Bytes of the input to lay out.
    pub budget: usize,
    /// Its rows as they were drawn last.
    pub laid: CardCache,
    /// What is searched for; while there is something, nothing is decided here.
    pub search: Field,
    /// The row of the match that one has come to.
    pub at: Option<usize>,
    /// The rows that hold what is searched for, and for what words and which rows that is so.
    matches: Vec<usize>,
    matches_of: (String, u64),
    /// Whether the search is being typed.
    pub typing: bool,
}

impl Read {
    /// For an approval.
    #[must_use]
    pub fn of(approval: &str) -> Self {
        Self {
            approval: approval.to_owned(),
            budget: FIRST_BYTES,
            height: 10,
            ..Self::default()
        }
    }

    /// What is searched for, as it is compared.
    #[must_use]
    pub fn needle(&self) -> String {
        self.search.text().to_lowercase()
    }

    /// Whether something is searched for, so that keys step through its matches and decide nothing.
    #[must_use]
    pub fn is_searching(&self) -> bool {
        self.typing || !self.needle().is_empty()
    }

    /// Ends the search.
    pub fn end_search(&mut self) {
        self.typing = false;
        self.search.set("");
        self.at = None;
        self.matches.clear();
    }

    /// Finds the matches anew where the words or the rows have changed; says whether they had.
    pub fn look(&mut self) -> bool {
        let of = (self.needle(), self.laid.fingerprint);
        if self.matches_of == of {
            return false;
        }
        self.matches = match of.0.is_empty() {
            true => Vec::new(),
            false => {
                let rows = self.laid.rows.iter().enumerate();
                rows.filter(|(_, row)| text(row).to_lowercase().contains(&of.0))
                    .map(|(row, _)| row)
                    .collect()
            }
        };
        self.at = self.at.filter(|at| self.matches.contains(at));
        self.matches_of = of;
        true
    }

    /// Goes to the next match or the one before, around the ends; from the first row shown where one has
    /// not come to any yet. Says whether there is one.
    pub fn step(&mut self, is_forward: bool) -> bool {
        self.look();
        let from = |row: usize| self.matches.partition_point(|found| *found < row);
        let next = match self.at {
            None => from(self.scroll),
            Some(at) if is_forward => from(at + 1),
            Some(at) => from(at).checked_sub(1).unwrap_or(self.matches.len() - 1),
        };
        let found = self.matches.get(next).or_else(|| self.matches.first());
        let Some(&found) = found else {
            return false;
        };
        self.at = Some(found);
        if !(self.scroll..self.scroll + self.height.max(1)).contains(&found) {
            self.scroll = found;
        }
        true
    }

    /// Which match one has come to, from 1 on, and how many there are.
    #[must_use]
    pub fn place(&self) -> (usize, usize) {
        let at = self.at.and_then(|at| self.matches.binary_search(&at).ok());
        (at.map_or(0, |at| at + 1), self.matches.len())
    }
}

fn text(row: &ratatui::text::Line<'_>) -> String {
    row.spans.iter().map(|span| span.content.as_ref()).collect()
}
