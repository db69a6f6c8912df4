//! The conversation of the selected session.

use crate::tui::transcript::Transcript;

/// Where in a conversation to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Whose conversation.
    pub session: String,
    /// The piece.
    pub sequence: i64,
    /// The words there.
    pub words: String,
}

impl Place {
    /// Pieces before it that are read with it: a tool's result is shown with its call.
    const BEFORE: i64 = 8;

    /// The piece after which reading begins.
    #[must_use]
    pub fn begin(&self) -> i64 {
        (self.sequence - 1 - Self::BEFORE).max(0)
    }
}

/// The pane's state.
#[derive(Debug, Default)]
pub struct Detail {
    /// Whose conversation it is.
    pub session: Option<String>,
    pub transcript: Transcript,
    /// Whether the first page is on its way.
    pub loading: bool,
    /// Why it could not be read.
    pub problem: Option<String>,
    /// Where to begin, until the first page has come.
    pub place: Option<Place>,
    /// What is searched for in it, while that is being typed or stepped through.
    pub search: Option<String>,
    /// Whether the search is being typed.
    pub typing: bool,
    /// On a narrow screen: whether it is shown in place of the lists.
    pub open: bool,
}
