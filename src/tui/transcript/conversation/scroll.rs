//! Moving the view and the selection, folding, clicking.

use crate::tui::transcript::conversation::Transcript;
use crate::tui::transcript::model::item::ItemId;
use crate::tui::transcript::viewport::position::Position;

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
    /// The selection to the next item.
    NextItem,
    /// The selection to the previous item.
    PreviousItem,
}

/// Rows that stay in view when it moves by a page.
const KEPT_ROWS: i32 = 2;

impl Transcript {
    /// Moves the view or the selection. A selection goes with the view where it would be left behind.
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
            Scroll::Bottom => {
                self.rest_at_end();
                self.view.top = self.bottom_top();
            }
            Scroll::NextTurn => self.next_turn(),
            Scroll::PreviousTurn => self.previous_turn(),
            Scroll::NextItem => self.next_item(),
            Scroll::PreviousItem => self.previous_item(),
        }
    }

    /// Whether the view stays at the end as that grows.
    #[must_use]
    pub fn is_following(&self) -> bool {
        self.view.anchor.is_none() && (self.view.at_end || self.attended().is_none())
    }

    /// Pieces that came below the view since it stopped following.
    #[must_use]
    pub fn unseen(&self) -> usize {
        self.unseen
    }

    /// Folds or unfolds the selected item.
    pub fn toggle_fold(&mut self) {
        if let Some(id) = self.selected_item() {
            let folded = !self.is_folded(id);
            self.fold(id, folded);
        }
    }

    /// Unfolds everything; folds it where that was done last.
    pub fn toggle_fold_all(&mut self) {
        self.fold_all(self.fold_default == Some(false));
    }

    /// Folds or unfolds every tool call and all thinking, those to come too. What is selected stays
    /// where it is on the screen; a view that follows the end goes on to.
    pub fn fold_all(&mut self, folded: bool) {
        let (top, selected) = (self.top_now(), self.selected_item());
        let above = match (top, selected) {
            (Some(top), Some(selected)) => self.rows_between(top, Position::start(selected)),
            (_, _) => 0,
        };
        self.folds.clear();
        self.fold_default = Some(folded);
        self.cache.clear();
        if self.view.anchor.is_none() {
            return;
        }
        self.cursor = selected.map(|selected| self.folded_into(selected));
        if let Some(selected) = self.cursor {
            let (top, _) = self.up(Position::start(selected), above);
            self.move_to(top);
        }
    }

    /// How many rows a row is below another one, as far as the view goes; zero if it is above.
    fn rows_between(&mut self, from: Position, to: Position) -> usize {
        let (mut at, mut rows) = (from, 0);
        while rows < usize::from(self.view.height) && self.is_above(at, to) {
            at = self.down(at, 1).0;
            rows += 1;
        }
        rows
    }

    /// Selects the item at a row of what was drawn last; says whether it was selected already.
    pub fn click(&mut self, row: u16) -> bool {
        let Some(Some(id)) = self.view.shown.get(usize::from(row)).copied() else {
            return false;
        };
        let was_selected = self.selected_item() == Some(id);
        let top = self.top_now();
        self.cursor = Some(id);
        self.settle(top);
        self.keep_selection_in_view();
        was_selected
    }

    /// Leaves the selection to what the approval panel asks about, else to the end.
    pub fn release_selection(&mut self) {
        self.rest_at_end();
        self.left_asked = false;
    }

    /// The selected item: the one that a person selected, else the call that the approval panel asks
    /// about, else the last one.
    pub(crate) fn selected_item(&self) -> Option<ItemId> {
        self.cursor
            .filter(|id| self.items.place_of(*id).is_some())
            .or_else(|| self.attended())
            .or_else(|| self.last_item())
    }

    /// The call that the approval panel asks about, or the folded one that it is a step of; none once
    /// somebody has gone elsewhere.
    fn attended(&self) -> Option<ItemId> {
        if self.left_asked {
            return None;
        }
        let asked = self.items.call(self.approvals.asked()?)?;
        self.items.place_of(asked)?;
        Some(self.folded_into(asked))
    }

    /// The item itself, or the outermost folded one that it is a step of.
    fn folded_into(&self, id: ItemId) -> ItemId {
        let folded = self.items.ancestors(id).filter(|up| self.is_folded(*up));
        folded.last().unwrap_or(id)
    }

    pub(crate) fn fold(&mut self, id: ItemId, folded: bool) {
        let top = self.top_now();
        self.cursor = self.selected_item();
        self.folds.insert(id, folded);
        self.cache.forget(id);
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

    /// Keeps the view at a place, or at the end where all from there on fits, and the selection on
    /// something that is shown.
    fn settle(&mut self, top: Option<Position>) {
        self.cursor = self.cursor.map(|cursor| self.folded_into(cursor));
        match top.and_then(|top| self.clamp(top)) {
            Some(top) => self.move_to(top),
            None => self.view.anchor = None,
        }
    }

    /// The first row in view.
    pub(crate) fn top_now(&mut self) -> Option<Position> {
        match self.view.anchor {
            Some(anchor) => self.clamp(anchor),
            None => self.resting_top(),
        }
    }

    /// The first row in view where nobody has scrolled: the last row is at the foot, unless what the
    /// approval panel asks about is further up.
    pub(crate) fn resting_top(&mut self) -> Option<Position> {
        let bottom = self.bottom_top()?;
        let Some(asked) = self.attended() else {
            return Some(bottom);
        };
        let start = self.past_blank(Position::start(asked));
        if !self.is_above(start, bottom) {
            return Some(bottom);
        }
        // With what led to it above it.
        let (top, _) = self.up(start, usize::from(self.view.height) / 3);
        Some(top)
    }

    /// The first row in view when the last one is at its foot.
    pub(crate) fn bottom_top(&mut self) -> Option<Position> {
        let last = self.last_position()?;
        let rows = usize::from(self.view.height).saturating_sub(1);
        let (top, moved) = self.up(last, rows);
        if moved < rows {
            return self.first_position();
        }
        Some(top)
    }

    /// Moves the view so that it begins at a row. It follows the end where that is in view and the
    /// selection is on it; else it stays where it is, whatever comes.
    pub(crate) fn move_to(&mut self, top: Position) {
        let is_last = self.cursor.is_none() || self.cursor == self.last_item();
        if is_last && self.reaches_end(top) {
            self.rest_at_end();
        } else {
            self.view.anchor = Some(top);
            self.left_asked = true;
        }
        self.view.top = Some(top);
    }

    /// Whether the end is in a view that begins at a row.
    fn reaches_end(&mut self, top: Position) -> bool {
        let rows = usize::from(self.view.height);
        let (_, moved) = self.down(top, rows);
        moved < rows
    }

    /// Follows the end, with the selection on it.
    fn rest_at_end(&mut self) {
        self.view.anchor = None;
        self.cursor = None;
        self.unseen = 0;
        self.left_asked = true;
    }

    fn scroll_rows(&mut self, rows: i32) {
        let Some(from) = self.top_now() else { return };
        let many = usize::try_from(rows.unsigned_abs()).unwrap_or(usize::MAX);
        let top = if rows < 0 {
            let (top, moved) = self.up(from, many);
            if moved < many {
                self.past_blank(top)
            } else {
                top
            }
        } else {
            self.down(from, many).0
        };
        if rows < 0 && top == from {
            return;
        }
        self.view.top = Some(top);
        if self.reaches_end(top) && (rows > 0 || self.cursor.is_none()) {
            return self.rest_at_end();
        }
        self.cursor = self.cursor.or_else(|| self.attended());
        self.view.anchor = Some(top);
        self.left_asked = true;
        self.keep_cursor_in_view(rows > 0);
    }

    /// Lets the selection not leave the view.
    fn keep_cursor_in_view(&mut self, downwards: bool) {
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

    /// Brings the selection back into a view that has another size now.
    pub(crate) fn keep_selection_in_view(&mut self) {
        let is_placed = self.view.anchor.is_some();
        if let Some(selected) = self.selected_item().filter(|_| is_placed)
            && !self.visible_items().contains(&selected)
        {
            self.select(selected);
        }
    }

    /// The items in view, in order. One of which there is only the empty row that sets it apart is not.
    pub(crate) fn visible_items(&mut self) -> Vec<ItemId> {
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
        let head = self.past_blank(Position::start(end.item));
        let is_bare = self.is_above(end, head);
        if is_bare && visible.len() > 1 {
            visible.pop();
        }
        visible
    }

    fn next_turn(&mut self) {
        let Some(key) = self.turn_key() else { return };
        let turns = self.items.turns();
        let at = turns.partition_point(|(turn, _)| *turn <= key);
        match turns.get(at).map(|(_, turn)| *turn) {
            Some(turn) => self.go_to_turn(turn),
            None => self.scroll(Scroll::Bottom),
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
        self.cursor = Some(turn);
        self.move_to(start);
    }

    /// The key of the item at the top that the selection is in.
    fn turn_key(&self) -> Option<i64> {
        let selected = self.selected_item()?;
        Some(self.items.get(self.items.root(selected)).key)
    }

    /// Selects the next item. Of one that goes on below the view the rest is shown first.
    fn next_item(&mut self) {
        let (Some(selected), Some(top)) = (self.selected_item(), self.top_now()) else {
            return;
        };
        let rows = usize::from(self.view.height);
        let (end, _) = self.down(top, rows.saturating_sub(1));
        if end.item == selected {
            let (_, rest) = self.down_within(end, (rows / 2).max(1));
            if rest > 0 {
                let (top, _) = self.down(top, rest);
                self.cursor = Some(selected);
                return self.move_to(top);
            }
        }
        match self.item_after(selected) {
            Some(next) => self.select(next),
            None => self.scroll(Scroll::Bottom),
        }
    }

    /// Selects the previous item. Of one that begins above the view the rest is shown first.
    fn previous_item(&mut self) {
        let (Some(selected), Some(top)) = (self.selected_item(), self.top_now()) else {
            return;
        };
        let start = self.past_blank(Position::start(selected));
        if top.item == selected && self.is_above(start, top) {
            let (up, _) = self.up(top, usize::from(self.view.height / 2).max(1));
            let top = if self.is_above(up, start) { start } else { up };
            self.cursor = Some(selected);
            return self.move_to(top);
        }
        match self.item_before(selected) {
            Some(before) => self.select(before),
            None => self.scroll(Scroll::Top),
        }
    }

    /// Selects an item and moves the view so that the item is in it, from its head on.
    fn select(&mut self, id: ItemId) {
        let Some(top) = self.top_now() else { return };
        self.cursor = Some(id);
        let rows = usize::from(self.view.height).saturating_sub(1);
        let start = self.past_blank(Position::start(id));
        if self.is_above(start, top) {
            return self.move_to(start);
        }
        // As much of it as there is room for, but its head in any case.
        let (end, taken) = self.down_within(start, rows);
        let (view_end, _) = self.down(top, rows);
        if !self.is_above(view_end, end) {
            return self.move_to(top);
        }
        let (below, _) = self.up(end, rows);
        self.move_to(if taken >= rows { start } else { below });
    }

    /// Whether a row is above another one.
    pub(crate) fn is_above(&self, row: Position, other: Position) -> bool {
        if row.item == other.item {
            return (row.part, row.row) < (other.part, other.row);
        }
        let path = |id: ItemId| {
            let mut keys: Vec<i64> = std::iter::once(id)
                .chain(self.items.ancestors(id))
                .map(|id| self.items.get(id).key)
                .collect();
            keys.reverse();
            keys
        };
        path(row.item) < path(other.item)
    }

    /// So many rows further down in the same item, or as many as it has.
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
