//! Approve with another input: its parts as texts to edit, and what is changed by that.

mod draw;
mod keys;

pub use draw::draw;
pub use keys::key;

use ratatui_textarea::CursorMove;
use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use crate::domain::Tool;
use crate::domain::danger::{Danger, dangers};
use crate::domain::text::is_deceptive;
use crate::protocol::approval::Approval;
use crate::tui::forms::Field;

/// Bytes of both texts beyond which the change is told by their sizes alone.
const MAX_COMPARED: usize = 512 * 1024;
/// Lines around a change that are shown.
const AROUND: usize = 2;

/// How a part's text stands for its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextFormat {
    /// The text is the field's value; line ends are `\n`.
    Text,
    /// The same, with `\r\n` for line ends.
    Windows,
    /// The text is JSON, of the whole input.
    Json,
}

/// A part of the input.
#[derive(Clone, Debug)]
pub struct EditedField {
    /// The field of the input; empty: all of it.
    pub name: &'static str,
    /// How it is written.
    pub form: TextFormat,
    /// As it was asked.
    pub was: String,
    /// As it is now.
    pub text: Field,
}

/// A line of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    /// Which part, or where a stretch was left out.
    Note(String),
    /// As it was, and is.
    Same(String),
    /// No longer there.
    Removed(String),
    /// New.
    Added(String),
}

#[derive(Clone, Debug)]
pub struct EditForm {
    pub approval: String,
    pub tool: String,
    /// The parts that can be edited.
    pub parts: Vec<EditedField>,
    /// The one that keys go to.
    pub at: usize,
    /// What is wrong with it as it stands.
    pub problem: Option<String>,
    /// What is changed, while that is shown before it is sent.
    pub review: Option<Vec<Changed>>,
    /// Why the input as it stands now is dangerous; known while the change is shown.
    pub dangers: Vec<Danger>,
    /// The first row shown of the change.
    pub scroll: usize,
}

impl EditForm {
    /// For an approval.
    #[must_use]
    pub fn of(approval: &Approval) -> Self {
        let fields = Tool::of(&approval.tool_name).map_or(&[][..], Tool::editable_fields);
        let parts: Option<Vec<EditedField>> = fields
            .iter()
            .map(|name| EditedField::field(name, &approval.tool_input))
            .collect();
        let parts = parts
            .filter(|parts| !parts.is_empty())
            .unwrap_or_else(|| vec![EditedField::whole(&approval.tool_input)]);
        Self {
            approval: approval.id.clone(),
            tool: approval.tool_name.clone(),
            parts,
            at: 0,
            problem: None,
            review: None,
            dangers: Vec::new(),
            scroll: 0,
        }
    }

    /// The part that keys go to.
    #[must_use]
    pub fn part(&self) -> Option<&EditedField> {
        self.parts.get(self.at)
    }

    /// The same, to edit.
    pub fn part_mut(&mut self) -> Option<&mut EditedField> {
        self.parts.get_mut(self.at)
    }

    /// The input as it is now.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn input(&self, asked: &Value) -> Result<Value, String> {
        let mut input = asked.clone();
        for part in &self.parts {
            let text = part.text.text();
            match part.form {
                TextFormat::Json => {
                    input = serde_json::from_str(&text).map_err(|error| {
                        format!(
                            "no JSON: line {}, column {}: {}",
                            error.line(),
                            error.column(),
                            reason(&error)
                        )
                    })?;
                    if !input.is_object() {
                        return Err("the input must be a JSON object: { … }".to_owned());
                    }
                }
                TextFormat::Text | TextFormat::Windows => {
                    let text = part.value();
                    if matches!(part.name, "command" | "file_path") && text.trim().is_empty() {
                        return Err(format!("{} is empty", words(part.name)));
                    }
                    if let Some(fields) = input.as_object_mut() {
                        fields.insert(part.name.to_owned(), Value::from(text));
                    }
                }
            }
        }
        Ok(input)
    }

    /// Looks at the input as it is now.
    pub fn check(&mut self, asked: &Value) {
        self.problem = self.input(asked).err();
    }

    /// Shows what is changed, where the input can be sent.
    pub fn show_change(&mut self, asked: &Value) {
        match self.input(asked) {
            Ok(input) => {
                self.problem = None;
                self.dangers = dangers(&self.tool, &input);
                self.scroll = 0;
                self.review = Some(self.parts.iter().flat_map(EditedField::changes).collect());
            }
            Err(problem) => self.problem = Some(problem),
        }
    }

    /// Characters in the part that are not what they seem.
    #[must_use]
    pub fn hidden(&self) -> usize {
        let lines = self.part().map_or(&[][..], |part| part.text.area.lines());
        lines
            .iter()
            .flat_map(|line| line.chars())
            .filter(|c| is_deceptive(*c) && *c != '\t')
            .count()
    }
}

impl EditedField {
    fn field(name: &'static str, input: &Value) -> Option<Self> {
        let was = input.get(name)?.as_str()?;
        let ends = was.matches('\n').count();
        let form = match was.matches('\r').count() {
            0 => TextFormat::Text,
            returns if returns == ends && was.matches("\r\n").count() == ends => {
                TextFormat::Windows
            }
            // An editor would make them all alike without a word; JSON shows each.
            _ => return None,
        };
        Some(Self::new(name, form, was))
    }

    fn whole(input: &Value) -> Self {
        let text = serde_json::to_string_pretty(input).unwrap_or_default();
        Self::new("", TextFormat::Json, &text)
    }

    fn new(name: &'static str, form: TextFormat, was: &str) -> Self {
        let mut text = Field::holding(was);
        // A tab of the input is a tab, and stays one.
        text.area.set_hard_tab_indent(true);
        text.area.move_cursor(CursorMove::Top);
        if !was.contains('\n') {
            text.area.move_cursor(CursorMove::End);
        }
        Self {
            name,
            form,
            was: was.to_owned(),
            text,
        }
    }

    /// The field's value as it is now.
    #[must_use]
    pub fn value(&self) -> String {
        let text = self.text.text();
        match self.form {
            TextFormat::Text | TextFormat::Json => text,
            TextFormat::Windows => text.replace('\n', "\r\n"),
        }
    }

    /// Takes a text from an editor, which ends every text with a line end whether it had one or not.
    pub fn take(&mut self, text: &str) {
        let text = match text.strip_suffix('\n') {
            Some(without) if !self.was.ends_with('\n') => without,
            Some(_) | None => text,
        };
        self.text.set(text);
        self.text.area.set_hard_tab_indent(true);
        self.text.area.move_cursor(CursorMove::Top);
    }

    fn changes(&self) -> Vec<Changed> {
        let now = self.value();
        if now == self.was {
            return Vec::new();
        }
        let mut lines = vec![Changed::Note(words(self.name).to_owned())];
        if now.len() + self.was.len() > MAX_COMPARED {
            lines.push(Changed::Note(format!(
                "{} bytes instead of {}: too long to show line by line",
                now.len(),
                self.was.len()
            )));
            return lines;
        }
        let diff = TextDiff::from_lines(self.was.as_str(), now.as_str());
        for (at, group) in diff.grouped_ops(AROUND).iter().enumerate() {
            if at > 0 {
                lines.push(Changed::Note("…".to_owned()));
            }
            for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
                let line = change.value().trim_end_matches('\n').to_owned();
                lines.push(match change.tag() {
                    ChangeTag::Equal => Changed::Same(line),
                    ChangeTag::Delete => Changed::Removed(line),
                    ChangeTag::Insert => Changed::Added(line),
                });
            }
        }
        lines
    }
}

/// A part's name for people.
#[must_use]
pub fn words(name: &str) -> &str {
    match name {
        "" => "the input",
        "command" => "the command",
        "content" => "the content",
        "file_path" => "the path",
        "new_string" => "the new text",
        "old_string" => "the text that it replaces",
        "new_source" => "the cell",
        "url" => "the address",
        "prompt" => "the prompt",
        "query" => "the query",
        other => other,
    }
}

/// Without the place, which is said before it.
fn reason(error: &serde_json::Error) -> String {
    let words = error.to_string();
    match words.split_once(" at line ") {
        Some((reason, _)) => reason.to_owned(),
        None => words,
    }
}
