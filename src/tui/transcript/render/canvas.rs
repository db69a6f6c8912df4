//! A canvas of rows that is being filled: what cards are written on.
//!
//! Owns the room there is, in columns and, for a folded card, in rows: who writes asks whether it is
//! full and stops, so that ten megabytes of input cost no more than the rows that are shown.

use std::sync::Arc;

use ratatui::style::Style;
use ratatui::text::Line;

use crate::tui::theme::Theme;
use crate::tui::transcript::render::highlight_budget::HighlightBudget;
use crate::tui::transcript::render::text::Row;

/// The canvas.
pub(crate) struct Canvas<'t> {
    pub theme: &'t Theme,
    pub budget: Arc<HighlightBudget>,
    pub width: usize,
    /// Whether the file's path must be said: not where a head above says it.
    pub shows_path: bool,
    rows: Vec<Line<'static>>,
    most: usize,
}

impl<'t> Canvas<'t> {
    pub fn new(width: usize, most: usize, theme: &'t Theme, budget: &Arc<HighlightBudget>) -> Self {
        Self {
            theme,
            budget: Arc::clone(budget),
            width: width.max(1),
            shows_path: true,
            rows: Vec::new(),
            most,
        }
    }

    /// One that takes a whole text, and draws it without haste.
    pub fn of_text(width: u16, theme: &'t Theme) -> Self {
        Self::new(
            usize::from(width),
            usize::MAX,
            theme,
            &HighlightBudget::for_text(),
        )
    }

    /// Whether nothing that is written now would be shown.
    pub fn is_full(&self) -> bool {
        self.rows.len() > self.most
    }

    /// Adds a row that fits.
    pub fn push(&mut self, row: Row) {
        if !self.is_full() {
            self.rows.push(row.line());
        }
    }

    pub fn extend(&mut self, rows: Vec<Line<'static>>) {
        for row in rows {
            if self.is_full() {
                return;
            }
            self.rows.push(row);
        }
    }

    /// Adds a line, wrapped between words.
    pub fn words(&mut self, row: &Row, first: &Row, rest: &Row) {
        if !self.is_full() {
            self.extend(row.words(self.width, first, rest));
        }
    }

    /// Adds a line, wrapped at the edge.
    pub fn columns(&mut self, row: &Row, first: &Row, rest: &Row) {
        if !self.is_full() {
            self.extend(row.columns(self.width, first, rest));
        }
    }

    /// Adds a remark of ours.
    pub fn note(&mut self, words: &str, style: Style) {
        self.words(&Row::of(words, style), &Row::new(), &Row::new());
    }

    /// The rows, and whether there was more.
    pub fn finish(mut self) -> (Vec<Line<'static>>, bool) {
        let more = self.is_full();
        self.rows.truncate(self.most);
        (self.rows, more)
    }
}
