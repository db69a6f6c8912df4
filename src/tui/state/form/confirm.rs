//! «Really?», before something that cannot be undone.

use crate::tui::effect::Effect;

/// The form.
#[derive(Clone, Debug)]
pub struct Confirm {
    /// What will happen, in words.
    pub question: String,
    /// What to do on yes.
    pub then: Vec<Effect>,
    /// The approval that it is about.
    pub approval: Option<String>,
}
