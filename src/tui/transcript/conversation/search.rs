//! Searching in what is loaded.
//!
//! Owns the needle, the matches in view and their count. An item is first asked by its text, which is
//! cheap; only one that has the needle is laid out to find the row. A search looks into what is folded
//! and unfolds it; what it found in an item is kept until the item changes.

use std::collections::HashMap;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use unicode_width::UnicodeWidthStr as _;

use crate::tui::theme::Theme;
use crate::tui::transcript::conversation::Transcript;
use crate::tui::transcript::model::item::{ItemId, Kind};
use crate::tui::transcript::viewport::needle::{Found, MatchCount, Needle, SearchState};
use crate::tui::transcript::viewport::position::Position;

/// Matches that are counted; of more it is said that there are more.
const MAX_COUNTED: usize = 1_000;
/// Bytes that are looked through for the count in one frame; the next ones do the rest.
const COUNTED_BYTES: usize = 4 * 1024 * 1024;

impl Transcript {
    /// Searches for a text from the view on, whatever its case, and goes to the first match; an
    /// empty text ends the search. Says whether there is a match.
    pub fn search(&mut self, needle: &str) -> bool {
        let from = self.seek(needle);
        self.find_from(from)
    }

    /// Sets what is searched for, or ends the search; gives where the match was that was gone to last.
    fn seek(&mut self, needle: &str) -> Option<Position> {
        let before = self.search.take();
        self.search = (!needle.is_empty()).then(|| SearchState {
            needle: Needle {
                lower: needle.to_lowercase(),
            },
            at: None,
            found: HashMap::new(),
            count: MatchCount::default(),
            is_stale: true,
        });
        before?.at
    }

    /// Goes to the first match from a place on, or from the view on. Says whether there is one.
    fn find_from(&mut self, from: Option<Position>) -> bool {
        if self.search.is_none() {
            return false;
        }
        let start = match from {
            Some(at) => self.clamp(at),
            None => self.top_now(),
        };
        start.is_some_and(|start| self.find(start, true, true) != Found::Nothing)
    }

    /// Searches for a text and goes to the match of one piece: where that has an item of its own, there; what
    /// a tool gave back is shown with its call, further up. Says whether there is a match.
    pub fn search_at(&mut self, needle: &str, sequence: i64) -> bool {
        let from = self.seek(needle);
        let first = self.items.top().front().map(|(_, first)| *first);
        let (mut item, mut nearest) = (first, None);
        while let Some(id) = item {
            let key = self.items.get(id).key;
            let is_nearer = nearest.is_none_or(|(_, other)| key >= other);
            if key <= sequence && is_nearer && self.has_needle(id) {
                nearest = Some((id, key));
            }
            item = self.next_holding(id).filter(|next| Some(*next) != first);
        }
        if let Some((id, _)) = nearest
            && let Some(found) = self.match_in(id, None, true)
        {
            self.go_to_match(found);
            return true;
        }
        self.find_from(from)
    }

    /// How many matches there are, as of the last frame; none while nothing is searched for.
    #[must_use]
    pub fn matches(&self) -> Option<MatchCount> {
        self.search.as_ref().map(|search| search.count)
    }

    /// Whether a count was left for the next frame.
    pub(crate) fn is_counting(&self) -> bool {
        self.search.as_ref().is_some_and(|search| search.is_stale)
    }

    /// Forgets what was found in an item, which is another now.
    pub(crate) fn forget_found(&mut self, id: ItemId) {
        if let Some(search) = &mut self.search {
            search.found.remove(&id);
            search.is_stale = true;
        }
    }

    /// Forgets all that was found: the rows are others now.
    pub(crate) fn forget_all_found(&mut self) {
        if let Some(search) = &mut self.search {
            search.found.clear();
            search.is_stale = true;
        }
    }

    /// Counts the matches, as far as a frame allows.
    pub(crate) fn count_matches(&mut self) {
        if !self.is_counting() {
            return;
        }
        let at = self.search.as_ref().and_then(|search| search.at);
        let mut count = MatchCount::default();
        let mut bytes = COUNTED_BYTES;
        let mut is_whole = true;
        let mut item = self.items.top().front().map(|(_, first)| *first);
        let first = item;
        while let Some(id) = item {
            let is_known = |search: &SearchState| search.found.contains_key(&id);
            if !self.search.as_ref().is_some_and(is_known) {
                let size = self.items.get(id).kind.text().len() + 64;
                if bytes < size && bytes < COUNTED_BYTES {
                    is_whole = false;
                    break;
                }
                bytes = bytes.saturating_sub(size);
                let rows = self.rows_found(id);
                if let Some(search) = &mut self.search {
                    search.found.insert(id, rows);
                }
            }
            let Some(search) = &self.search else { return };
            let rows = search.found.get(&id).map_or(&[][..], Vec::as_slice);
            if let Some(at) = at.filter(|at| at.item == id) {
                let place = rows.partition_point(|row| *row < (at.part, at.row));
                let is_there = place < rows.len();
                count.at = is_there.then_some(count.total + place + 1);
            }
            count.total += rows.len();
            if count.total >= MAX_COUNTED {
                count.more = true;
                break;
            }
            item = self.next_holding(id).filter(|next| Some(*next) != first);
        }
        count.more |= !is_whole;
        if let Some(search) = &mut self.search {
            search.count = count;
            search.is_stale = !is_whole;
        }
    }

    /// The rows of an item that have the needle, as it is unfolded; as many as are counted.
    fn rows_found(&mut self, id: ItemId) -> Vec<(usize, usize)> {
        let mut found = Vec::new();
        if !self.has_needle(id) {
            return found;
        }
        let is_folded = self.is_folded(id);
        let before = is_folded.then(|| self.folds.insert(id, false));
        if is_folded {
            self.cache.forget(id);
        }
        'parts: for part in 0..self.part_count(id) {
            let mut from = None;
            while let Some(row) = self.row_of_part(id, part, from, true) {
                found.push((row.part, row.row));
                if found.len() >= MAX_COUNTED {
                    break 'parts;
                }
                from = Some((row, false));
            }
        }
        if let Some(before) = before {
            self.restore_fold(id, before);
        }
        found
    }

    fn restore_fold(&mut self, id: ItemId, before: Option<bool>) {
        match before {
            Some(folded) => self.folds.insert(id, folded),
            None => self.folds.remove(&id),
        };
        self.cache.forget(id);
    }

    /// Goes to the next match, from the beginning again after the last.
    pub fn next_match(&mut self) -> Found {
        self.go_on(true)
    }

    /// Goes to the previous match, from the end again before the first.
    pub fn previous_match(&mut self) -> Found {
        self.go_on(false)
    }

    /// Forgets where the last match was: its item is another now.
    pub(crate) fn forget_match(&mut self) {
        if let Some(search) = &mut self.search {
            search.at = None;
        }
        self.forget_all_found();
    }

    fn go_on(&mut self, forward: bool) -> Found {
        let Some(at) = self.search.as_ref().map(|search| search.at) else {
            return Found::Nothing;
        };
        let from = match at {
            Some(at) => self.clamp(at),
            None => self.top_now(),
        };
        from.map_or(Found::Nothing, |from| self.find(from, forward, false))
    }

    /// Goes to the nearest match from a row on (that row itself too, if `here`), once around.
    fn find(&mut self, from: Position, forward: bool, here: bool) -> Found {
        let Some(found) = self.nearest(from, forward, here) else {
            return Found::Nothing;
        };
        self.go_to_match(found);
        let is_there = here && found == from;
        let is_on = if forward {
            self.is_above(from, found)
        } else {
            self.is_above(found, from)
        };
        if is_there || is_on {
            Found::Match
        } else {
            Found::Wrapped
        }
    }

    fn nearest(&mut self, from: Position, forward: bool, here: bool) -> Option<Position> {
        if let Some(found) = self.match_in(from.item, Some((from, here)), forward) {
            return Some(found);
        }
        let mut item = from.item;
        loop {
            let next = if forward {
                self.next_holding(item)
            } else {
                self.previous_holding(item)
            };
            item = next?;
            if item == from.item {
                break;
            }
            if self.has_needle(item)
                && let Some(found) = self.match_in(item, None, forward)
            {
                return Some(found);
            }
        }
        self.match_in(item, None, forward)
    }

    /// The next item of all, steps in folded calls too, around the end.
    fn next_holding(&self, id: ItemId) -> Option<ItemId> {
        if let Some((_, child)) = self.items.get(id).children.front() {
            return Some(*child);
        }
        self.items
            .behind(id)
            .or_else(|| self.items.top().front().map(|(_, first)| *first))
    }

    /// The previous item of all, around the beginning.
    fn previous_holding(&self, id: ItemId) -> Option<ItemId> {
        let parent = self.items.get(id).parent;
        let place = self.items.place_of(id)?;
        let siblings = self.items.siblings(parent);
        let mut last = match place.checked_sub(1) {
            Some(before) => siblings.get(before)?.1,
            None if parent.is_some() => return parent,
            None => self.items.top().back()?.1,
        };
        while let Some((_, child)) = self.items.get(last).children.back() {
            last = *child;
        }
        Some(last)
    }

    fn has_needle(&self, id: ItemId) -> bool {
        let Some(search) = &self.search else {
            return false;
        };
        let needle = &search.needle;
        let kind = &self.items.get(id).kind;
        if let Kind::Call(call) = kind {
            // The text of the input first, which is cheap; its fields' names do not count.
            let in_input = needle.is_in(&call.input) && needle.is_in_value(&call.input());
            return in_input || needle.is_in(&call.name) || needle.is_in(kind.text());
        }
        needle.is_in(kind.text())
    }

    /// The nearest row of an item that has the needle, from a row on. A folded item that hides it is
    /// unfolded.
    fn match_in(
        &mut self,
        id: ItemId,
        from: Option<(Position, bool)>,
        forward: bool,
    ) -> Option<Position> {
        if !self.is_folded(id) {
            return self.row_with_needle(id, from, forward);
        }
        if !self.has_needle(id) {
            return None;
        }
        let before = self.folds.insert(id, false);
        self.cache.forget(id);
        let found = self.row_with_needle(id, from, forward);
        if found.is_none() {
            self.restore_fold(id, before);
        }
        found
    }

    fn row_with_needle(
        &mut self,
        id: ItemId,
        from: Option<(Position, bool)>,
        forward: bool,
    ) -> Option<Position> {
        let parts = self.part_count(id);
        (0..parts).find_map(|nth| {
            let part = if forward { nth } else { parts - 1 - nth };
            self.row_of_part(id, part, from, forward)
        })
    }

    fn row_of_part(
        &mut self,
        id: ItemId,
        part: usize,
        from: Option<(Position, bool)>,
        forward: bool,
    ) -> Option<Position> {
        let at = |row| Position {
            item: id,
            part,
            row,
        };
        let range = self.cache.range(id, part);
        if let Some(range) = range.clone() {
            let text = self.items.get(id).kind.text().get(range)?;
            if !self.search.as_ref()?.needle.is_in(text) {
                return None;
            }
        }
        let rows: Vec<String> = self.rows(id, part).iter().map(Line::to_string).collect();
        let needle = &self.search.as_ref()?.needle;
        let beyond = |row: usize| match from {
            None => true,
            Some((from, here)) => {
                let (this, that) = ((part, row), (from.part, from.row));
                (here && this == that) || if forward { this > that } else { this < that }
            }
        };
        let fits = |row: &usize| beyond(*row) && needle.is_in(&rows[*row]);
        let row = if forward {
            (0..rows.len()).find(fits)
        } else {
            (0..rows.len()).rev().find(fits)
        };
        if row.is_some() {
            return row.map(at);
        }
        // The text has it and no row does: it is broken over two. Its part is near enough.
        let broken = range.is_some() && !rows.iter().any(|row| needle.is_in(row));
        (broken && beyond(0)).then(|| at(0))
    }

    fn go_to_match(&mut self, found: Position) {
        for ancestor in self.items.ancestors(found.item).collect::<Vec<_>>() {
            if self.is_folded(ancestor) {
                self.folds.insert(ancestor, false);
                self.cache.forget(ancestor);
            }
        }
        if let Some(search) = &mut self.search {
            search.at = Some(found);
            search.is_stale = true;
        }
        // A third of the view above the match, so that it is read in its context.
        let above = usize::from(self.view.height) / 3;
        let (top, _) = self.up(found, above);
        self.cursor = Some(found.item);
        self.move_to(top);
    }

    /// Marks the matches in a drawn row.
    pub(crate) fn mark_matches(
        &self,
        line: &Line<'static>,
        area: Rect,
        buf: &mut Buffer,
        theme: &Theme,
    ) {
        let Some(search) = &self.search else { return };
        let text = line.to_string();
        for range in search.needle.ranges(&text) {
            let column = |at: usize| u16::try_from(text[..at].width()).unwrap_or(u16::MAX);
            let (start, end) = (column(range.start), column(range.end));
            let x = area.x.saturating_add(start);
            let place = Rect::new(x, area.y, end.saturating_sub(start), 1).intersection(area);
            buf.set_style(place, theme.matched);
        }
    }
}
