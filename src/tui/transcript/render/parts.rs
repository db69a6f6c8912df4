//! The parts that an item is laid out in: rows, or a stretch of text that becomes rows when somebody looks at it.
//!
//! Long texts are parts by themselves, each of a bounded size, so that one who looks at a few rows of ten megabytes
//! pays for those few.

use std::ops::Range;

use ratatui::style::Style;
use ratatui::text::Line;

use crate::tui::theme::Theme;
use crate::tui::transcript::render::chunks::{self, Fence};
use crate::tui::transcript::render::layout_context::LayoutContext;
use crate::tui::transcript::render::text::{self, Row};
use crate::tui::transcript::render::{highlight, markdown};

/// A part of an item.
#[derive(Debug)]
pub(crate) enum Part {
    /// Rows that are there.
    Rows(Vec<Line<'static>>),
    /// A stretch of the item's text, laid out when it is looked at.
    Text {
        /// Which.
        range: Range<usize>,
        /// How it looks.
        look: TextStyle,
        /// What stands before its first row.
        first: Row,
        /// What stands before its other rows.
        rest: Row,
    },
}

/// How a stretch of text looks.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum TextStyle {
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

/// Two columns of nothing, below an item's mark.
pub(crate) fn indent() -> Row {
    Row::of("  ", Style::new())
}

/// An empty row, before what should stand apart.
pub(crate) fn blank() -> Part {
    Part::Rows(vec![Line::default()])
}

/// A row that says how much is not shown.
pub(crate) fn more(count: usize, what: &str, theme: &Theme) -> Line<'static> {
    let s = if count == 1 { "" } else { "s" };
    let mut row = indent();
    row.own(
        &format!("… {} more {what}{s}", text::grouped(count)),
        theme.dim,
    );
    row.line()
}

/// A stretch of an item's text as parts of a bounded size.
pub(crate) fn stretch(
    text: &str,
    range: Range<usize>,
    look: &TextStyle,
    first: Row,
    rest: Row,
) -> Vec<Part> {
    let within = match look {
        TextStyle::Markdown => None,
        TextStyle::Code(fence) => Some(fence.clone()),
        TextStyle::Words(_) | TextStyle::Output(_) | TextStyle::Numbered(_) => {
            return chunks::of_lines(text, range)
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
    for (at, piece) in chunks::of_markdown(text, range, within)
        .into_iter()
        .enumerate()
    {
        if piece.apart {
            parts.push(blank());
        }
        parts.push(Part::Text {
            range: piece.range,
            look: piece.within.map_or(TextStyle::Markdown, TextStyle::Code),
            first: if at == 0 { first.clone() } else { rest.clone() },
            rest: rest.clone(),
        });
    }
    parts
}

/// The parts that stand for the last one after the text has grown at its end; none if that part
/// is not of a kind that grows.
pub(crate) fn grow(last: &Part, text: &str) -> Option<Vec<Part>> {
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

/// The rows of a part.
pub(crate) fn lay(part: &Part, text: &str, context: &LayoutContext) -> Vec<Line<'static>> {
    let theme = &context.theme;
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
                TextStyle::Markdown | TextStyle::Code(_) => {
                    let room = context.width.saturating_sub(rest.width()).max(1);
                    let mut rows = match look {
                        TextStyle::Code(fence) => {
                            markdown::code(text, &fence.language, room, theme, &context.budget)
                        }
                        _ => markdown::write(text, room, theme, &context.budget),
                    };
                    for (at, row) in rows.iter_mut().enumerate() {
                        let before = if at == 0 { first } else { rest };
                        row.spans.splice(0..0, before.spans().iter().cloned());
                    }
                    rows
                }
                TextStyle::Words(style) => rows(text, *style, first, rest, context, true),
                TextStyle::Output(style) => rows(text, *style, first, rest, context, false),
                TextStyle::Numbered(language) => highlight::numbered(text, language, rest, context),
            }
        }
    }
}

fn rows(
    text: &str,
    style: Style,
    first: &Row,
    rest: &Row,
    context: &LayoutContext,
    by_words: bool,
) -> Vec<Line<'static>> {
    let mut rows = Vec::new();
    for (at, line) in text::lines(text).enumerate() {
        // Words are only read; output may be what is compared or copied.
        let row = if by_words {
            Row::prose_of(line, style, &context.theme)
        } else {
            Row::foreign_of(line, style, &context.theme)
        };
        let first = if at == 0 { first } else { rest };
        rows.extend(if by_words {
            row.words(context.width, first, rest)
        } else {
            row.columns(context.width, first, rest)
        });
    }
    rows
}
