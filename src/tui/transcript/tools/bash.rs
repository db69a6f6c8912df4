//! `Bash`: a command with its description.

use serde_json::Value;

use crate::tui::transcript::render::canvas::Canvas;
use crate::tui::transcript::render::highlight::Painter;
use crate::tui::transcript::render::text::{self, Row};
use crate::tui::transcript::tools::input::field;
use crate::tui::transcript::tools::result_view::ResultView;

/// Columns that the head takes beside the command.
const HEAD: usize = 16;

/// Rows of a folded command that does not fit into the head.
const FOLDED_ROWS: usize = 4;

pub(crate) fn card(canvas: &mut Canvas<'_>, input: &Value) {
    let theme = canvas.theme;
    let mut painter = Painter::new("sh", theme, &canvas.budget);
    let rest = Row::of("  ", theme.text);
    for (at, line) in text::shown_lines(field(input, "command").unwrap_or_default()).enumerate() {
        if canvas.is_full() {
            return;
        }
        let first = if at == 0 {
            Row::of("$ ", theme.dim)
        } else {
            rest.clone()
        };
        canvas.columns(&painter.line(line), &first, &rest);
    }
    if let Some(description) = field(input, "description") {
        let row = Row::prose_of(description, theme.dim, theme);
        canvas.words(&row, &rest, &rest);
    }
}

/// A line's end may not look like a space: what follows is another command.
pub(crate) fn summary(command: &str) -> String {
    let lines: Vec<&str> = command
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    lines.join(" ⏎ ")
}

/// How many rows of the card are shown of a folded call: none where the head says the command.
pub(crate) fn folded_rows(input: &Value, width: usize) -> usize {
    let command = field(input, "command").unwrap_or_default();
    let is_in_head = command.len() + HEAD <= width && !command.contains('\n');
    if is_in_head { 0 } else { FOLDED_ROWS }
}

pub(crate) fn result(text: &str) -> ResultView {
    if text.starts_with("(Bash completed with no output)") || text.is_empty() {
        ResultView::Counted("no output".to_owned())
    } else {
        ResultView::Output
    }
}
