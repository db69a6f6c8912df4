//! The answer to a message: words, or one of the options that came with it.

use super::offers::{Offer, Offers};
use crate::protocol::approval::Approval;

/// The form.
#[derive(Clone, Debug, Default)]
pub struct Contact {
    /// The approval.
    pub approval: String,
    /// The answer.
    pub answer: Offers,
}

impl Contact {
    /// For a contact.
    #[must_use]
    pub fn of(approval: &Approval) -> Self {
        Self {
            approval: approval.id.clone(),
            answer: Offers::of(approval.options.iter().map(Offer::option).collect()),
        }
    }
}
