//! The reason of a denial: ways to refuse that the asker offers, quick reasons, free text.

use super::offers::{Offer, Offers};
use crate::protocol::approval::Approval;

/// Reasons that are given often.
pub const QUICK: [&str; 5] = [
    "Not now.",
    "Don't do this; ask me what to do instead.",
    "Too broad; take a smaller step.",
    "Wrong path; check it first.",
    "Explain why this is needed first.",
];

/// What is said where no reason is given.
pub const NO_REASON: &str = "Denied by the user.";

/// The form.
#[derive(Clone, Debug, Default)]
pub struct Deny {
    /// The approval.
    pub approval: String,
    /// The reason.
    pub reason: Offers,
    /// Whether the turn shall end too.
    pub interrupt: bool,
    /// Whether the asker has a turn that can be ended.
    pub can_interrupt: bool,
}

impl Deny {
    /// For an approval, with these quick reasons behind the asker's own options.
    #[must_use]
    pub fn of(approval: &Approval, quick: &[String]) -> Self {
        let options = approval.options.iter().map(Offer::option);
        let quick = quick.iter().map(|reason| Offer::words(reason));
        Self {
            approval: approval.id.clone(),
            reason: Offers::of(options.chain(quick).collect()),
            interrupt: false,
            can_interrupt: approval.can().interrupt,
        }
    }
}
