//! The reason of a denial: quick ones and free text.

use super::Field;

/// Reasons that are given often; chosen with up and down.
pub const QUICK: [&str; 5] = [
    "Not now.",
    "Do not do this; ask me what to do instead.",
    "Too broad: do less at once.",
    "Wrong place: check the path.",
    "Explain first why this is needed.",
];

/// The form.
#[derive(Clone, Debug, Default)]
pub struct Deny {
    /// The approval.
    pub approval: String,
    /// The reason being typed.
    pub reason: Field,
    /// Whether the turn shall end too.
    pub interrupt: bool,
    /// The quick reason in the field, where one was chosen.
    pub quick: Option<usize>,
}
