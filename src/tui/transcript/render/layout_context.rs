//! What everything that lays out rows needs to know.

use std::sync::Arc;

use crate::tui::theme::Theme;
use crate::tui::transcript::render::highlight_budget::HighlightBudget;

/// What rows are laid out for.
#[derive(Clone, Debug)]
pub(crate) struct LayoutContext {
    /// Columns there are.
    pub width: usize,
    /// The styles.
    pub theme: Theme,
    /// What may be highlighted.
    pub budget: Arc<HighlightBudget>,
}
