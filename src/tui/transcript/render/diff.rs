//! What an edit changes: lines that go and lines that come, with their context.
//!
//! Owns the comparison and its looks: numbers, signs, highlighted code, and within a changed line the
//! words that differ. Works on texts; where they come from is its callers' business.

use std::ops::Range;
use std::time::Duration;

use ratatui::style::Style;
use ratatui::text::Line;
use similar::{Algorithm, ChangeTag, DiffOp, DiffTag, TextDiff};

use crate::tui::theme::Theme;
use crate::tui::transcript::render::canvas::Canvas;
use crate::tui::transcript::render::highlight::Painter;
use crate::tui::transcript::render::text::{self, Row};

/// Unchanged lines around a change.
const CONTEXT: usize = 3;

/// Lines above a change that are read for the highlighting's sake.
const LEAD: usize = 40;

/// Bytes of a line within which words are compared.
const MAX_WORDS: usize = 1_000;

/// How alike two lines must be for their words to be compared.
const ALIKE: f32 = 0.4;

/// How long two texts are compared exactly; after that roughly.
const PATIENCE: Duration = Duration::from_millis(20);

/// How many lines an edit adds and removes.
#[must_use]
pub fn count(old: &str, new: &str) -> (usize, usize) {
    if old.is_empty() || new.is_empty() {
        return (text::line_count(new), text::line_count(old));
    }
    let sides = Sides::of(old, new);
    let mut counts = (0, 0);
    for op in sides.ops() {
        if op.tag() != DiffTag::Equal {
            counts.0 += op.new_range().len();
            counts.1 += op.old_range().len();
        }
    }
    counts
}

/// The difference of two texts in the language of a file of that name, with or without the lines'
/// numbers, in rows of at most so many columns.
#[must_use]
pub fn lines(
    old: &str,
    new: &str,
    path: &str,
    numbered: bool,
    width: u16,
    theme: &Theme,
) -> Vec<Line<'static>> {
    let mut canvas = Canvas::of_text(width, theme);
    write(&mut canvas, old, new, path, numbered);
    canvas.finish().0
}

/// The same on a canvas.
pub(crate) fn write(canvas: &mut Canvas<'_>, old: &str, new: &str, path: &str, numbered: bool) {
    let sides = Sides::of(old, new);
    let ops = sides.ops();
    if ops.iter().all(|op| op.tag() == DiffTag::Equal) {
        canvas.note("nothing changes", canvas.theme.dim);
        return;
    }
    let most = sides.skipped + sides.old.len().max(sides.new.len());
    let digits = if numbered { most.to_string().len() } else { 0 };
    let mut end = 0;
    for hunk in similar::group_diff_ops(ops, CONTEXT) {
        if canvas.is_full() {
            return;
        }
        let (Some(first), Some(last)) = (hunk.first(), hunk.last()) else {
            continue;
        };
        let start = sides.skipped + first.old_range().start;
        if start > end {
            gap(canvas, start - end, numbered, digits);
        }
        end = sides.skipped + last.old_range().end;
        sides.hunk(canvas, &hunk, path, digits);
    }
    if old.is_empty() || new.is_empty() {
        return;
    }
    match (old.ends_with('\n'), new.ends_with('\n')) {
        (true, false) => canvas.note("the last line loses its line end", canvas.theme.dim),
        (false, true) => canvas.note("the last line gets a line end", canvas.theme.dim),
        (true, true) | (false, false) => {}
    }
}

fn gap(canvas: &mut Canvas<'_>, lines: usize, numbered: bool, digits: usize) {
    if numbered {
        let mut row = Row::of(&" ".repeat(digits), canvas.theme.dim);
        let s = if lines == 1 { "" } else { "s" };
        row.own(&format!(" ⋯ {lines} line{s}"), canvas.theme.dim);
        let room = canvas.width;
        canvas.push(row.cut(room));
    } else {
        canvas.push(Row::of("⋯", canvas.theme.dim));
    }
}

/// Two texts as lines, without most of what is the same at their beginning and end.
struct Sides<'a> {
    old: Vec<&'a str>,
    new: Vec<&'a str>,
    /// Lines left out at the beginning.
    skipped: usize,
}

impl<'a> Sides<'a> {
    fn of(old: &'a str, new: &'a str) -> Self {
        let split = |text: &'a str| -> Vec<&'a str> {
            text.split_inclusive('\n')
                .map(|line| line.strip_suffix('\n').unwrap_or(line))
                .collect()
        };
        let (mut old, mut new) = (split(old), split(new));
        let same = |pairs: &mut dyn Iterator<Item = (&&str, &&str)>| {
            pairs.take_while(|(old, new)| old == new).count()
        };
        let tail = same(&mut old.iter().rev().zip(new.iter().rev()));
        let tail = tail.saturating_sub(LEAD);
        old.truncate(old.len() - tail);
        new.truncate(new.len() - tail);
        let head = same(&mut old.iter().zip(&new)).saturating_sub(LEAD);
        old.drain(..head);
        new.drain(..head);
        Self {
            old,
            new,
            skipped: head,
        }
    }

    fn ops(&self) -> Vec<DiffOp> {
        let deadline = std::time::Instant::now().checked_add(PATIENCE);
        similar::capture_diff_slices_deadline(Algorithm::Myers, &self.old, &self.new, deadline)
    }

    fn hunk(&self, canvas: &mut Canvas<'_>, hunk: &[DiffOp], path: &str, digits: usize) {
        let range = |of: fn(&DiffOp) -> Range<usize>| {
            let start = hunk.first().map_or(0, |op| of(op).start);
            start..hunk.last().map_or(start, |op| of(op).end)
        };
        let theme = canvas.theme;
        let painter = || Painter::new(path, theme, &canvas.budget);
        let mut old = Side::new(&self.old, &range(DiffOp::old_range), painter());
        let mut new = Side::new(&self.new, &range(DiffOp::new_range), painter());
        for op in hunk {
            let (from, to) = (op.old_range(), op.new_range());
            if op.tag() == DiffTag::Equal {
                for (at, other) in to.zip(from) {
                    old.pass(other);
                    let number = self.skipped + at + 1;
                    let pieces = new.pieces(at, &[]);
                    LineKind::Same.write(canvas, pieces, number, digits);
                }
                continue;
            }
            let pairs: Vec<(Ranges, Ranges)> = from
                .clone()
                .zip(to.clone())
                .map(|(old, new)| differing(self.old[old], self.new[new]))
                .collect();
            for (nth, at) in from.enumerate() {
                if canvas.is_full() {
                    return;
                }
                let words = pairs.get(nth).map_or(&[][..], |(old, _)| old);
                let pieces = old.pieces(at, words);
                LineKind::Removed.write(canvas, pieces, self.skipped + at + 1, digits);
            }
            for (nth, at) in to.enumerate() {
                if canvas.is_full() {
                    return;
                }
                let words = pairs.get(nth).map_or(&[][..], |(_, new)| new);
                let pieces = new.pieces(at, words);
                LineKind::Added.write(canvas, pieces, self.skipped + at + 1, digits);
            }
        }
    }
}

type Ranges = Vec<Range<usize>>;

/// One side's lines, highlighted one after the other.
struct Side<'a, 't> {
    lines: &'a [&'a str],
    painter: Painter<'t>,
}

impl<'a, 't> Side<'a, 't> {
    fn new(lines: &'a [&'a str], shown: &Range<usize>, painter: Painter<'t>) -> Self {
        let mut painter = painter;
        for line in &lines[shown.start.saturating_sub(LEAD)..shown.start] {
            painter.pieces(line);
        }
        Self { lines, painter }
    }

    fn pass(&mut self, at: usize) {
        self.painter.pieces(self.lines[at]);
    }

    /// A line in pieces: style, text, and whether it is among the words that differ.
    fn pieces(&mut self, at: usize, words: &[Range<usize>]) -> Vec<(Style, &'a str, bool)> {
        let line = self.lines[at];
        let mut out = Vec::new();
        let mut start = 0;
        for (style, piece) in self.painter.pieces(line) {
            let end = start + piece.len();
            let mut cut: Vec<usize> = words
                .iter()
                .flat_map(|word| [word.start, word.end])
                .filter(|at| *at > start && *at < end)
                .collect();
            cut.push(end);
            for next in cut {
                let differs = words.iter().any(|word| word.contains(&start));
                if let Some(text) = line.get(start..next) {
                    out.push((style, text, differs));
                }
                start = next;
            }
        }
        out
    }
}

#[derive(Clone, Copy)]
enum LineKind {
    Same,
    Removed,
    Added,
}

impl LineKind {
    fn write(
        self,
        canvas: &mut Canvas<'_>,
        pieces: Vec<(Style, &str, bool)>,
        number: usize,
        digits: usize,
    ) {
        let theme = canvas.theme;
        let (sign, sign_style, ground, word) = match self {
            Self::Same => ("  ", theme.dim, Style::new(), Style::new()),
            Self::Removed => ("- ", theme.bad, theme.removed, theme.removed_word),
            Self::Added => ("+ ", theme.good, theme.added, theme.added_word),
        };
        let mut first = Row::new();
        let mut rest = Row::new();
        if digits > 0 {
            first.own(&format!("{number:>digits$} "), theme.dim);
            rest.own(&" ".repeat(digits + 1), theme.dim);
        }
        first.own(sign, sign_style.patch(ground));
        rest.own("  ", ground);
        let mut row = Row::new();
        for (style, text, differs) in pieces {
            let style = style.patch(if differs { word } else { ground });
            // The `\r` of a line end is only worth showing where it may be what changes.
            let text = match self {
                Self::Same => text.strip_suffix('\r').unwrap_or(text),
                Self::Removed | Self::Added => text,
            };
            row.foreign(text, style, theme);
        }
        let mut lines = row.columns(canvas.width, &first, &rest);
        if ground.bg.is_some() {
            for line in &mut lines {
                let spare = canvas.width.saturating_sub(line.width());
                line.push_span(ratatui::text::Span::styled(" ".repeat(spare), ground));
            }
        }
        canvas.extend(lines);
    }
}

/// The words in which two lines differ, on either side; none where they have little in common.
fn differing(old: &str, new: &str) -> (Ranges, Ranges) {
    let mut found = (Vec::new(), Vec::new());
    if old.len().max(new.len()) > MAX_WORDS {
        return found;
    }
    let diff = TextDiff::from_unicode_words(old, new);
    let mut same = 0;
    let (mut left, mut right) = (0, 0);
    for change in diff.iter_all_changes() {
        let size = change.value().len();
        match change.tag() {
            ChangeTag::Equal => {
                if !change.value().trim().is_empty() {
                    same += 2 * size;
                }
                left += size;
                right += size;
            }
            ChangeTag::Delete => {
                join(&mut found.0, left..left + size);
                left += size;
            }
            ChangeTag::Insert => {
                join(&mut found.1, right..right + size);
                right += size;
            }
        }
    }
    let all = old.trim().len() + new.trim().len();
    #[allow(
        clippy::cast_precision_loss,
        reason = "lines are at most a thousand bytes long here"
    )]
    let alike = all == 0 || same as f32 / all as f32 >= ALIKE;
    if alike {
        found
    } else {
        (Vec::new(), Vec::new())
    }
}

fn join(ranges: &mut Ranges, next: Range<usize>) {
    match ranges.last_mut() {
        Some(last) if last.end == next.start => last.end = next.end,
        Some(_) | None => ranges.push(next),
    }
}
