//! The conversation of the selected session.

use crate::tui::transcript::Transcript;

/// The pane's state.
#[derive(Debug, Default)]
pub struct Detail {
    /// Whose conversation it is.
    pub session: Option<String>,
    /// The conversation.
    pub transcript: Transcript,
    /// Whether the first page is on its way.
    pub loading: bool,
    /// Why it could not be read.
    pub problem: Option<String>,
    /// What is searched for in it, while that is being typed or stepped through.
    pub search: Option<String>,
    /// Whether the search is being typed.
    pub typing: bool,
    /// On a narrow screen: whether it is shown in place of the lists.
    pub open: bool,
}
