//! Foreign text made into safe, styled, measured lines.
//!
//! Owns the way from a string of the agent's to lines of spans: characters that deceive become
//! their code points in the style [`Theme::unmasked`], tabs become spaces, and lines are wrapped by
//! words or by columns with the widths that terminals use. Every drawing of this module's
//! neighbours goes through here. Knows nothing of conversations.

use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

use crate::domain::text::{Level, find_deceptive, visible};
use crate::tui::theme::Theme;

/// Columns from one tab stop to the next.
const TAB: usize = 4;

/// Columns that a text takes.
#[must_use]
pub fn width(text: &str) -> usize {
    text.width()
}

/// One line before it is wrapped: pieces of text with their styles.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    spans: Vec<Span<'static>>,
    column: usize,
}

impl Row {
    /// A line with nothing in it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A line of words of ours.
    #[must_use]
    pub fn of(text: &str, style: Style) -> Self {
        let mut row = Self::new();
        row.own(text, style);
        row
    }

    /// A line of foreign text.
    #[must_use]
    pub fn foreign_of(text: &str, style: Style, theme: &Theme) -> Self {
        let mut row = Self::new();
        row.foreign(text, style, theme);
        row
    }

    /// A line of foreign text that is only read.
    #[must_use]
    pub fn prose_of(text: &str, style: Style, theme: &Theme) -> Self {
        let mut row = Self::new();
        row.prose(text, style, theme);
        row
    }

    /// Adds words of ours.
    pub fn own(&mut self, text: &str, style: Style) {
        if text.is_empty() {
            return;
        }
        self.column += text.width();
        if let Some(last) = self.spans.last_mut()
            && last.style == style
        {
            last.content.to_mut().push_str(text);
            return;
        }
        self.spans.push(Span::styled(text.to_owned(), style));
    }

    /// Adds a foreign text: tabs as spaces, deceptive characters (line breaks too) as what they are.
    pub fn foreign(&mut self, text: &str, style: Style, theme: &Theme) {
        self.safe(text, style, theme, Level::Strict);
    }

    /// Adds a foreign text that is only read: emoji and words keep their joiners.
    pub fn prose(&mut self, text: &str, style: Style, theme: &Theme) {
        self.safe(text, style, theme, Level::Prose);
    }

    fn safe(&mut self, text: &str, style: Style, theme: &Theme, level: Level) {
        let mut done = 0;
        while let Some(at) = find_deceptive(text, done, level) {
            self.own(&text[done..at], style);
            let Some(c) = text[at..].chars().next() else {
                return;
            };
            let end = at + c.len_utf8();
            if c == '\t' {
                let spaces = TAB - self.column % TAB;
                self.own(&"    "[..spaces.min(4)], style);
            } else {
                self.own(&visible(c), style.patch(theme.unmasked));
            }
            done = end;
        }
        self.own(&text[done..], style);
    }

    /// Adds the pieces of another line.
    pub fn append(&mut self, other: Self) {
        for span in other.spans {
            self.own(&span.content, span.style);
        }
    }

    /// Columns so far.
    #[must_use]
    pub fn width(&self) -> usize {
        self.column
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The pieces.
    #[must_use]
    pub fn spans(&self) -> &[Span<'static>] {
        &self.spans
    }

    /// Puts a style below every piece's own.
    #[must_use]
    pub fn on(mut self, ground: Style) -> Self {
        for span in &mut self.spans {
            span.style = ground.patch(span.style);
        }
        self
    }

    /// The line as it is, without wrapping.
    #[must_use]
    pub fn line(self) -> Line<'static> {
        Line::from(self.spans)
    }

    /// The line cut to some columns, an ellipsis for what is missing.
    #[must_use]
    pub fn cut(self, columns: usize) -> Self {
        if self.column <= columns {
            return self;
        }
        let mut short = Self::new();
        for span in &self.spans {
            for cell in span.content.graphemes(true) {
                if short.column + cell.width() > columns.saturating_sub(1) {
                    if columns > 0 {
                        short.own("…", span.style);
                    }
                    return short;
                }
                short.own(cell, span.style);
            }
        }
        short
    }

    /// The line in as many lines as it needs, broken between words where that is possible.
    /// `first` stands before the first of them, `rest` before the others.
    #[must_use]
    pub fn words(&self, width: usize, first: &Row, rest: &Row) -> Vec<Line<'static>> {
        self.wrap(width, first, rest, true)
    }

    /// The line in as many lines as it needs, each as full as it can be: for code.
    #[must_use]
    pub fn columns(&self, width: usize, first: &Row, rest: &Row) -> Vec<Line<'static>> {
        self.wrap(width, first, rest, false)
    }

    fn wrap(&self, width: usize, first: &Row, rest: &Row, by_words: bool) -> Vec<Line<'static>> {
        // What stands before a line may take half of it at most: a deep list in a narrow pane.
        let room = (width / 2).max(1);
        let fit = |row: &Row| {
            if row.column <= room {
                row.clone()
            } else {
                row.clone().cut(room)
            }
        };
        let first = if self.column + first.column <= width {
            first.clone()
        } else {
            fit(first)
        };
        if self.column + first.column <= width {
            let mut row = first;
            row.append(self.clone());
            return vec![row.line()];
        }
        let rest = fit(rest);
        let cells = self.cells();
        let mut lines = Vec::new();
        let mut start = 0;
        while start < cells.len() {
            let before = if lines.is_empty() { &first } else { &rest };
            let room = width.saturating_sub(before.column).max(1);
            let (end, next) = if by_words {
                break_words(&cells[start..], room)
            } else {
                let end = fill(&cells[start..], room);
                (end, end)
            };
            let mut row = before.clone();
            for cell in &cells[start..start + end] {
                row.own(cell.text, cell.style);
            }
            lines.push(row.line());
            start += next.max(1);
        }
        lines
    }

    fn cells(&self) -> Vec<Cell<'_>> {
        let mut cells = Vec::with_capacity(self.column);
        for span in &self.spans {
            for text in span.content.graphemes(true) {
                cells.push(Cell {
                    text,
                    width: text.width(),
                    style: span.style,
                });
            }
        }
        cells
    }
}

struct Cell<'a> {
    text: &'a str,
    width: usize,
    style: Style,
}

/// How many cells fit into so many columns, but at least one.
fn fill(cells: &[Cell<'_>], room: usize) -> usize {
    let mut used = 0;
    for (at, cell) in cells.iter().enumerate() {
        used += cell.width;
        if used > room {
            return at.max(1);
        }
    }
    cells.len()
}

/// Where the line ends that begins here, and where the next one begins.
fn break_words(cells: &[Cell<'_>], room: usize) -> (usize, usize) {
    let full = fill(cells, room);
    if full == cells.len() {
        return (full, full);
    }
    let is_space = |at: usize| cells[at].text == " ";
    // A line may end before a space, and on either side of a wide character (CJK has no spaces).
    let fits = |at: usize| is_space(at) || cells[at].width > 1 || cells[at - 1].width > 1;
    let mut end = full;
    while end > 0 && !fits(end) && !is_space(end - 1) {
        end -= 1;
    }
    let mut line = if end == 0 { full } else { end };
    let mut next = line;
    while line > 0 && is_space(line - 1) {
        line -= 1;
    }
    while next < cells.len() && is_space(next) {
        next += 1;
    }
    if line == 0 {
        // Nothing but white space fits: an indentation wider than the room.
        return (full, full);
    }
    (line, next)
}

/// The lines of a text, without their ends; a last empty one does not count. `\r\n` ends a line
/// too, any other `\r` is a character to be shown.
pub fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive('\n').map(|line| {
        let line = line.strip_suffix('\n').unwrap_or(line);
        line.strip_suffix('\r').unwrap_or(line)
    })
}

/// The lines of a text that is decided about: a `\r` before a line's end is shown like any other.
pub fn shown_lines(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive('\n')
        .map(|line| line.strip_suffix('\n').unwrap_or(line))
}

/// The first line of a text that has words in it, without white space around it.
#[must_use]
pub fn first_line(text: &str) -> &str {
    lines(text)
        .map(str::trim)
        .find(|line| !line.is_empty())
        .unwrap_or_default()
}

/// The start of a text, of at most so many bytes, cut between characters.
#[must_use]
pub fn head(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

/// A number with its thousands apart.
pub(crate) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// How many lines a text has.
pub(crate) fn line_count(text: &str) -> usize {
    let ends = text.bytes().filter(|byte| *byte == b'\n').count();
    ends + usize::from(!text.is_empty() && !text.ends_with('\n'))
}

/// Where the first so many lines end.
pub(crate) fn lines_end(text: &str, lines: usize) -> usize {
    text.match_indices('\n')
        .nth(lines.saturating_sub(1))
        .map_or(text.len(), |(at, _)| at + 1)
}

/// Where the last so many lines begin.
pub(crate) fn lines_start(text: &str, lines: usize) -> usize {
    text.trim_end_matches('\n')
        .rmatch_indices('\n')
        .nth(lines.saturating_sub(1))
        .map_or(0, |(at, _)| at + 1)
}

#[cfg(test)]
#[path = "text_tests.rs"]
mod tests;
