//! Moving the view and the cursor, folding, clicking.

use super::Transcript;
use super::item::ItemId;
use super::walk::Position;

/// A way to move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scroll {
    /// Rows, down or (negative) up.
    Lines(i32),
    /// Half views.
    HalfPages(i32),
    /// Views, less a row or two that stay.
    Pages(i32),
    /// To the beginning of what is loaded.
    Top,
    /// To the end, and follow it.
    Bottom,
    /// To what the user said next.
    NextTurn,
    /// To what the user said before.
    PreviousTurn,
    /// The cursor to the next item.
    NextItem,
    /// The cursor to the previous item.
    PreviousItem,
}

/// Rows that stay in view when it moves by a page.
const KEPT_ROWS: i32 = 2;

impl Transcript {
    /// Moves the view or the cursor.
    pub fn scroll(&mut self, scroll: Scroll) {
        let height = i32::from(self.view.height);
        match scroll {
            Scroll::Lines(rows) => self.scroll_rows(rows),
            Scroll::HalfPages(halves) => {
                self.scroll_rows(halves.saturating_mul((height / 2).max(1)));
            }
            Scroll::Pages(pages) => {
                self.scroll_rows(pages.saturating_mul((height - KEPT_ROWS).max(1)));
            }
            Scroll::Top => {
                if let Some(first) = self.first_position() {
                    self.cursor = Some(first.item);
                    self.move_to(first);
                }
            }
            Scroll::Bottom => self.follow(),
            Scroll::NextTurn => self.next_turn(),
            Scroll::PreviousTurn => self.previous_turn(),
            Scroll::NextItem => self.next_item(),
            Scroll::PreviousItem => self.previous_item(),
        }
    }

    /// Whether the view stays at the end as that grows.
    #[must_use]
    pub fn is_following(&self) -> bool {
        self.view.anchor.is_none()
    }

    /// Pieces that came below the view since it stopped following.
    #[must_use]
    pub fn unseen(&self) -> usize {
        self.unseen
    }

    /// Folds or unfolds the item under the cursor.
    pub fn toggle_fold(&mut self) {
        if let Some(id) = self.cursor_item() {
            let folded = !self.is_folded(id);
            self.fold(id, folded);
        }
    }

    /// Folds or unfolds every tool call and all thinking, those to come too.
    pub fn fold_all(&mut self, folded: bool) {
        let top = self.top_now();
        self.folds.clear();
        self.fold_default = Some(folded);
        self.cache.clear();
        self.settle(top);
    }

    /// Puts the cursor on the item at a row of what was drawn last; folds or unfolds it where the
    /// cursor was put on it before.
    pub fn click(&mut self, row: u16) {
        let Some(Some(id)) = self.view.shown.get(usize::from(row)).copied() else {
            return;
        };
        if self.cursor == Some(id) {
            self.toggle_fold();
        } else {
            self.cursor = Some(id);
        }
    }

    /// The item under the cursor.
    pub(super) fn cursor_item(&self) -> Option<ItemId> {
        self.cursor
            .filter(|id| self.items.place_of(*id).is_some())
            .or_else(|| self.asked_item())
            .or_else(|| self.last_item())
    }

    pub(super) fn fold(&mut self, id: ItemId, folded: bool) {
        let top = self.top_now();
        self.folds.insert(id, folded);
        self.cache.forget(id);
        if folded
            && let Some(cursor) = self.cursor
            && self.items.ancestors(cursor).any(|ancestor| ancestor == id)
        {
            self.cursor = Some(id);
        }
        // Folding from within a long item: back to its head.
        let top = top.map(|top| {
            if top.item == id && folded {
                Position::start(id)
            } else {
                top
            }
        });
        self.settle(top);
    }

    /// Keeps the view at a place, or at the end where all from there on fits.
    fn settle(&mut self, top: Option<Position>) {
        match top {
            Some(top) => {
                let top = self.clamp(top);
                if let Some(top) = top {
                    self.move_to(top);
                }
            }
            None => self.view.anchor = None,
        }
    }

    /// The first row in view.
    pub(super) fn top_now(&mut self) -> Option<Position> {
        match self.view.anchor {
            Some(anchor) => self.clamp(anchor),
            None => self.bottom_top(),
        }
    }

    /// The first row in view when the last one is at its foot.
    pub(super) fn bottom_top(&mut self) -> Option<Position> {
        let last = self.last_position()?;
        let rows = usize::from(self.view.height).saturating_sub(1);
        let (top, moved) = self.up(last, rows);
        if moved < rows {
            return self.first_position();
        }
        Some(top)
    }

    /// Moves the view so that it begins at a row; follows where the end is in view.
    pub(super) fn move_to(&mut self, top: Position) {
        let rows = usize::from(self.view.height);
        let (_, moved) = self.down(top, rows);
        if moved < rows {
            self.view.anchor = None;
            self.unseen = 0;
        } else {
            self.view.anchor = Some(top);
        }
        self.view.top = Some(top);
    }

    fn follow(&mut self) {
        self.view.anchor = None;
        self.cursor = None;
        self.unseen = 0;
        self.view.top = self.bottom_top();
    }

    fn scroll_rows(&mut self, rows: i32) {
        let Some(top) = self.top_now() else { return };
        let many = usize::try_from(rows.unsigned_abs()).unwrap_or(usize::MAX);
        let top = if rows < 0 {
            let (top, moved) = self.up(top, many);
            if moved < many {
                self.past_blank(top)
            } else {
                top
            }
        } else {
            self.down(top, many).0
        };
        self.move_to(top);
        self.keep_cursor_in_view(rows > 0);
    }

    /// Lets the cursor not leave the view.
    fn keep_cursor_in_view(&mut self, downwards: bool) {
        if self.is_following() {
            self.cursor = None;
            return;
        }
        let visible = self.visible_items();
        if self.cursor.is_some_and(|cursor| visible.contains(&cursor)) {
            return;
        }
        let edge = if downwards {
            visible.first()
        } else {
            visible.last()
        };
        self.cursor = edge.copied();
    }

    /// The items in view, in order.
    pub(super) fn visible_items(&mut self) -> Vec<ItemId> {
        let mut visible = Vec::new();
        let Some(top) = self.top_now() else {
            return visible;
        };
        let (end, _) = self.down(top, usize::from(self.view.height).saturating_sub(1));
        let mut item = Some(top.item);
        while let Some(id) = item {
            visible.push(id);
            if id == end.item {
                break;
            }
            item = self.item_after(id);
        }
        visible
    }

    fn next_turn(&mut self) {
        let Some(key) = self.turn_key() else { return };
        let turns = self.items.turns();
        let at = turns.partition_point(|(turn, _)| *turn <= key);
        match turns.get(at).map(|(_, turn)| *turn) {
            Some(turn) => self.go_to_turn(turn),
            None => self.follow(),
        }
    }

    fn previous_turn(&mut self) {
        let Some(key) = self.turn_key() else { return };
        let turns = self.items.turns();
        let at = turns.partition_point(|(turn, _)| *turn < key);
        if let Some((_, turn)) = at.checked_sub(1).and_then(|at| turns.get(at)) {
            let turn = *turn;
            self.go_to_turn(turn);
        } else {
            self.scroll(Scroll::Top);
        }
    }

    fn go_to_turn(&mut self, turn: ItemId) {
        let start = self.past_blank(Position::start(turn));
        self.move_to(start);
        self.cursor = Some(turn);
    }

    /// The key of the item at the top that the cursor is in.
    fn turn_key(&self) -> Option<i64> {
        let cursor = self.cursor_item()?;
        Some(self.items.get(self.items.root(cursor)).key)
    }

    fn next_item(&mut self) {
        let Some(cursor) = self.cursor_item() else {
            return;
        };
        match self.item_after(cursor) {
            Some(next) => self.put_cursor(next),
            None => self.follow(),
        }
    }

    fn previous_item(&mut self) {
        let Some(cursor) = self.cursor_item() else {
            return;
        };
        let start = self.past_blank(Position::start(cursor));
        let within = self
            .top_now()
            .is_some_and(|top| top.item == cursor && (top.part, top.row) > (start.part, start.row));
        if within {
            self.move_to(start);
            self.cursor = Some(cursor);
        } else if let Some(before) = self.item_before(cursor) {
            self.put_cursor(before);
        } else {
            self.scroll(Scroll::Top);
        }
    }

    /// Puts the cursor on an item and the view so that the item is in it, from its head on.
    pub(super) fn put_cursor(&mut self, id: ItemId) {
        self.cursor = Some(id);
        let visible = self.visible_items();
        let start = self.past_blank(Position::start(id));
        let Some(place) = visible.iter().position(|item| *item == id) else {
            let before = self.is_before_view(id);
            self.bring_in(start, before);
            return;
        };
        if place == 0 {
            let top = self.top_now().unwrap_or(start);
            if (top.part, top.row) > (start.part, start.row) {
                self.move_to(start);
            }
        } else if place + 1 == visible.len() {
            self.bring_in(start, false);
        }
    }

    fn is_before_view(&mut self, id: ItemId) -> bool {
        let Some(top) = self.top_now() else {
            return false;
        };
        let path = |id: ItemId| {
            let mut keys: Vec<i64> = std::iter::once(id)
                .chain(self.items.ancestors(id))
                .map(|id| self.items.get(id).key)
                .collect();
            keys.reverse();
            keys
        };
        path(id) < path(top.item)
    }

    fn bring_in(&mut self, start: Position, from_above: bool) {
        if from_above {
            self.move_to(start);
            return;
        }
        let rows = usize::from(self.view.height).saturating_sub(1);
        // As much of it as there is room for, but its head in any case.
        let (end, taken) = self.down_within(start, rows);
        let (top, _) = self.up(end, rows);
        let top = if taken >= rows { start } else { top };
        self.move_to(top);
    }

    /// So many rows further down in the same item.
    fn down_within(&mut self, start: Position, rows: usize) -> (Position, usize) {
        let (mut end, mut taken) = (start, 0);
        while taken < rows {
            let (next, moved) = self.down(end, 1);
            if moved == 0 || next.item != start.item {
                break;
            }
            (end, taken) = (next, taken + 1);
        }
        (end, taken)
    }
}
