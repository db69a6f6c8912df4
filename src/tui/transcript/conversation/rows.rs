//! Walking over the rows of a conversation, item by item.
//!
//! Owns the order in which items are shown: a call, then, where it is unfolded, its subagent's
//! steps. Lays out what it crosses and nothing else.

use std::sync::Arc;

use ratatui::text::Line;

use crate::tui::transcript::conversation::Transcript;
use crate::tui::transcript::model::approvals::CallState;
use crate::tui::transcript::model::item::{ItemId, Kind};
use crate::tui::transcript::render::layout_context::LayoutContext;
use crate::tui::transcript::tools::call::Steps;
use crate::tui::transcript::viewport::position::Position;
use crate::tui::transcript::{item_layout, tools};

/// Columns before an item: the cursor's mark and a space.
const GUTTER: usize = 2;

/// Narrowest view that has a gutter.
const MIN_WIDTH: u16 = 12;

/// Columns by which a subagent's steps are set in.
const STEP: usize = 2;

/// Deepest indentation that is drawn.
const MAX_STEPS: usize = 6;

/// Calls of one message that are looked at behind the one that is asked about.
const MAX_QUEUED: usize = 64;

impl Transcript {
    /// Whether an item is folded.
    pub(crate) fn is_folded(&self, id: ItemId) -> bool {
        if let Some(folded) = self.folds.get(&id) {
            return *folded;
        }
        let kind = &self.items.get(id).kind;
        match self.fold_default {
            Some(folded) if kind.folds_with_all() => folded,
            Some(_) | None => item_layout::folded_at_first(kind),
        }
    }

    /// Columns before an item: the gutter, and its place below others.
    pub(crate) fn before(&self, id: ItemId) -> usize {
        if self.view.width < MIN_WIDTH {
            return 0;
        }
        GUTTER + self.items.ancestors(id).take(MAX_STEPS).count() * STEP
    }

    fn layout_context(&self, id: ItemId) -> LayoutContext {
        let before = self.before(id);
        LayoutContext {
            width: usize::from(self.view.width).saturating_sub(before).max(1),
            theme: self.view.theme,
            budget: Arc::clone(&self.budget),
        }
    }

    /// Whether a call waits behind the one of the same message that the approval panel asks about: the
    /// agent asks one after the other.
    fn is_queued(&self, id: ItemId) -> bool {
        let item = self.items.get(id);
        let Kind::Call(call) = &item.kind else {
            return false;
        };
        let is_open = call.answer.is_none() && !call.writing && call.outcome.is_none();
        if !is_open || !item.children.is_empty() || self.approvals.of(&call.id).is_some() {
            return false;
        }
        let asked = self
            .approvals
            .asked()
            .and_then(|call| self.items.call(call));
        asked.is_some_and(|asked| asked != id && self.calls_behind(asked).any(|call| call == id))
    }

    /// The calls that follow a call directly.
    pub(crate) fn calls_behind(&self, id: ItemId) -> impl Iterator<Item = ItemId> {
        let siblings = self.items.siblings(self.items.get(id).parent);
        let from = self.items.place_of(id).map_or(siblings.len(), |at| at + 1);
        siblings
            .range(from..)
            .map(|(_, sibling)| *sibling)
            .take_while(|sibling| matches!(self.items.get(*sibling).kind, Kind::Call(_)))
            .take(MAX_QUEUED)
    }

    fn ensure(&mut self, id: ItemId) {
        if self.cache.has(id) {
            return;
        }
        let item = self.items.get(id);
        let queued = CallState::queued();
        let state = match &item.kind {
            Kind::Call(_) if self.is_queued(id) => Some(&queued),
            Kind::Call(call) => self.approvals.of(&call.id),
            Kind::User(_)
            | Kind::Assistant(_)
            | Kind::Thinking(_)
            | Kind::System(_)
            | Kind::Orphan(_)
            | Kind::Absent => None,
        };
        let steps = self.steps(id);
        self.budget.begin_part();
        let context = self.layout_context(id);
        let mut parts = item_layout::parts(item, &steps, self.is_folded(id), state, &context);
        let delivery = self.items.delivery(id).map(|(_, delivery)| delivery);
        parts.extend(delivery.and_then(|delivery| item_layout::delivery(delivery, &context)));
        self.cache.put(id, parts, self.budget.skipped_any());
    }

    /// What the subagent of a call does.
    fn steps(&self, id: ItemId) -> Steps {
        let children = &self.items.get(id).children;
        let latest = children.back().and_then(|(_, child)| {
            let Kind::Call(call) = &self.items.get(*child).kind else {
                return None;
            };
            Some(tools::summary_line(&call.name, &call.input()))
        });
        Steps {
            pieces: children.len(),
            latest,
        }
    }

    pub(crate) fn part_count(&mut self, id: ItemId) -> usize {
        self.ensure(id);
        self.cache.parts(id)
    }

    pub(crate) fn rows(&mut self, id: ItemId, part: usize) -> &[Line<'static>] {
        self.ensure(id);
        let context = self.layout_context(id);
        let text = self.items.get(id).kind.text();
        self.cache.rows(id, part, text, &context)
    }

    fn height(&mut self, at: Position) -> usize {
        self.rows(at.item, at.part).len()
    }

    /// The item shown after this one.
    pub(crate) fn item_after(&self, id: ItemId) -> Option<ItemId> {
        if let Some((_, child)) = self.items.get(id).children.front()
            && !self.is_folded(id)
        {
            return Some(*child);
        }
        self.items.behind(id)
    }

    /// The item shown before this one.
    pub(crate) fn item_before(&self, id: ItemId) -> Option<ItemId> {
        let parent = self.items.get(id).parent;
        let place = self.items.place_of(id)?;
        match place.checked_sub(1) {
            None => parent,
            Some(before) => {
                let (_, sibling) = self.items.siblings(parent).get(before)?;
                Some(self.last_within(*sibling))
            }
        }
    }

    fn last_within(&self, id: ItemId) -> ItemId {
        let mut last = id;
        while !self.is_folded(last)
            && let Some((_, child)) = self.items.get(last).children.back()
        {
            last = *child;
        }
        last
    }

    pub(crate) fn last_item(&self) -> Option<ItemId> {
        let (_, last) = self.items.top().back()?;
        Some(self.last_within(*last))
    }

    /// The first row that is not empty for looks.
    pub(crate) fn first_position(&mut self) -> Option<Position> {
        let (_, item) = *self.items.top().front()?;
        Some(self.past_blank(Position::start(item)))
    }

    /// The same place, past the empty row that sets an item apart.
    pub(crate) fn past_blank(&mut self, at: Position) -> Position {
        let rows = self.rows(at.item, at.part);
        if rows.get(at.row).is_some_and(|row| row.width() > 0) {
            return at;
        }
        let (next, moved) = self.down(at, 1);
        if moved == 1 && next.item == at.item {
            next
        } else {
            at
        }
    }

    /// The last row of all.
    pub(crate) fn last_position(&mut self) -> Option<Position> {
        let item = self.last_item()?;
        Some(self.end_of(item))
    }

    /// The last row of an item.
    pub(crate) fn end_of(&mut self, item: ItemId) -> Position {
        let part = self.part_count(item).saturating_sub(1);
        let at = Position { item, part, row: 0 };
        let row = self.height(at).saturating_sub(1);
        Position { row, ..at }
    }

    /// The place brought back to where something is: items fold, and rows are laid out anew.
    pub(crate) fn clamp(&mut self, at: Position) -> Option<Position> {
        let mut item = at.item;
        for ancestor in self.items.ancestors(at.item) {
            if self.is_folded(ancestor) {
                item = ancestor;
            }
        }
        if self.items.place_of(item).is_none() {
            // It was taken out: the nearest one after it that is there.
            let key = self.items.get(item).key;
            let top = self.items.top();
            let place = top.partition_point(|(other, _)| *other < key);
            let (_, near) = top.get(place).or_else(|| top.back())?;
            return Some(Position::start(*near));
        }
        if item != at.item {
            return Some(Position::start(item));
        }
        let part = at.part.min(self.part_count(item).saturating_sub(1));
        let within = Position { item, part, row: 0 };
        let row = if part < at.part { 0 } else { at.row };
        let row = row.min(self.height(within).saturating_sub(1));
        Some(Position { row, ..within })
    }

    /// So many rows further down, or as many as there are; how many that was.
    pub(crate) fn down(&mut self, mut at: Position, rows: usize) -> (Position, usize) {
        let mut left = rows;
        while left > 0 {
            let room = self.height(at).saturating_sub(at.row + 1);
            if left <= room {
                at.row += left;
                return (at, rows);
            }
            match self.part_after(at) {
                Some(next) => {
                    left -= room + 1;
                    at = next;
                }
                None => {
                    at.row += room;
                    left -= room;
                    break;
                }
            }
        }
        (at, rows - left)
    }

    /// So many rows further up, or as many as there are; how many that was.
    pub(crate) fn up(&mut self, mut at: Position, rows: usize) -> (Position, usize) {
        let mut left = rows;
        while left > 0 {
            if left <= at.row {
                at.row -= left;
                return (at, rows);
            }
            match self.part_before(at) {
                Some(before) => {
                    left -= at.row + 1;
                    at = before;
                }
                None => {
                    left -= at.row;
                    at.row = 0;
                    break;
                }
            }
        }
        (at, rows - left)
    }

    /// The first row of the next part that has any.
    pub(crate) fn part_after(&mut self, at: Position) -> Option<Position> {
        let mut next = at;
        loop {
            if next.part + 1 < self.part_count(next.item) {
                next.part += 1;
            } else {
                next = Position::start(self.item_after(next.item)?);
            }
            next.row = 0;
            if self.height(next) > 0 {
                return Some(next);
            }
        }
    }

    /// The last row of the previous part that has any.
    fn part_before(&mut self, at: Position) -> Option<Position> {
        let mut before = at;
        loop {
            match before.part.checked_sub(1) {
                Some(part) => before.part = part,
                None => {
                    let item = self.item_before(before.item)?;
                    before.item = item;
                    before.part = self.part_count(item).saturating_sub(1);
                }
            }
            let height = self.height(before);
            if height > 0 {
                before.row = height - 1;
                return Some(before);
            }
        }
    }
}
