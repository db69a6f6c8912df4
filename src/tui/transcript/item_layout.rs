//! How an item looks: which parts it has, folded or not.

use ratatui::text::Line;
use serde_json::Value;

use crate::domain::Delivery;
use crate::tui::transcript::model::approvals::CallState;
use crate::tui::transcript::model::item::{Item, Kind};
use crate::tui::transcript::render::canvas::Canvas;
use crate::tui::transcript::render::generic_input::fields;
use crate::tui::transcript::render::layout_context::LayoutContext;
use crate::tui::transcript::render::parts::{Part, TextStyle, blank, indent, more, stretch};
use crate::tui::transcript::render::text::{self, Row};
use crate::tui::transcript::tools::call::{self, Steps};

/// Lines of the user's words that are shown before they count as long.
const LONG_WORDS: usize = 30;

/// Lines of folded words that are shown.
const FOLDED_WORDS: usize = 8;

/// Rows of a note that are shown.
const NOTE_ROWS: usize = 40;

/// Bytes of a note's line that are shown.
const NOTE_BYTES: usize = 8 * 1024;

/// The parts of an item.
pub(crate) fn parts(
    item: &Item,
    steps: &Steps,
    folded: bool,
    state: Option<&CallState>,
    context: &LayoutContext,
) -> Vec<Part> {
    let theme = &context.theme;
    match &item.kind {
        Kind::User(text) => {
            let mark = Row::of("❯ ", theme.user);
            let mut parts = vec![blank()];
            parts.extend(words(
                text,
                folded,
                TextStyle::Words(theme.user),
                mark,
                context,
            ));
            parts
        }
        Kind::Assistant(text) => {
            let mut parts = vec![blank()];
            let mark = Row::of("  ", theme.text);
            parts.extend(words(text, folded, TextStyle::Markdown, mark, context));
            parts
        }
        Kind::Thinking(text) if folded => {
            vec![blank(), Part::Rows(vec![folded_thinking(text, context)])]
        }
        Kind::Thinking(text) => {
            let mark = Row::of("✻ ", theme.thinking);
            let look = TextStyle::Words(theme.thinking);
            let mut parts = vec![blank()];
            parts.extend(stretch(text, 0..text.len(), &look, mark, indent()));
            parts
        }
        Kind::System(text) => vec![Part::Rows(note(text, folded, context))],
        Kind::Call(call) => call::parts(call, steps, folded, state, context),
        Kind::Orphan(answer) => call::orphan_parts(answer, folded, context),
        Kind::Absent => {
            let mut row = Row::of("● ", theme.dim);
            row.own("a subagent, started further up", theme.dim);
            vec![Part::Rows(vec![row.cut(context.width).line()])]
        }
    }
}

/// What stands below a message of the user that the agent has not read.
pub(crate) fn delivery(delivery: Delivery, context: &LayoutContext) -> Option<Part> {
    let style = match delivery {
        Delivery::Queued => context.theme.waiting,
        Delivery::Sending | Delivery::Withdrawn | Delivery::Undelivered => context.theme.dim,
    };
    let mut row = indent();
    row.own(delivery.label()?, style);
    Some(Part::Rows(vec![row.cut(context.width).line()]))
}

/// Whether an item is folded where nobody has said so.
pub(crate) fn folded_at_first(kind: &Kind) -> bool {
    match kind {
        Kind::User(text) => text.len() > 64 * 1024 || text::lines(text).nth(LONG_WORDS).is_some(),
        Kind::Assistant(_) => false,
        Kind::System(text) => unknown(text).is_some(),
        Kind::Thinking(_) | Kind::Call(_) | Kind::Orphan(_) | Kind::Absent => true,
    }
}

fn words(
    text: &str,
    folded: bool,
    look: TextStyle,
    mark: Row,
    context: &LayoutContext,
) -> Vec<Part> {
    if !folded {
        return stretch(text, 0..text.len(), &look, mark, indent());
    }
    let count = text::line_count(text);
    let shown = if count > FOLDED_WORDS {
        FOLDED_WORDS
    } else {
        1
    };
    let end = text::lines_end(text, shown);
    let mut parts = stretch(text, 0..end, &look, mark, indent());
    if count > shown {
        parts.push(Part::Rows(vec![more(
            count - shown,
            "line",
            &context.theme,
        )]));
    }
    parts
}

fn folded_thinking(thinking: &str, context: &LayoutContext) -> Line<'static> {
    let theme = &context.theme;
    let mut row = Row::of("✻ ", theme.thinking);
    let first = text::head(text::first_line(thinking), 1024);
    row.prose(first, theme.thinking, theme);
    if thinking.trim().len() > first.len() {
        row.own(" …", theme.thinking);
    }
    row.cut(context.width).line()
}

fn note(text: &str, folded: bool, context: &LayoutContext) -> Vec<Line<'static>> {
    let theme = &context.theme;
    let shown = if folded { 1 } else { NOTE_ROWS };
    let mut canvas = Canvas::new(context.width, shown, theme, &context.budget);
    match unknown(text) {
        Some(value) if folded => {
            let kind = value.get("type").and_then(Value::as_str);
            let kind = text::head(kind.unwrap_or("without a type"), 64);
            let mut row = Row::of("· unknown block: ", theme.dim);
            row.foreign(kind, theme.dim, theme);
            return vec![row.cut(context.width).line()];
        }
        Some(value) => fields(&mut canvas, &value),
        None => {
            for (at, line) in text::lines(text).enumerate() {
                if canvas.is_full() {
                    break;
                }
                let row = Row::prose_of(text::head(line, NOTE_BYTES), theme.dim, theme);
                let first = if at == 0 {
                    Row::of("· ", theme.dim)
                } else {
                    indent()
                };
                canvas.words(&row, &first, &indent());
            }
        }
    }
    let (mut rows, more) = canvas.finish();
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
