//! Code with its syntax highlighted.

use ratatui::text::Line;

use super::text::{self, Row};
use crate::tui::theme::Theme;

/// Whether highlighting is there.
#[must_use]
pub fn is_ready() -> bool {
    false
}

/// Code, highlighted as the language of that name (or of a file of that name).
#[must_use]
pub fn code(text: &str, _language: &str, theme: &Theme) -> Vec<Line<'static>> {
    text::lines(text)
        .map(|line| Row::foreign_of(line, theme.text, theme).line())
        .collect()
}

/// Code that carries its line numbers.
pub(super) fn numbered(
    text: &str,
    _language: &str,
    width: usize,
    indent: &Row,
    theme: &Theme,
) -> Vec<Line<'static>> {
    text::lines(text)
        .flat_map(|line| Row::foreign_of(line, theme.text, theme).columns(width, indent, indent))
        .collect()
}
