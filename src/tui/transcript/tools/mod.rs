//! How tool calls look, a file a tool: what of the input a person must see to decide about it (the card), what the
//! call touches in one line (the summary), and how its result is shown.
//!
//! Nothing of an input is left out: fields that a tool's own card does not show stand below it as names and values.
//! Everything said is safe to draw. `Tool` lists the tools, so that the compiler leads who adds one.

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

/// A tool whose calls have a look of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tool {
    Bash,
    Edit,
    MultiEdit,
    Write,
    NotebookEdit,
    Read,
    Grep,
    Glob,
    Ls,
    WebFetch,
    WebSearch,
    Task,
    TodoWrite,
    Question,
    Plan,
    Other,
}

impl Tool {
    fn of(name: &str) -> Self {
        match name {
            "Bash" => Self::Bash,
            "Edit" => Self::Edit,
            "MultiEdit" => Self::MultiEdit,
            "Write" => Self::Write,
            "NotebookEdit" => Self::NotebookEdit,
            "Read" => Self::Read,
            "Grep" => Self::Grep,
            "Glob" => Self::Glob,
            "LS" => Self::Ls,
            "WebFetch" => Self::WebFetch,
            "WebSearch" => Self::WebSearch,
            "Task" | "Agent" => Self::Task,
            "TodoWrite" => Self::TodoWrite,
            "AskUserQuestion" => Self::Question,
            "ExitPlanMode" => Self::Plan,
            _ => Self::Other,
        }
    }
}

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
        Tool::Bash if field(input, "command").is_some() => {
            bash::card(canvas, input);
            &["command", "description"]
        }
        Tool::Edit => {
            edit::card(canvas, input, files);
            &["file_path", "old_string", "new_string", "replace_all"]
        }
        Tool::MultiEdit => {
            edit::card(canvas, input, files);
            &["file_path", "edits"]
        }
        Tool::Write => {
            write::card(canvas, input, files);
            &["file_path", "content"]
        }
        Tool::NotebookEdit => {
            notebook::card(canvas, input, files);
            &[
                "notebook_path",
                "cell_id",
                "cell_type",
                "edit_mode",
                "new_source",
            ]
        }
        Tool::Task if field(input, "prompt").is_some() => {
            task::card(canvas, input);
            &["description", "subagent_type", "prompt"]
        }
        Tool::TodoWrite if input.get("todos").is_some_and(Value::is_array) => {
            todo::card(canvas, input);
            &["todos"]
        }
        Tool::Question if input.get("questions").is_some_and(Value::is_array) => {
            question::card(canvas, input);
            &["questions", "answers"]
        }
        Tool::Plan => match field(input, "plan") {
            Some(plan) => {
                plan::card(canvas, plan);
                &["plan"]
            }
            None => &[],
        },
        Tool::Bash
        | Tool::Task
        | Tool::TodoWrite
        | Tool::Question
        | Tool::Read
        | Tool::Grep
        | Tool::Glob
        | Tool::Ls
        | Tool::WebFetch
        | Tool::WebSearch
        | Tool::Other => &[],
    };
    generic::card(canvas, input, shown);
}

/// How many rows of its card are shown of a folded call.
pub(crate) fn folded_rows(tool_name: &str, input: &Value, width: usize) -> usize {
    match Tool::of(tool_name) {
        Tool::Bash => bash::folded_rows(input, width),
        Tool::Edit | Tool::MultiEdit | Tool::Write | Tool::NotebookEdit => 14,
        Tool::TodoWrite | Tool::Question | Tool::Plan => 40,
        Tool::Read
        | Tool::Grep
        | Tool::Glob
        | Tool::Ls
        | Tool::WebFetch
        | Tool::WebSearch
        | Tool::Task
        | Tool::Other => 0,
    }
}

/// How the result of a call that did not fail is shown.
pub(crate) fn result_view(tool_name: &str, input: &Value, text: &str) -> ResultView {
    match Tool::of(tool_name) {
        Tool::Bash => bash::result(text),
        Tool::Read => read::result(input),
        Tool::Grep | Tool::Glob | Tool::Ls => search::result(text),
        Tool::Edit
        | Tool::MultiEdit
        | Tool::Write
        | Tool::NotebookEdit
        | Tool::TodoWrite
        | Tool::Question
        | Tool::Plan => ResultView::Quiet,
        Tool::Task => task::result(text),
        Tool::WebFetch | Tool::WebSearch => ResultView::Markdown,
        Tool::Other => generic::result(text),
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
        Tool::Bash => bash::summary(&beginning("command")),
        Tool::Edit => edit::summary(input, &beginning("file_path")),
        Tool::MultiEdit => edit::summary_of_many(input, &beginning("file_path")),
        Tool::Write => write::summary(input, &beginning("file_path")),
        Tool::NotebookEdit => notebook::summary(input, &beginning("notebook_path")),
        Tool::Read => read::summary(input, &beginning("file_path")),
        Tool::Grep => search::grep_summary(input, &beginning("pattern")),
        Tool::Glob => search::glob_summary(input, &beginning("pattern")),
        Tool::Ls => beginning("path"),
        Tool::WebFetch => beginning("url"),
        Tool::WebSearch => beginning("query"),
        Tool::Task => task::summary(input),
        Tool::TodoWrite => todo::summary(input),
        Tool::Question => question::summary(input),
        Tool::Plan => plan::summary(input),
        Tool::Other => generic::summary(input, MAX_READ),
    }
}
