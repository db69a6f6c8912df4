//! All commands, found by typing.

use super::Field;
use crate::tui::keymap::Action;
use crate::tui::state::fuzzy::Fuzzy;

/// The form.
#[derive(Clone, Debug, Default)]
pub struct Palette {
    /// What is typed.
    pub filter: Field,
    /// The chosen row.
    pub selected: usize,
}

impl Palette {
    /// The commands that fit what is typed.
    #[must_use]
    pub fn found(&self) -> Vec<Action> {
        let mut fuzzy = Fuzzy::new(&self.filter.text());
        Action::ALL
            .iter()
            .copied()
            .filter(|action| *action != Action::Palette && *action != Action::Cancel)
            .filter(|action| fuzzy.fits(&[action.words(), action.name()]))
            .collect()
    }
}
