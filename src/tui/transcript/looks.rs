//! How an item looks: which parts it has, folded or not, and the rows of a part.
//!
//! Pure functions from an item to rows. Long texts are parts by themselves, each of a bounded size,
//! so that one who looks at a few rows of ten megabytes pays for those few.

use std::ops::Range;
use std::sync::Arc;

use ratatui::style::Style;
use ratatui::text::Line;
use serde_json::Value;

use super::approvals::CallState;
use super::call::{self, Steps};
use super::fields::fields;
use super::ink::Ink;
use super::item::{Item, Kind};
use super::pieces::{self, Fence};
use super::sheet::Sheet;
use super::text::{self, Row};
use super::{highlight, markdown};
use crate::domain::Delivery;
use crate::tui::theme::Theme;

/// Lines of the user's words that are shown before they count as long.
const LONG_WORDS: usize = 30;

/// Lines of folded words that are shown.
const FOLDED_WORDS: usize = 8;

/// Rows of a note that are shown.
const NOTE_ROWS: usize = 40;

/// Bytes of a note's line that are shown.
const NOTE_BYTES: usize = 8 * 1024;

/// What rows are laid out for.
#[derive(Clone, Debug)]
pub(super) struct Setting {
    /// Columns there are.
    pub width: usize,
    /// The styles.
    pub theme: Theme,
    /// What may be highlighted.
    pub ink: Arc<Ink>,
}

/// A part of an item.
#[derive(Debug)]
pub(super) enum Part {
    /// Rows that are there.
    Rows(Vec<Line<'static>>),
    /// A stretch of the item's text, laid out when it is looked at.
    Text {
        /// Which.
        range: Range<usize>,
        /// How it looks.
        look: Look,
        /// What stands before its first row.
        first: Row,
        /// What stands before its other rows.
        rest: Row,
    },
}

/// How a stretch of text looks.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Look {
    /// Markdown.
    Markdown,
    /// The rest of a block of code in Markdown.
    Code(Fence),
    /// Words, wrapped between them.
    Words(Style),
    /// Output, wrapped at the edge.
    Output(Style),
    /// Code that begins each line with its number, in the language of a file of that name.
    Numbered(String),
}

/// The parts of an item.
pub(super) fn parts(
    item: &Item,
    steps: &Steps,
    folded: bool,
    state: Option<&CallState>,
    setting: &Setting,
) -> Vec<Part> {
    let theme = &setting.theme;
    match &item.kind {
        Kind::User(text) => {
            let mark = Row::of("❯ ", theme.user);
            let mut parts = vec![blank()];
            parts.extend(words(text, folded, Look::Words(theme.user), mark, setting));
            parts
        }
        Kind::Assistant(text) => {
            let mut parts = vec![blank()];
            let mark = Row::of("  ", theme.text);
            parts.extend(words(text, folded, Look::Markdown, mark, setting));
            parts
        }
        Kind::Thinking(text) if folded => {
            vec![blank(), Part::Rows(vec![folded_thinking(text, setting)])]
        }
        Kind::Thinking(text) => {
            let mark = Row::of("✻ ", theme.thinking);
            let look = Look::Words(theme.thinking);
            let mut parts = vec![blank()];
            parts.extend(stretch(text, 0..text.len(), &look, mark, indent()));
            parts
        }
        Kind::System(text) => vec![Part::Rows(note(text, folded, setting))],
        Kind::Call(call) => call::parts(call, steps, folded, state, setting),
        Kind::Orphan(answer) => call::orphan_parts(answer, folded, setting),
        Kind::Absent => {
            let mut row = Row::of("● ", theme.dim);
            row.own("a subagent, started further up", theme.dim);
            vec![Part::Rows(vec![row.cut(setting.width).line()])]
        }
    }
}

/// What stands below a message of the user that the agent has not read.
pub(super) fn delivery(delivery: Delivery, setting: &Setting) -> Option<Part> {
    let style = match delivery {
        Delivery::Queued => setting.theme.waiting,
        Delivery::Sending | Delivery::Withdrawn | Delivery::Undelivered => setting.theme.dim,
    };
    let mut row = indent();
    row.own(delivery.label()?, style);
    Some(Part::Rows(vec![row.cut(setting.width).line()]))
}

/// Whether an item is folded where nobody has said so.
pub(super) fn folded_at_first(kind: &Kind) -> bool {
    match kind {
        Kind::User(text) => text.len() > 64 * 1024 || text::lines(text).nth(LONG_WORDS).is_some(),
        Kind::Assistant(_) => false,
        Kind::System(text) => unknown(text).is_some(),
        Kind::Thinking(_) | Kind::Call(_) | Kind::Orphan(_) | Kind::Absent => true,
    }
}

/// Two columns of nothing, below an item's mark.
pub(super) fn indent() -> Row {
    Row::of("  ", Style::new())
}

/// An empty row, before what should stand apart.
pub(super) fn blank() -> Part {
    Part::Rows(vec![Line::default()])
}

/// A row that says how much is not shown.
pub(super) fn more(count: usize, what: &str, theme: &Theme) -> Line<'static> {
    let s = if count == 1 { "" } else { "s" };
    let mut row = indent();
    row.own(&format!("… {} more {what}{s}", grouped(count)), theme.dim);
    row.line()
}

/// A number with its thousands apart.
pub(super) fn grouped(number: usize) -> String {
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

fn words(text: &str, folded: bool, look: Look, mark: Row, setting: &Setting) -> Vec<Part> {
    if !folded {
        return stretch(text, 0..text.len(), &look, mark, indent());
    }
    let count = line_count(text);
    let shown = if count > FOLDED_WORDS {
        FOLDED_WORDS
    } else {
        1
    };
    let end = lines_end(text, shown);
    let mut parts = stretch(text, 0..end, &look, mark, indent());
    if count > shown {
        parts.push(Part::Rows(vec![more(
            count - shown,
            "line",
            &setting.theme,
        )]));
    }
    parts
}

fn folded_thinking(thinking: &str, setting: &Setting) -> Line<'static> {
    let theme = &setting.theme;
    let mut row = Row::of("✻ ", theme.thinking);
    let first = text::head(text::first_line(thinking), 1024);
    row.prose(first, theme.thinking, theme);
    if thinking.trim().len() > first.len() {
        row.own(" …", theme.thinking);
    }
    row.cut(setting.width).line()
}

fn note(text: &str, folded: bool, setting: &Setting) -> Vec<Line<'static>> {
    let theme = &setting.theme;
    let shown = if folded { 1 } else { NOTE_ROWS };
    let mut sheet = Sheet::new(setting.width, shown, theme, &setting.ink);
    match unknown(text) {
        Some(value) if folded => {
            let kind = value.get("type").and_then(Value::as_str);
            let kind = text::head(kind.unwrap_or("without a type"), 64);
            let mut row = Row::of("· unknown block: ", theme.dim);
            row.foreign(kind, theme.dim, theme);
            return vec![row.cut(setting.width).line()];
        }
        Some(value) => fields(&mut sheet, &value),
        None => {
            for (at, line) in text::lines(text).enumerate() {
                if sheet.is_full() {
                    break;
                }
                let row = Row::prose_of(text::head(line, NOTE_BYTES), theme.dim, theme);
                let first = if at == 0 {
                    Row::of("· ", theme.dim)
                } else {
                    indent()
                };
                sheet.words(&row, &first, &indent());
            }
        }
    }
    let (mut rows, more) = sheet.finish();
    if more {
        rows.push(Row::of("  …", theme.dim).line());
    }
    rows
}

/// What the agent says in a form that is not known yet: it comes as JSON.
fn unknown(text: &str) -> Option<Value> {
    (text.starts_with('{') && text.len() < NOTE_BYTES)
        .then(|| serde_json::from_str(text).ok())
        .flatten()
}

/// A stretch of an item's text as parts of a bounded size.
pub(super) fn stretch(
    text: &str,
    range: Range<usize>,
    look: &Look,
    first: Row,
    rest: Row,
) -> Vec<Part> {
    let within = match look {
        Look::Markdown => None,
        Look::Code(fence) => Some(fence.clone()),
        Look::Words(_) | Look::Output(_) | Look::Numbered(_) => {
            return pieces::of_lines(text, range)
                .into_iter()
                .enumerate()
                .map(|(at, range)| Part::Text {
                    range,
                    look: look.clone(),
                    first: if at == 0 { first.clone() } else { rest.clone() },
                    rest: rest.clone(),
                })
                .collect();
        }
    };
    let mut parts = Vec::new();
    for (at, piece) in pieces::of_markdown(text, range, within)
        .into_iter()
        .enumerate()
    {
        if piece.apart {
            parts.push(blank());
        }
        parts.push(Part::Text {
            range: piece.range,
            look: piece.within.map_or(Look::Markdown, Look::Code),
            first: if at == 0 { first.clone() } else { rest.clone() },
            rest: rest.clone(),
        });
    }
    parts
}

/// The parts that stand for the last one after the text has grown at its end; none if that part
/// is not of a kind that grows.
pub(super) fn grow(last: &Part, text: &str) -> Option<Vec<Part>> {
    match last {
        Part::Rows(_) => None,
        Part::Text {
            range,
            look,
            first,
            rest,
        } => Some(stretch(
            text,
            range.start..text.len(),
            look,
            first.clone(),
            rest.clone(),
        )),
    }
}

/// How many lines a text has.
pub(super) fn line_count(text: &str) -> usize {
    let ends = text.bytes().filter(|byte| *byte == b'\n').count();
    ends + usize::from(!text.is_empty() && !text.ends_with('\n'))
}

/// Where the first so many lines end.
pub(super) fn lines_end(text: &str, lines: usize) -> usize {
    text.match_indices('\n')
        .nth(lines.saturating_sub(1))
        .map_or(text.len(), |(at, _)| at + 1)
}

/// Where the last so many lines begin.
pub(super) fn lines_start(text: &str, lines: usize) -> usize {
    text.trim_end_matches('\n')
        .rmatch_indices('\n')
        .nth(lines.saturating_sub(1))
        .map_or(0, |(at, _)| at + 1)
}

/// The rows of a part.
pub(super) fn lay(part: &Part, text: &str, setting: &Setting) -> Vec<Line<'static>> {
    let theme = &setting.theme;
    match part {
        Part::Rows(rows) => rows.clone(),
        Part::Text {
            range,
            look,
            first,
            rest,
        } => {
            let text = text.get(range.clone()).unwrap_or_default();
            match look {
                Look::Markdown | Look::Code(_) => {
                    let room = setting.width.saturating_sub(rest.width()).max(1);
                    let mut rows = match look {
                        Look::Code(fence) => {
                            markdown::code(text, &fence.language, room, theme, &setting.ink)
                        }
                        _ => markdown::write(text, room, theme, &setting.ink),
                    };
                    for (at, row) in rows.iter_mut().enumerate() {
                        let before = if at == 0 { first } else { rest };
                        row.spans.splice(0..0, before.spans().iter().cloned());
                    }
                    rows
                }
                Look::Words(style) => rows(text, *style, first, rest, setting, true),
                Look::Output(style) => rows(text, *style, first, rest, setting, false),
                Look::Numbered(language) => highlight::numbered(text, language, rest, setting),
            }
        }
    }
}

fn rows(
    text: &str,
    style: Style,
    first: &Row,
    rest: &Row,
    setting: &Setting,
    by_words: bool,
) -> Vec<Line<'static>> {
    let mut rows = Vec::new();
    for (at, line) in text::lines(text).enumerate() {
        // Words are only read; output may be what is compared or copied.
        let row = if by_words {
            Row::prose_of(line, style, &setting.theme)
        } else {
            Row::foreign_of(line, style, &setting.theme)
        };
        let first = if at == 0 { first } else { rest };
        rows.extend(if by_words {
            row.words(setting.width, first, rest)
        } else {
            row.columns(setting.width, first, rest)
        });
    }
    rows
}
