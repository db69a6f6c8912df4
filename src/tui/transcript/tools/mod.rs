//! How tool calls look, a file a tool: what of the input a person must see to decide about it (the card), what the
//! call touches in one line (the summary), and how its result is shown.
//!
//! Nothing of an input is left out: fields that a tool's own card does not show stand below it as names and values.
//! Everything said is safe to draw. Each match names all tools, so that the compiler leads who adds one.

pub mod bash;
pub mod call;
pub mod edit;
pub mod files;
pub mod generic;
pub mod input;
pub mod notebook;
pub mod plan;
pub mod question;
pub mod read;
pub mod result;
pub mod result_view;
pub mod search;
pub mod task;
pub mod todo;
pub mod write;

use ratatui::text::Line;
use serde_json::Value;

use crate::domain::Tool;
use crate::domain::text::{sanitize_line, summary};
use crate::tui::theme::Theme;
use crate::tui::transcript::render::canvas::Canvas;
use crate::tui::transcript::render::text;
use input::{FileSource, field};
use result_view::ResultView;

/// Characters of a summary at most; who has fewer columns cuts it further.
const MAX_SUMMARY: usize = 300;

/// Bytes of a field that a summary reads.
const MAX_READ: usize = 8 * MAX_SUMMARY;

/// The body of a tool call's input in rows of at most `width` columns, all of it.
#[must_use]
pub fn tool_card(
    tool_name: &str,
    input: &Value,
    files: &dyn FileSource,
    width: u16,
    theme: &Theme,
) -> Vec<Line<'static>> {
    let mut canvas = Canvas::of_text(width, theme);
    write_card(&mut canvas, tool_name, input, files);
    canvas.finish().0
}

/// The same on a canvas.
pub(crate) fn write_card(
    canvas: &mut Canvas<'_>,
    tool_name: &str,
    input: &Value,
    files: &dyn FileSource,
) {
    let shown: &[&str] = match Tool::of(tool_name) {
        Some(Tool::Bash) if field(input, "command").is_some() => {
            bash::card(canvas, input);
            &["command", "description"]
        }
        Some(Tool::Edit) => {
            edit::card(canvas, input, files);
            &["file_path", "old_string", "new_string", "replace_all"]
        }
        Some(Tool::MultiEdit) => {
            edit::card(canvas, input, files);
            &["file_path", "edits"]
        }
        Some(Tool::Write) => {
            write::card(canvas, input, files);
            &["file_path", "content"]
        }
        Some(Tool::NotebookEdit) => {
            notebook::card(canvas, input, files);
            &[
                "notebook_path",
                "cell_id",
                "cell_type",
                "edit_mode",
                "new_source",
            ]
        }
        Some(Tool::Task) if field(input, "prompt").is_some() => {
            task::card(canvas, input);
            &["description", "subagent_type", "prompt"]
        }
        Some(Tool::TodoWrite) if input.get("todos").is_some_and(Value::is_array) => {
            todo::card(canvas, input);
            &["todos"]
        }
        Some(Tool::AskUserQuestion) if input.get("questions").is_some_and(Value::is_array) => {
            question::card(canvas, input);
            &["questions", "answers"]
        }
        Some(Tool::ExitPlanMode) => match field(input, "plan") {
            Some(plan) => {
                plan::card(canvas, plan);
                &["plan"]
            }
            None => &[],
        },
        Some(
            Tool::AskUserQuestion
            | Tool::Bash
            | Tool::BashOutput
            | Tool::Glob
            | Tool::Grep
            | Tool::KillShell
            | Tool::Ls
            | Tool::NotebookRead
            | Tool::Read
            | Tool::Skill
            | Tool::Task
            | Tool::TaskOutput
            | Tool::TaskStop
            | Tool::TodoWrite
            | Tool::WebFetch
            | Tool::WebSearch,
        )
        | None => &[],
    };
    generic::card(canvas, input, shown);
}

/// How many rows of its card are shown of a folded call.
pub(crate) fn folded_rows(tool_name: &str, input: &Value, width: usize) -> usize {
    match Tool::of(tool_name) {
        Some(Tool::Bash) => bash::folded_rows(input, width),
        Some(Tool::Edit | Tool::MultiEdit | Tool::Write | Tool::NotebookEdit) => 14,
        Some(Tool::TodoWrite | Tool::AskUserQuestion | Tool::ExitPlanMode) => 40,
        Some(
            Tool::BashOutput
            | Tool::Glob
            | Tool::Grep
            | Tool::KillShell
            | Tool::Ls
            | Tool::NotebookRead
            | Tool::Read
            | Tool::Skill
            | Tool::Task
            | Tool::TaskOutput
            | Tool::TaskStop
            | Tool::WebFetch
            | Tool::WebSearch,
        )
        | None => 0,
    }
}

/// How the result of a call that did not fail is shown.
pub(crate) fn result_view(tool_name: &str, input: &Value, text: &str) -> ResultView {
    match Tool::of(tool_name) {
        Some(Tool::Bash) => bash::result(text),
        Some(Tool::Read) => read::result(input),
        Some(Tool::Grep | Tool::Glob | Tool::Ls) => search::result(text),
        Some(
            Tool::Edit
            | Tool::MultiEdit
            | Tool::Write
            | Tool::NotebookEdit
            | Tool::TodoWrite
            | Tool::AskUserQuestion
            | Tool::ExitPlanMode,
        ) => ResultView::Quiet,
        Some(Tool::Task) => task::result(text),
        Some(Tool::WebFetch | Tool::WebSearch) => ResultView::Markdown,
        Some(
            Tool::BashOutput
            | Tool::KillShell
            | Tool::NotebookRead
            | Tool::Skill
            | Tool::TaskOutput
            | Tool::TaskStop,
        )
        | None => generic::result(text),
    }
}

/// One line: the tool and what it touches, as `Bash  cargo test` or `Edit  src/main.rs +3 −1`.
#[must_use]
pub fn summary_line(tool_name: &str, input: &Value) -> String {
    let name = tool_label(tool_name);
    let what = summary_of(tool_name, input);
    if what.is_empty() {
        name
    } else {
        format!("{name}  {what}")
    }
}

/// The tool's name for people: `server · tool` for one of an MCP server. An endless one ends with `…`.
#[must_use]
pub fn tool_label(tool_name: &str) -> String {
    let head = text::head(tool_name, MAX_SUMMARY);
    let end = if head.len() < tool_name.len() {
        "…"
    } else {
        ""
    };
    let mut parts = head.splitn(3, "__");
    match (parts.next(), parts.next(), parts.next()) {
        (Some("mcp"), Some(server), Some(tool)) => {
            sanitize_line(&format!("{server} · {tool}{end}")).into_owned()
        }
        _ => sanitize_line(&format!("{head}{end}")).into_owned(),
    }
}

/// What a call touches, in a few words.
#[must_use]
pub fn summary_of(tool_name: &str, input: &Value) -> String {
    let words = unsafe_summary(tool_name, input);
    sanitize_line(&summary(text::head(&words, MAX_READ), MAX_SUMMARY)).into_owned()
}

/// The same, not yet safe to draw.
fn unsafe_summary(tool_name: &str, input: &Value) -> String {
    let beginning =
        |name: &str| text::head(field(input, name).unwrap_or_default(), MAX_READ).to_owned();
    match Tool::of(tool_name) {
        Some(Tool::Bash) => bash::summary(&beginning("command")),
        Some(Tool::Edit) => edit::summary(input, &beginning("file_path")),
        Some(Tool::MultiEdit) => edit::summary_of_many(input, &beginning("file_path")),
        Some(Tool::Write) => write::summary(input, &beginning("file_path")),
        Some(Tool::NotebookEdit) => notebook::summary(input, &beginning("notebook_path")),
        Some(Tool::Read) => read::summary(input, &beginning("file_path")),
        Some(Tool::Grep) => search::grep_summary(input, &beginning("pattern")),
        Some(Tool::Glob) => search::glob_summary(input, &beginning("pattern")),
        Some(Tool::Ls) => beginning("path"),
        Some(Tool::WebFetch) => beginning("url"),
        Some(Tool::WebSearch) => beginning("query"),
        Some(Tool::Task) => task::summary(input),
        Some(Tool::TodoWrite) => todo::summary(input),
        Some(Tool::AskUserQuestion) => question::summary(input),
        Some(Tool::ExitPlanMode) => plan::summary(input),
        Some(
            Tool::BashOutput
            | Tool::KillShell
            | Tool::NotebookRead
            | Tool::Skill
            | Tool::TaskOutput
            | Tool::TaskStop,
        )
        | None => generic::summary(input, MAX_READ),
    }
}
