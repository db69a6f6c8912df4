//! A second question before something that cannot be undone, or before a dangerous approval.

use crate::tui::effect::Effect;

/// The form.
#[derive(Clone, Debug)]
pub struct Confirm {
    /// What will happen, in words.
    pub question: String,
    /// What to do on yes.
    pub then: Vec<Effect>,
    /// The dangerous approval that it is about; such a one is confirmed by a key of its own, `!`.
    pub approval: Option<String>,
    /// The first row shown.
    pub scroll: usize,
}

impl Confirm {
    /// What it is about, for telling whether that was drawn.
    #[must_use]
    pub fn identity(&self) -> String {
        format!("confirm {:?} {}", self.approval, self.question)
    }
}
