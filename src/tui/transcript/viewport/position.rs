//! A place in a conversation's rows, and what the view shows of them.

use crate::tui::theme::Theme;
use crate::tui::transcript::model::item::ItemId;

/// A row of a part of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    pub(crate) item: ItemId,
    pub(crate) part: usize,
    pub(crate) row: usize,
}

impl Position {
    pub(crate) fn start(item: ItemId) -> Self {
        Self {
            item,
            part: 0,
            row: 0,
        }
    }
}

/// What the view shows and how large it is.
#[derive(Debug)]
pub(crate) struct View {
    pub width: u16,
    pub height: u16,
    pub theme: Theme,
    /// Which code could be highlighted in what is laid out.
    pub highlighting: u64,
    /// The first row shown; none: the last row is at the foot.
    pub anchor: Option<Position>,
    /// The first row shown in the last frame.
    pub top: Option<Position>,
    /// Whether the last frame showed the end.
    pub at_end: bool,
    /// The item at each row of the last frame.
    pub shown: Vec<Option<ItemId>>,
}

impl Default for View {
    fn default() -> Self {
        Self {
            width: 80,
            height: 24,
            theme: Theme::mono(),
            highlighting: 0,
            anchor: None,
            top: None,
            at_end: true,
            shown: Vec::new(),
        }
    }
}
