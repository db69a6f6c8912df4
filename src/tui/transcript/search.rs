//! Searching in what is loaded.
//!
//! Owns the needle and the matches in view. An item is first asked by its text, which is cheap; only
//! one that has the needle is laid out to find the row.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use serde_json::Value;
use unicode_width::UnicodeWidthStr as _;

use super::Transcript;
use super::item::{ItemId, Kind};
use super::walk::Position;
use crate::tui::theme::Theme;

/// What is searched for.
#[derive(Debug)]
pub(super) struct Search {
    needle: Needle,
    /// The row of the match that was gone to last.
    at: Option<Position>,
}

/// A text to be found whatever its case.
#[derive(Debug)]
struct Needle {
    lower: String,
}

impl Needle {
    /// The byte ranges where it is, from the left, not overlapping.
    fn ranges(&self, text: &str) -> Vec<std::ops::Range<usize>> {
        let mut found = Vec::new();
        let mut from = 0;
        while let Some(range) = self.find(&text[from..]) {
            let end = from + range.end;
            found.push(from + range.start..end);
            from = end;
        }
        found
    }

    fn is_in(&self, text: &str) -> bool {
        self.find(text).is_some()
    }

    /// Whether any text or number of a value has it.
    fn is_in_value(&self, value: &Value) -> bool {
        match value {
            Value::Null | Value::Bool(_) => false,
            Value::Number(number) => self.is_in(&number.to_string()),
            Value::String(text) => self.is_in(text),
            Value::Array(values) => values.iter().any(|value| self.is_in_value(value)),
            Value::Object(fields) => fields.values().any(|value| self.is_in_value(value)),
        }
    }

    fn find(&self, text: &str) -> Option<std::ops::Range<usize>> {
        if self.lower.is_ascii() {
            let needle = self.lower.as_bytes();
            let first = *needle.first()?;
            let other = first.to_ascii_uppercase();
            let hay = text.as_bytes();
            let mut from = 0;
            while let Some(at) = hay
                .get(from..)?
                .iter()
                .position(|byte| *byte == first || *byte == other)
            {
                let start = from + at;
                let end = start + needle.len();
                if hay.get(start..end)?.eq_ignore_ascii_case(needle) {
                    return Some(start..end);
                }
                from = start + 1;
            }
            return None;
        }
        text.char_indices().find_map(|(start, _)| {
            let mut wanted = self.lower.chars();
            let mut next = wanted.next();
            for (at, c) in text[start..].char_indices() {
                for lower in c.to_lowercase() {
                    if next != Some(lower) {
                        return None;
                    }
                    next = wanted.next();
                }
                if next.is_none() {
                    return Some(start..start + at + c.len_utf8());
                }
            }
            None
        })
    }
}

impl Transcript {
    /// Searches for a text from the view on, whatever its case, and goes to the first match; an
    /// empty text ends the search. Says whether there is a match.
    pub fn search(&mut self, needle: &str) -> bool {
        if needle.is_empty() {
            self.search = None;
            return false;
        }
        let lower = needle.to_lowercase();
        let from = self.search.take().and_then(|search| search.at);
        self.search = Some(Search {
            needle: Needle { lower },
            at: None,
        });
        let start = match from {
            Some(at) => self.clamp(at),
            None => self.top_now(),
        };
        start.is_some_and(|start| self.find(start, true, true))
    }

    /// Goes to the next match, from the beginning again after the last.
    pub fn next_match(&mut self) -> bool {
        self.go_on(true)
    }

    /// Goes to the previous match, from the end again before the first.
    pub fn previous_match(&mut self) -> bool {
        self.go_on(false)
    }

    /// Forgets where the last match was: its item is another now.
    pub(super) fn forget_match(&mut self) {
        if let Some(search) = &mut self.search {
            search.at = None;
        }
    }

    fn go_on(&mut self, forward: bool) -> bool {
        let Some(at) = self.search.as_ref().map(|search| search.at) else {
            return false;
        };
        let from = match at {
            Some(at) => self.clamp(at),
            None => self.top_now(),
        };
        from.is_some_and(|from| self.find(from, forward, false))
    }

    /// Goes to the nearest match from a row on (that row itself too, if `here`), once around.
    fn find(&mut self, from: Position, forward: bool, here: bool) -> bool {
        if let Some(found) = self.match_in(from.item, Some((from, here)), forward) {
            return self.go_to_match(found);
        }
        let mut item = from.item;
        loop {
            let next = if forward {
                self.next_holding(item)
            } else {
                self.previous_holding(item)
            };
            item = match next {
                Some(next) => next,
                None => return false,
            };
            if item == from.item {
                break;
            }
            if self.has_needle(item)
                && let Some(found) = self.match_in(item, None, forward)
            {
                return self.go_to_match(found);
            }
        }
        match self.match_in(item, None, forward) {
            Some(found) => self.go_to_match(found),
            None => false,
        }
    }

    /// The next item of all, steps in folded calls too, around the end.
    fn next_holding(&self, id: ItemId) -> Option<ItemId> {
        if let Some((_, child)) = self.items.get(id).children.front() {
            return Some(*child);
        }
        std::iter::once(id)
            .chain(self.items.ancestors(id))
            .find_map(|id| {
                let place = self.items.place_of(id)?;
                let siblings = self.items.siblings(self.items.get(id).parent);
                siblings.get(place + 1).map(|(_, next)| *next)
            })
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
        if let Some(found) = self.row_with_needle(id, from, forward) {
            return Some(found);
        }
        if from.is_some() || !self.is_folded(id) {
            return None;
        }
        let before = self.folds.insert(id, false);
        self.cache.forget(id);
        let found = self.row_with_needle(id, None, forward);
        if found.is_none() {
            match before {
                Some(folded) => self.folds.insert(id, folded),
                None => self.folds.remove(&id),
            };
            self.cache.forget(id);
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

    fn go_to_match(&mut self, found: Position) -> bool {
        for ancestor in self.items.ancestors(found.item).collect::<Vec<_>>() {
            if self.is_folded(ancestor) {
                self.folds.insert(ancestor, false);
                self.cache.forget(ancestor);
            }
        }
        if let Some(search) = &mut self.search {
            search.at = Some(found);
        }
        // A third of the view above the match, so that it is read in its context.
        let above = usize::from(self.view.height) / 3;
        let (top, _) = self.up(found, above);
        self.cursor = Some(found.item);
        self.move_to(top);
        true
    }

    /// Marks the matches in a drawn row.
    pub(super) fn mark_matches(
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
