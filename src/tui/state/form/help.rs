//! All keys, made from the keymap.

use super::Field;
use crate::tui::keymap::Context;

/// The form.
#[derive(Clone, Debug)]
pub struct Help {
    /// The pane from which it was opened, whose keys come first.
    pub here: Context,
    /// The first line shown.
    pub scroll: usize,
    /// Only keys that fit this are shown.
    pub filter: Field,
    /// Whether the filter is being typed.
    pub typing: bool,
}

impl Help {
    /// Opened from a pane.
    #[must_use]
    pub fn new(here: Context) -> Self {
        Self {
            here,
            scroll: 0,
            filter: Field::default(),
            typing: false,
        }
    }

    /// The panes in the order in which their keys are shown.
    #[must_use]
    pub fn order(&self) -> Vec<Context> {
        let mut order = vec![self.here];
        order.extend(Context::ALL.into_iter().filter(|pane| *pane != self.here));
        order
    }
}
