//! How a tool's result looks: what matters of it in the head, then as much as is worth its rows.

use std::ops::Range;

use ratatui::style::Style;
use ratatui::text::Line;
use serde_json::Value;

use crate::tui::theme::Theme;
use crate::tui::transcript::model::item::Answer;
use crate::tui::transcript::render::canvas::Canvas;
use crate::tui::transcript::render::generic_input::fields;
use crate::tui::transcript::render::layout_context::LayoutContext;
use crate::tui::transcript::render::parts::{self, Part, TextStyle, indent};
use crate::tui::transcript::render::text::{self, Row};
use crate::tui::transcript::tools;
use crate::tui::transcript::tools::result_view::ResultView;

/// Lines at the start of a folded result.
const HEAD_LINES: usize = 4;

/// Lines at the end of a folded result.
const TAIL_LINES: usize = 4;

/// Lines at the end of a folded failure, where the reason mostly is.
const FAILED_TAIL_LINES: usize = 10;

/// Bytes of each end of a folded result.
const FOLDED_BYTES: usize = 4 * 1024;

/// Rows of such a result, unfolded.
const MAX_JSON_ROWS: usize = 5_000;

/// A result and how to look at it.
pub(crate) struct ResultLayout<'a> {
    text: &'a str,
    is_error: bool,
    view: ResultView,
    /// What of the text is to be shown.
    range: Range<usize>,
    exit_code: Option<&'a str>,
}

impl<'a> ResultLayout<'a> {
    pub fn of(tool_name: &str, input: &Value, answer: &'a Answer) -> Self {
        let text = answer.text.as_str();
        let mut result = Self {
            text,
            is_error: answer.is_error,
            view: ResultView::Output,
            range: 0..text.len(),
            exit_code: None,
        };
        if answer.is_error {
            if let Some(rest) = text.strip_prefix("Exit code ") {
                let line = rest.lines().next().unwrap_or_default();
                result.exit_code = Some(text::head(line, 16));
                result.range = text::lines_end(text, 1)..text.len();
            }
            return result;
        }
        result.view = tools::result_view(tool_name, input, text);
        result
    }

    /// What the head says of it.
    pub fn words(&self, theme: &Theme) -> Option<(String, Style)> {
        if let Some(code) = self.exit_code {
            return Some((format!("✗ exit {code}"), theme.bad));
        }
        if self.is_error {
            return Some(("✗ failed".to_owned(), theme.bad));
        }
        match &self.view {
            ResultView::Counted(words) => Some((words.clone(), theme.dim)),
            ResultView::Numbered(_) => {
                let count = text::line_count(self.text);
                let s = if count == 1 { "" } else { "s" };
                Some((format!("{} line{s}", text::grouped(count)), theme.dim))
            }
            ResultView::Quiet
            | ResultView::Output
            | ResultView::Markdown
            | ResultView::Fields(_) => None,
        }
    }

    /// The parts that show it.
    pub fn parts(&self, folded: bool, context: &LayoutContext) -> Vec<Part> {
        let theme = &context.theme;
        if self.text[self.range.clone()].trim().is_empty() {
            return Vec::new();
        }
        let quiet = TextStyle::Output(theme.dim);
        match &self.view {
            ResultView::Quiet | ResultView::Counted(_) if folded => Vec::new(),
            ResultView::Quiet | ResultView::Counted(_) => {
                self.stretch(&TextStyle::Words(theme.dim))
            }
            ResultView::Fields(value) => vec![Part::Rows(field_rows(value, folded, context))],
            ResultView::Output if self.is_error => self.ends(
                &TextStyle::Output(theme.bad),
                folded,
                FAILED_TAIL_LINES,
                context,
            ),
            ResultView::Output => self.ends(&quiet, folded, TAIL_LINES, context),
            ResultView::Numbered(path) => {
                self.ends(&TextStyle::Numbered(path.clone()), folded, 0, context)
            }
            ResultView::Markdown if folded => {
                self.ends(&TextStyle::Words(theme.dim), folded, 0, context)
            }
            ResultView::Markdown => self.stretch(&TextStyle::Markdown),
        }
    }

    fn stretch(&self, look: &TextStyle) -> Vec<Part> {
        parts::stretch(self.text, self.range.clone(), look, indent(), indent())
    }

    /// Its beginning and its end where it is folded and long, else all of it.
    fn ends(
        &self,
        look: &TextStyle,
        folded: bool,
        tail: usize,
        context: &LayoutContext,
    ) -> Vec<Part> {
        let theme = &context.theme;
        let text = &self.text[self.range.clone()];
        if !folded {
            return self.stretch(look);
        }
        let lines = text::line_count(text);
        if lines <= HEAD_LINES + tail + 1 && text.len() <= FOLDED_BYTES {
            return self.stretch(look);
        }
        let lay = |range: Range<usize>| {
            let part = Part::Text {
                range,
                look: look.clone(),
                first: indent(),
                rest: indent(),
            };
            parts::lay(&part, text, context)
        };
        let first_end = text::lines_end(text, HEAD_LINES.min(lines));
        let end = first_end.min(text.floor_char_boundary(FOLDED_BYTES));
        let mut rows = lay(0..end);
        rows.truncate(3 * HEAD_LINES);
        let hidden = lines.saturating_sub(HEAD_LINES + tail);
        let last = match tail {
            0 => text.len(),
            tail => text::lines_start(text, tail)
                .max(text.ceil_char_boundary(text.len().saturating_sub(FOLDED_BYTES)))
                .max(end),
        };
        rows.push(if hidden > 0 {
            parts::more(hidden, "line", theme)
        } else {
            parts::more(last.saturating_sub(end), "byte", theme)
        });
        if last < text.len() {
            let end = lay(last..text.len());
            let from = end.len().saturating_sub(3 * tail);
            rows.extend(end.into_iter().skip(from));
        }
        vec![Part::Rows(rows)]
    }
}

/// A row set in by two columns.
pub(crate) fn set_in(mut row: Line<'static>) -> Line<'static> {
    row.spans.insert(0, "  ".into());
    row
}

fn field_rows(value: &Value, folded: bool, context: &LayoutContext) -> Vec<Line<'static>> {
    let theme = &context.theme;
    let most = if folded {
        HEAD_LINES + TAIL_LINES
    } else {
        MAX_JSON_ROWS
    };
    let mut canvas = Canvas::new(
        context.width.saturating_sub(2),
        most,
        theme,
        &context.budget,
    );
    fields(&mut canvas, value);
    let (rows, more) = canvas.finish();
    let mut rows: Vec<Line<'static>> = rows.into_iter().map(set_in).collect();
    if more {
        rows.push(Row::of("  …", theme.dim).line());
    }
    rows
}
