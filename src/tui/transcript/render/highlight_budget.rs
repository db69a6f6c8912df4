//! How much code is highlighted before a frame must be shown.
//!
//! Highlighting costs a millisecond for each thousand bytes, more than everything else in a frame. A
//! part of an item that comes when the frame's share is used up is drawn plain, and highlighted in
//! one of the next frames. A part is highlighted as a whole or not at all, and one in each frame at
//! least, so that there is an end to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Bytes of code in a frame, and what the last part has beyond.
const FRAME: usize = 1024;

/// Bytes of code in one text that is laid out at once, such as what an approval is about; the rest of it
/// is plain.
pub const TEXT: usize = 8 * 1024;

/// What is left of a frame's share.
#[derive(Debug)]
pub(crate) struct HighlightBudget {
    left: AtomicUsize,
    exhausted: AtomicBool,
    skipped: AtomicBool,
    /// Whether it ends in the middle of a part.
    is_for_text: bool,
}

impl HighlightBudget {
    fn of(left: usize, is_for_text: bool) -> Arc<Self> {
        Arc::new(Self {
            left: AtomicUsize::new(left),
            exhausted: AtomicBool::new(false),
            skipped: AtomicBool::new(false),
            is_for_text,
        })
    }

    /// A frame's share, over and over.
    pub fn for_frames() -> Arc<Self> {
        Self::of(FRAME, false)
    }

    /// As much as there is to highlight.
    pub fn unlimited() -> Arc<Self> {
        Self::of(usize::MAX, false)
    }

    /// For a text that is laid out at once: its beginning is highlighted, as much as a frame has time for.
    pub fn for_text() -> Arc<Self> {
        Self::of(TEXT, true)
    }

    /// Whether nothing more of the text is highlighted.
    pub fn is_used_up(&self) -> bool {
        self.is_for_text && self.left.load(Ordering::Relaxed) == 0
    }

    /// Begins a frame.
    pub fn begin_frame(&self) {
        self.left.store(FRAME, Ordering::Relaxed);
    }

    /// Begins a part.
    pub fn begin_part(&self) {
        let left = self.left.load(Ordering::Relaxed);
        self.exhausted.store(left == 0, Ordering::Relaxed);
        self.skipped.store(false, Ordering::Relaxed);
    }

    /// Whether code may be highlighted; that it was not is noted.
    pub fn may_highlight(&self) -> bool {
        let exhausted = self.exhausted.load(Ordering::Relaxed);
        if exhausted {
            self.skipped.store(true, Ordering::Relaxed);
        }
        !exhausted
    }

    /// Takes what a line needs.
    pub fn take(&self, bytes: usize) {
        let left = self.left.load(Ordering::Relaxed);
        self.left
            .store(left.saturating_sub(bytes), Ordering::Relaxed);
    }

    /// Whether code of the part that was begun last was not highlighted.
    pub fn skipped_any(&self) -> bool {
        self.skipped.load(Ordering::Relaxed)
    }
}
