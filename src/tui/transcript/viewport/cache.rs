//! What is laid out: the rows of those items that were needed lately.
//!
//! Owns the laid-out rows and forgets those that were not drawn for a while, so that its size does
//! not grow with the conversation. An item is laid out part by part, and a part only when somebody
//! looks at it.

use std::collections::HashMap;
use std::ops::Range;

use ratatui::text::Line;

use crate::tui::transcript::model::item::ItemId;
use crate::tui::transcript::render::layout_context::LayoutContext;
use crate::tui::transcript::render::parts::{self, Part};

/// Items that are kept laid out; when there are more, those not drawn lately are forgotten.
const MAX_ITEMS: usize = 2_000;

/// Rows that are kept laid out, likewise.
const MAX_ROWS: usize = 60_000;

/// Frames after which an item that was not drawn may be forgotten.
const LATELY: u64 = 2;

#[derive(Debug, Default)]
pub(crate) struct Cache {
    laid: HashMap<ItemId, CachedItem>,
    rows: usize,
    frame: u64,
    work: u64,
    /// What was laid out plain for want of budget since the last frame: items, or parts of them.
    plain: Vec<(ItemId, Option<usize>)>,
    /// What the last frame showed plain.
    due: Vec<(ItemId, Option<usize>)>,
}

#[derive(Debug)]
struct CachedItem {
    parts: Vec<Part>,
    rows: Vec<Option<Vec<Line<'static>>>>,
    used: u64,
}

impl Cache {
    /// Forgets everything: another width, another theme.
    pub fn clear(&mut self) {
        self.laid.clear();
        self.plain.clear();
        self.due.clear();
        self.rows = 0;
    }

    /// Forgets an item, which looks different now.
    pub fn forget(&mut self, id: ItemId) {
        if let Some(laid) = self.laid.remove(&id) {
            self.rows -= laid.height();
        }
    }

    /// Begins a frame, and forgets what the last one showed plain, and what was not drawn lately
    /// where there is too much.
    pub fn begin_frame(&mut self) {
        self.frame += 1;
        for (id, part) in std::mem::take(&mut self.due) {
            let Some(part) = part else {
                self.forget(id);
                continue;
            };
            let rows = self
                .laid
                .get_mut(&id)
                .and_then(|laid| laid.rows.get_mut(part));
            if let Some(rows) = rows.and_then(Option::take) {
                self.rows -= rows.len();
            }
        }
        if self.laid.len() > MAX_ITEMS || self.rows > MAX_ROWS {
            let since = self.frame.saturating_sub(LATELY);
            self.laid.retain(|_, laid| laid.used >= since);
            self.rows = self.laid.values().map(CachedItem::height).sum();
        }
    }

    /// Ends a frame: what it showed plain is due in the next.
    pub fn end_frame(&mut self) {
        self.due = std::mem::take(&mut self.plain);
    }

    /// Whether the last frame showed something plain that need not stay so.
    pub fn has_plain(&self) -> bool {
        !self.due.is_empty()
    }

    /// Parts laid out so far, ever: the work that was done.
    pub fn work(&self) -> u64 {
        self.work
    }

    /// How many items are laid out.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.laid.len()
    }

    /// Whether an item is laid out.
    pub fn has(&self, id: ItemId) -> bool {
        self.laid.contains_key(&id)
    }

    /// Keeps the parts of an item.
    pub fn put(&mut self, id: ItemId, parts: Vec<Part>, plain: bool) {
        self.forget(id);
        let rows = parts.iter().map(|_| None).collect();
        let used = self.frame;
        let laid = CachedItem { parts, rows, used };
        self.work += 1;
        self.rows += laid.height();
        self.laid.insert(id, laid);
        if plain {
            self.plain.push((id, None));
        }
    }

    /// How many parts an item has.
    pub fn parts(&self, id: ItemId) -> usize {
        self.laid.get(&id).map_or(0, |laid| laid.parts.len())
    }

    /// The range of the item's text that a part shows, where it is one of those.
    pub fn range(&self, id: ItemId, part: usize) -> Option<Range<usize>> {
        match self.laid.get(&id)?.parts.get(part)? {
            Part::Rows(_) => None,
            Part::Text { range, .. } => Some(range.clone()),
        }
    }

    /// The rows of a part, laid out now if they were not.
    pub fn rows(
        &mut self,
        id: ItemId,
        part: usize,
        text: &str,
        context: &LayoutContext,
    ) -> &[Line<'static>] {
        let frame = self.frame;
        let Some(laid) = self.laid.get_mut(&id) else {
            return &[];
        };
        laid.used = frame;
        let nth = part;
        let (Some(part), Some(rows)) = (laid.parts.get(part), laid.rows.get_mut(part)) else {
            return &[];
        };
        match part {
            Part::Rows(rows) => rows,
            Part::Text { .. } => {
                if rows.is_none() {
                    context.budget.begin_part();
                    let new = parts::lay(part, text, context);
                    if context.budget.skipped_any() {
                        self.plain.push((id, Some(nth)));
                    }
                    self.rows += new.len();
                    self.work += 1;
                    *rows = Some(new);
                }
                rows.as_deref().unwrap_or_default()
            }
        }
    }

    /// Lets an item's text have grown at its end: only its last part is laid out again.
    pub fn grow(&mut self, id: ItemId, text: &str) {
        let Some(laid) = self.laid.get_mut(&id) else {
            return;
        };
        let grown = laid.parts.last().and_then(|last| parts::grow(last, text));
        let Some(new) = grown else {
            self.forget(id);
            return;
        };
        let before = laid.height();
        laid.parts.pop();
        laid.rows.pop();
        laid.rows.extend(new.iter().map(|_| None));
        laid.parts.extend(new);
        self.rows = self.rows + laid.height() - before;
    }
}

impl CachedItem {
    fn height(&self) -> usize {
        let given = self.parts.iter().map(|part| match part {
            Part::Rows(rows) => rows.len(),
            Part::Text { .. } => 0,
        });
        given.sum::<usize>() + self.rows.iter().flatten().map(Vec::len).sum::<usize>()
    }
}
