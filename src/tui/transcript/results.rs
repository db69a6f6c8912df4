//! How a tool's result looks: what matters of it in the head, then as much as is worth its rows.

use std::ops::Range;

use ratatui::style::Style;
use ratatui::text::Line;
use serde_json::Value;

use super::card::field;
use super::fields::fields;
use super::item::Answer;
use super::looks::{self, Look, Part, Setting, indent};
use super::sheet::Sheet;
use super::text::{self, Row};
use crate::tui::theme::Theme;

/// Lines at the start of a folded result.
const HEAD_LINES: usize = 4;

/// Lines at the end of a folded result.
const TAIL_LINES: usize = 4;

/// Lines at the end of a folded failure, where the reason mostly is.
const FAILED_TAIL_LINES: usize = 10;

/// Bytes of each end of a folded result.
const FOLDED_BYTES: usize = 4 * 1024;

/// Bytes of a result that is read as JSON to be shown as names and values.
const MOST_JSON: usize = 64 * 1024;

/// Rows of such a result, unfolded.
const MOST_JSON_ROWS: usize = 5_000;

/// A result and how to look at it.
pub(super) struct Result<'a> {
    text: &'a str,
    is_error: bool,
    view: View,
    /// What of the text is to be shown.
    range: Range<usize>,
    exit_code: Option<&'a str>,
}

enum View {
    /// Said in the head; the text only where somebody asks.
    Quiet,
    /// The same, with this in the head.
    Counted(String),
    /// Lines of output.
    Output,
    /// Code with its numbers, of that file.
    Numbered(String),
    /// Markdown.
    Markdown,
    /// Names and values.
    Fields(Value),
}

impl<'a> Result<'a> {
    pub fn of(tool_name: &str, input: &Value, answer: &'a Answer) -> Self {
        let text = answer.text.as_str();
        let mut result = Self {
            text,
            is_error: answer.is_error,
            view: View::Output,
            range: 0..text.len(),
            exit_code: None,
        };
        if answer.is_error {
            if let Some(rest) = text.strip_prefix("Exit code ") {
                let line = rest.lines().next().unwrap_or_default();
                result.exit_code = Some(text::head(line, 16));
                result.range = looks::lines_end(text, 1)..text.len();
            }
            return result;
        }
        result.view = match tool_name {
            "Bash" if text.starts_with("(Bash completed with no output)") || text.is_empty() => {
                View::Counted("no output".to_owned())
            }
            "Read" => View::Numbered(field(input, "file_path").unwrap_or_default().to_owned()),
            "Grep" | "Glob" | "LS" => View::Counted(count_words(text)),
            "Edit" | "MultiEdit" | "Write" | "NotebookEdit" | "TodoWrite" | "AskUserQuestion"
            | "ExitPlanMode" => View::Quiet,
            // What follows is meant for the agent alone, as it says itself.
            "Task" | "Agent" if text.starts_with("Async agent launched") => {
                View::Counted("in the background".to_owned())
            }
            "Task" | "Agent" | "WebFetch" | "WebSearch" => View::Markdown,
            "Bash" => View::Output,
            _ => json(text).map_or(View::Output, View::Fields),
        };
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
            View::Counted(words) => Some((words.clone(), theme.dim)),
            View::Numbered(_) => {
                let count = looks::line_count(self.text);
                let s = if count == 1 { "" } else { "s" };
                Some((format!("{} line{s}", looks::grouped(count)), theme.dim))
            }
            View::Quiet | View::Output | View::Markdown | View::Fields(_) => None,
        }
    }

    /// The parts that show it.
    pub fn parts(&self, folded: bool, setting: &Setting) -> Vec<Part> {
        let theme = &setting.theme;
        if self.text[self.range.clone()].trim().is_empty() {
            return Vec::new();
        }
        let quiet = Look::Output(theme.dim);
        match &self.view {
            View::Quiet | View::Counted(_) if folded => Vec::new(),
            View::Quiet | View::Counted(_) => self.stretch(&Look::Words(theme.dim)),
            View::Fields(value) => vec![Part::Rows(field_rows(value, folded, setting))],
            View::Output if self.is_error => {
                self.ends(&Look::Output(theme.bad), folded, FAILED_TAIL_LINES, setting)
            }
            View::Output => self.ends(&quiet, folded, TAIL_LINES, setting),
            View::Numbered(path) => self.ends(&Look::Numbered(path.clone()), folded, 0, setting),
            View::Markdown if folded => self.ends(&Look::Words(theme.dim), folded, 0, setting),
            View::Markdown => self.stretch(&Look::Markdown),
        }
    }

    fn stretch(&self, look: &Look) -> Vec<Part> {
        looks::stretch(self.text, self.range.clone(), look, indent(), indent())
    }

    /// Its beginning and its end where it is folded and long, else all of it.
    fn ends(&self, look: &Look, folded: bool, tail: usize, setting: &Setting) -> Vec<Part> {
        let theme = &setting.theme;
        let text = &self.text[self.range.clone()];
        if !folded {
            return self.stretch(look);
        }
        let lines = looks::line_count(text);
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
            looks::lay(&part, text, setting)
        };
        let first_end = looks::lines_end(text, HEAD_LINES.min(lines));
        let end = first_end.min(text.floor_char_boundary(FOLDED_BYTES));
        let mut rows = lay(0..end);
        rows.truncate(3 * HEAD_LINES);
        let hidden = lines.saturating_sub(HEAD_LINES + tail);
        let last = match tail {
            0 => text.len(),
            tail => looks::lines_start(text, tail)
                .max(text.ceil_char_boundary(text.len().saturating_sub(FOLDED_BYTES)))
                .max(end),
        };
        rows.push(if hidden > 0 {
            looks::more(hidden, "line", theme)
        } else {
            looks::more(last.saturating_sub(end), "byte", theme)
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
pub(super) fn set_in(mut row: Line<'static>) -> Line<'static> {
    row.spans.insert(0, "  ".into());
    row
}

/// A list of finds in a word or two: their number, or what the tool says itself.
fn count_words(text: &str) -> String {
    let first = text::head(text::first_line(text), 60);
    if first.starts_with("Found ") || first.starts_with("No ") {
        return crate::domain::text::sanitize_line(first).into_owned();
    }
    match looks::line_count(text) {
        0 => "nothing found".to_owned(),
        1 => "1 line".to_owned(),
        count => format!("{} lines", looks::grouped(count)),
    }
}

/// A text that is a JSON object or list.
fn json(text: &str) -> Option<Value> {
    let starts = text.trim_start().starts_with(['{', '[']);
    (starts && text.len() <= MOST_JSON)
        .then(|| serde_json::from_str(text).ok())
        .flatten()
}

fn field_rows(value: &Value, folded: bool, setting: &Setting) -> Vec<Line<'static>> {
    let theme = &setting.theme;
    let most = if folded {
        HEAD_LINES + TAIL_LINES
    } else {
        MOST_JSON_ROWS
    };
    let mut sheet = Sheet::new(setting.width.saturating_sub(2), most, theme, &setting.ink);
    fields(&mut sheet, value);
    let (rows, more) = sheet.finish();
    let mut rows: Vec<Line<'static>> = rows.into_iter().map(set_in).collect();
    if more {
        rows.push(Row::of("  …", theme.dim).line());
    }
    rows
}
