//! Why a tool call can do harm that is hard to undo, as far as its input shows it.
//!
//! A help for the person who decides, never a decision: what is not found here is not safe, it is
//! only not known to be dangerous. Pure; bounded by the length that is looked through. Called by
//! the dashboard.

mod commands;
mod paths;
mod shell;
#[cfg(test)]
mod tests;

use serde_json::Value;

use super::approval::UNREADABLE_INPUT;
use super::text::is_deceptive;

/// Bytes of an input that are looked through.
pub const MOST_BYTES: usize = 1024 * 1024;
/// Reasons that are given.
const MOST_REASONS: usize = 6;
/// Characters of the part that a reason is about.
const MOST_PART: usize = 120;

/// A reason to look twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Danger {
    /// What it does, in words: `deletes directories with all that is in them`.
    pub reason: &'static str,
    /// The part of the input that does it, as it is there; make it safe before drawing it.
    pub part: String,
}

/// Collects reasons, each once.
#[derive(Default)]
struct Found {
    dangers: Vec<Danger>,
}

impl Found {
    fn add(&mut self, reason: &'static str, part: &str) {
        let known = self.dangers.iter().any(|danger| danger.reason == reason);
        if known || self.dangers.len() >= MOST_REASONS {
            return;
        }
        let mut characters = part.chars();
        let mut cut: String = characters.by_ref().take(MOST_PART).collect();
        if characters.next().is_some() {
            cut.push('…');
        }
        self.dangers.push(Danger { reason, part: cut });
    }
}

/// Why a call of this tool with this input is dangerous; empty where nothing is known.
#[must_use]
pub fn dangers(tool_name: &str, input: &Value) -> Vec<Danger> {
    let mut found = Found::default();
    let text = |name: &str| input.get(name).and_then(Value::as_str);
    let unread = text(UNREADABLE_INPUT);
    if let Some(unread) = unread {
        found.add("could not be read: only its text is shown", unread);
    }
    match tool_name {
        "Bash" => {
            let command = text("command").unwrap_or_default();
            commands::look(head(command), &mut found);
            // Which of its strings is the command cannot be told.
            for string in unread.map(head).unwrap_or_default().split('"') {
                commands::look(string, &mut found);
            }
            if input.get("dangerouslyDisableSandbox") == Some(&Value::Bool(true)) {
                found.add("runs outside the sandbox", "dangerouslyDisableSandbox");
            }
        }
        "Write" | "Edit" | "MultiEdit" | "NotebookEdit" => {
            if let Some(path) = text("file_path").or_else(|| text("notebook_path"))
                && let Some(reason) = paths::written(path)
            {
                found.add(reason, path);
            }
        }
        "Read" => {
            if let Some(path) = text("file_path").filter(|path| paths::is_secret(path)) {
                found.add(paths::SECRETS, path);
            }
        }
        "AskUserQuestion" | "ExitPlanMode" => {}
        _ => other_tool(tool_name, input, &mut found),
    }
    let mut budget = MOST_BYTES;
    if let Some(c) = hidden(input, &mut budget) {
        let part = format!("\\u{{{:x}}}", u32::from(c));
        found.add("holds characters that hide or reorder others", &part);
    }
    if budget == 0 {
        found.add("is too long to be looked through whole", "");
    }
    found.dangers
}

/// The part of a text that is looked through.
fn head(text: &str) -> &str {
    &text[..text.floor_char_boundary(MOST_BYTES)]
}

/// A tool that we do not know: by its name, and by SQL that it is given.
fn other_tool(tool_name: &str, input: &Value, found: &mut Found) {
    const DESTROYS: [&str; 7] = [
        "delete", "destroy", "drop", "purge", "remove", "truncate", "wipe",
    ];
    let name = tool_name.rsplit("__").next().unwrap_or(tool_name);
    let lower = name.to_ascii_lowercase();
    if lower
        .split(|c: char| !c.is_ascii_alphanumeric())
        .any(|word| DESTROYS.contains(&word))
    {
        found.add("removes something, by its name", name);
    }
    for field in ["sql", "query", "statement"] {
        if let Some(sql) = input.get(field).and_then(Value::as_str)
            && let Some(part) = commands::destructive_sql(head(sql))
        {
            found.add(commands::SQL, part);
        }
    }
    for field in ["command", "cmd", "script"] {
        if let Some(command) = input.get(field).and_then(Value::as_str) {
            commands::look(head(command), found);
        }
    }
}

/// Whether a hidden character is usual behind another one: line ends and tabs are; so are, in an
/// emoji, the selector that makes a sign one and the joiner between two.
fn is_usual(before: char, c: char) -> bool {
    let in_emoji =
        matches!(before, '\u{2190}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}' | '\u{fe0f}');
    match c {
        '\n' | '\r' | '\t' => true,
        '\u{fe0f}' | '\u{200d}' => in_emoji,
        _ => false,
    }
}

/// The first character of any text in it that is not what it seems.
fn hidden(value: &Value, budget: &mut usize) -> Option<char> {
    let look = |text: &str, budget: &mut usize| {
        let looked = &text[..text.floor_char_boundary(*budget)];
        *budget -= looked.len();
        if looked.len() < text.len() {
            *budget = 0;
        }
        let mut before = ' ';
        looked.chars().find(|c| {
            let before = std::mem::replace(&mut before, *c);
            is_deceptive(*c) && !is_usual(before, *c)
        })
    };
    match value {
        Value::String(text) => look(text, budget),
        Value::Array(values) => values.iter().find_map(|value| hidden(value, budget)),
        Value::Object(fields) => fields
            .iter()
            .find_map(|(name, value)| look(name, budget).or_else(|| hidden(value, budget))),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}
