//! The whole of an approval, however long.

use crate::tui::state::card::CardCache;

/// Bytes of an input that are laid out at first; more as one goes on.
pub const FIRST_BYTES: usize = 256 * 1024;

/// The form.
#[derive(Clone, Debug, Default)]
pub struct Read {
    /// The approval.
    pub approval: String,
    /// The first line shown.
    pub scroll: usize,
    /// Rows that were shown of it, for paging.
    pub height: usize,
    /// Bytes of the input to lay out.
    pub budget: usize,
    /// Its rows as they were drawn last.
    pub laid: CardCache,
    /// What is searched for.
    pub search: String,
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

    /// The first row from here on, or before, that holds what is searched for, around the ends.
    #[must_use]
    pub fn found(&self, from: usize, down: bool) -> Option<usize> {
        let needle = self.search.to_lowercase();
        let count = self.laid.rows.len();
        if needle.is_empty() || count == 0 {
            return None;
        }
        (0..count)
            .map(|step| {
                if down {
                    (from % count + step) % count
                } else {
                    (from % count + count - step % count) % count
                }
            })
            .find(|row| text(&self.laid.rows[*row]).to_lowercase().contains(&needle))
    }
}

fn text(row: &ratatui::text::Line<'_>) -> String {
    row.spans.iter().map(|span| span.content.as_ref()).collect()
}
