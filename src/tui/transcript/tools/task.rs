//! `Task`: what a subagent is told.

use serde_json::Value;

use crate::tui::transcript::render::canvas::Canvas;
use crate::tui::transcript::render::markdown;
use crate::tui::transcript::render::text::Row;
use crate::tui::transcript::tools::input::field;
use crate::tui::transcript::tools::result_view::ResultView;

pub(crate) fn card(canvas: &mut Canvas<'_>, input: &Value) {
    let theme = canvas.theme;
    let mut head = Row::new();
    if let Some(kind) = field(input, "subagent_type") {
        head.foreign(kind, theme.tool, theme);
        head.own("  ", theme.text);
    }
    head.foreign(
        field(input, "description").unwrap_or_default(),
        theme.dim,
        theme,
    );
    if !head.is_empty() {
        canvas.words(&head, &Row::new(), &Row::new());
    }
    let prompt = field(input, "prompt").unwrap_or_default();
    let rows = markdown::write(prompt, canvas.width, theme, &canvas.budget);
    canvas.extend(rows);
}

pub(crate) fn summary(input: &Value) -> String {
    let kind = field(input, "subagent_type").map_or_else(String::new, |kind| format!("{kind}: "));
    let what = field(input, "description").or_else(|| field(input, "prompt"));
    format!("{kind}{}", what.unwrap_or_default())
}

pub(crate) fn result(text: &str) -> ResultView {
    // What follows is meant for the agent alone, as it says itself.
    if text.starts_with("Async agent launched") {
        ResultView::Counted("in the background".to_owned())
    } else {
        ResultView::Markdown
    }
}
