//! A second question before something that cannot be undone, or before a dangerous approval.

use super::yes::Yes;
use crate::tui::effect::Effect;

/// The form.
#[derive(Clone, Debug)]
pub struct Confirm {
    /// What will happen, in words.
    pub question: String,
    /// What a yes does, as a verb.
    pub verb: &'static str,
    /// The key that says it.
    pub yes: Yes,
    /// What to do on yes.
    pub then: Vec<Effect>,
    /// The dangerous approval that it is about.
    pub approval: Option<String>,
    /// The first row shown.
    pub scroll: usize,
}

impl Confirm {
    /// Before something that the user asked for.
    #[must_use]
    pub fn before(verb: &'static str, yes: Yes, question: String, then: Vec<Effect>) -> Self {
        Self {
            question,
            verb,
            yes,
            then,
            approval: None,
            scroll: 0,
        }
    }

    /// Before a dangerous approval.
    #[must_use]
    pub fn dangerous(approval: &str, question: String, then: Vec<Effect>) -> Self {
        Self {
            approval: Some(approval.to_owned()),
            ..Self::before("approve", Yes::Mark, question, then)
        }
    }

    /// What it is about, for telling whether that was drawn.
    #[must_use]
    pub fn identity(&self) -> String {
        format!("confirm {:?} {}", self.approval, self.question)
    }
}
