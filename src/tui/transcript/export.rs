//! The conversation as text: for the clipboard, a pager, an editor, a file.
//!
//! What leaves here is as safe to show as what is drawn.

use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::Value;

use crate::domain::text::{sanitize, sanitize_line, sanitize_prose, sanitize_prose_line};
use crate::domain::{Delivery, Outcome, Tool};
use crate::protocol::session::SessionState;
use crate::tui::transcript::conversation::Transcript;
use crate::tui::transcript::model::approvals;
use crate::tui::transcript::model::item::{Answer, ItemId, Kind, ToolCall};
use crate::tui::transcript::render::generic_input::scalar;
use crate::tui::transcript::tools;

/// Deepest nesting of subagents that is quoted as such.
const MAX_QUOTES: usize = 8;

impl Transcript {
    /// The whole text of the selected item, also of a folded one.
    #[must_use]
    pub fn selected_text(&self) -> Option<String> {
        let item = self.items.get(self.selected_item()?);
        let text = match &item.kind {
            Kind::User(_) | Kind::Assistant(_) | Kind::Thinking(_) | Kind::System(_) => {
                sanitize_prose(item.kind.text()).into_owned()
            }
            Kind::Orphan(answer) => sanitize(&answer.text).into_owned(),
            Kind::Call(call) => {
                let input = approvals::edited(call, self.approvals.of(&call.id));
                call_text(call, &input.map_or_else(|| call.input(), Arc::new))
            }
            Kind::Absent => return None,
        };
        Some(text)
    }

    /// What is loaded of the conversation, as Markdown.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let mut out = String::new();
        let mut left: Vec<(ItemId, usize)> = Vec::new();
        let mut is_agents = false;
        for (_, id) in self.items.top() {
            match &self.items.get(*id).kind {
                Kind::User(_) => is_agents = false,
                Kind::Assistant(_) | Kind::Thinking(_) | Kind::Call(_) if !is_agents => {
                    is_agents = true;
                    paragraph(&mut out, "## Assistant");
                }
                _ => {}
            }
            left.push((*id, 0));
            while let Some((id, depth)) = left.pop() {
                self.write(&mut out, id, depth);
                let children = &self.items.get(id).children;
                left.extend(children.iter().rev().map(|(_, child)| (*child, depth + 1)));
            }
        }
        out
    }

    /// What is loaded of the conversation as a document of its own: its title, when and where it was, and
    /// all of it.
    #[must_use]
    pub fn to_document(&self, session: &SessionState) -> String {
        let title = sanitize_prose_line(&crate::format::subject(session, 200)).into_owned();
        let mut out = String::new();
        let title = match title.trim() {
            "" => "Session",
            title => title,
        };
        paragraph(&mut out, &format!("# {title}"));
        let begun = session
            .created_at
            .strftime("%Y-%m-%d %H:%M UTC")
            .to_string();
        let place = session.working_dir.as_deref().map(sanitize_line);
        let model = session.model.as_deref().map(sanitize_line);
        let about: Vec<String> = [
            Some(begun.into()),
            place,
            model,
            Some(session.id.as_str().into()),
        ]
        .into_iter()
        .flatten()
        .filter(|part| !part.is_empty())
        .map(|part| code_span(&part))
        .collect();
        paragraph(&mut out, &about.join(" · "));
        out.push_str(&self.to_markdown());
        out
    }

    fn write(&self, out: &mut String, id: ItemId, depth: usize) {
        let item = self.items.get(id);
        let mut piece = String::new();
        match &item.kind {
            Kind::User(text) if depth == 0 => {
                paragraph(&mut piece, &format!("## User\n\n{}", sanitize_prose(text)));
                let delivery = self.items.delivery(id).map(|(_, delivery)| delivery);
                if let Some(label) = delivery.and_then(Delivery::label) {
                    paragraph(&mut piece, &format!("*{label}*"));
                }
            }
            Kind::User(text) | Kind::Assistant(text) => {
                paragraph(&mut piece, &sanitize_prose(text))
            }
            Kind::Thinking(text) => paragraph(&mut piece, &quoted(&sanitize_prose(text), "> ")),
            Kind::System(text) => paragraph(
                &mut piece,
                &format!("*{}*", sanitize_prose_line(text.trim())),
            ),
            Kind::Call(call) => self.write_call(&mut piece, call),
            Kind::Orphan(answer) => write_answer(&mut piece, answer),
            Kind::Absent => paragraph(&mut piece, "*a subagent, started further up*"),
        }
        out.push_str(&quoted(&piece, &"> ".repeat(depth.min(MAX_QUOTES))));
    }

    fn write_call(&self, out: &mut String, call: &ToolCall) {
        let state = self.approvals.of(&call.id);
        let edited = approvals::edited(call, state);
        let is_edited = edited.is_some();
        let input = edited.map_or_else(|| call.input(), Arc::new);
        let label = tools::tool_label(&call.name);
        let mut head = format!("**{label}**");
        let body = input_text(&call.name, &input);
        // What stands below is not said twice; nor below, what the head says in full.
        let is_command = Tool::of(&call.name) == Some(Tool::Bash);
        let what = tools::summary_of(&call.name, &input);
        let is_said = !what.is_empty() && !what.ends_with('…') && body.lines().count() == 1;
        if !what.is_empty() && !is_command {
            // Writing to a String cannot fail, here and below.
            let _ = write!(head, " {}", code_span(&what));
        }
        if let Some(outcome) = approvals::outcome(call, state) {
            let remarks = approvals::remarks(call, state);
            let _ = write!(head, " ({})", approvals::words(outcome, &remarks, state));
        }
        if let Some(reason) = state
            .filter(|state| state.outcome == Outcome::Denied)
            .and_then(|state| state.comment.as_deref())
        {
            let _ = write!(head, ": {}", sanitize_prose_line(reason));
        }
        paragraph(out, &head);
        if !body.trim().is_empty() && (is_command || !is_said) {
            paragraph(out, &fenced(&body));
        }
        if is_edited {
            paragraph(out, "Edited before it was approved. The agent asked for:");
            paragraph(out, &fenced(&input_text(&call.name, &call.input())));
        }
        if let Some(answer) = &call.answer {
            write_answer(out, answer);
        }
    }
}

fn write_answer(out: &mut String, answer: &Answer) {
    let body = sanitize(&answer.text);
    if body.trim().is_empty() {
        return;
    }
    let head = if answer.is_error {
        "Failed:"
    } else {
        "Result:"
    };
    paragraph(out, head);
    paragraph(out, &fenced(&body));
}

/// A call with the input that ran, and its result.
fn call_text(call: &ToolCall, input: &Value) -> String {
    let body = input_text(&call.name, input);
    match &call.answer {
        Some(answer) if !answer.text.is_empty() => {
            format!("{}\n\n{}", body.trim_end(), sanitize(&answer.text))
        }
        Some(_) | None => body.trim_end().to_owned(),
    }
}

/// A tool's input as text: a command as it is, else names and values.
fn input_text(tool_name: &str, input: &Value) -> String {
    if Tool::of(tool_name) == Some(Tool::Bash)
        && let Some(command) = input.get("command").and_then(Value::as_str)
    {
        return sanitize(command).into_owned();
    }
    let mut out = String::new();
    write_value(&mut out, input, 0);
    out
}

fn write_value(out: &mut String, value: &Value, depth: usize) {
    let indent = "  ".repeat(depth);
    let pairs: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (format!("{}:", sanitize_line(name)), value))
            .collect(),
        Value::Array(values) => values.iter().map(|value| ("-".to_owned(), value)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            let text = scalar(value).unwrap_or_default();
            out.push_str(&quoted(&format!("{}\n", sanitize(&text)), &indent));
            return;
        }
    };
    for (name, value) in pairs {
        match scalar(value) {
            Some(text) if !text.contains('\n') => {
                let _ = writeln!(out, "{indent}{name} {}", sanitize(&text));
            }
            Some(_) | None => {
                let _ = writeln!(out, "{indent}{name}");
                write_value(out, value, depth + 1);
            }
        }
    }
}

fn paragraph(out: &mut String, text: &str) {
    out.push_str(text.trim_end());
    out.push_str("\n\n");
}

fn quoted(text: &str, before: &str) -> String {
    if before.is_empty() {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + 16);
    for line in text.split_inclusive('\n') {
        out.push_str(if line == "\n" {
            before.trim_end()
        } else {
            before
        });
        out.push_str(line);
    }
    out
}

/// A text as a block of code, fenced by more backticks than it has itself.
fn fenced(text: &str) -> String {
    let fence = "`".repeat(longest_run(text).max(2) + 1);
    format!("{fence}\n{}\n{fence}", text.trim_end_matches('\n'))
}

fn code_span(text: &str) -> String {
    let ticks = "`".repeat(longest_run(text) + 1);
    if text.starts_with('`') || text.ends_with('`') {
        format!("{ticks} {text} {ticks}")
    } else {
        format!("{ticks}{text}{ticks}")
    }
}

fn longest_run(text: &str) -> usize {
    let runs = text.split(|c| c != '`').map(str::len);
    runs.max().unwrap_or(0)
}
