//! Markdown as lines of a terminal.

use std::ops::Range;

use ratatui::text::Line;

use super::looks;
use super::text::{self, Row};
use crate::tui::theme::Theme;

/// Markdown in lines of at most so many columns.
#[must_use]
pub fn render(text: &str, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    text::lines(text)
        .flat_map(|line| {
            Row::foreign_of(line, theme.text, theme).words(width, &Row::new(), &Row::new())
        })
        .collect()
}

/// Cuts a range of Markdown into pieces that can be rendered each by itself.
pub(super) fn pieces(text: &str, range: Range<usize>) -> Vec<Range<usize>> {
    looks::pieces(text, range)
}
