//! Where each pane is on the screen. `view::layout` works it out; the mouse is understood by it.

use ratatui::layout::Rect;

/// The panes; an empty one is not shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Panes {
    pub inbox: Rect,
    /// The list of sessions.
    pub sessions: Rect,
    /// The prompt line.
    pub prompt: Rect,
    pub conversation: Rect,
    /// The approval panel.
    pub card: Rect,
    /// The status line.
    pub status: Rect,
    /// The line of keys.
    pub hints: Rect,
}
