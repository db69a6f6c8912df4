//! Why a tool call can do harm that is hard to undo, as far as its input shows it.
//!
//! A help for the person who decides, never a decision: what is not found here is not safe, it is
//! only not known to be dangerous. What runs but cannot be known is a result of its own
//! ([`Verdict::CantTell`]) and counts as dangerous wherever that matters.
//!
//! The way of a command: `shell` reads it by a shell's grammar; `run` carries it out on paper, with
//! `value` for what words come to, `evaluation` for texts that the shell evaluates although they stood
//! in quotes, and `builtins`; `wrappers` and `given` find what runs within other programs, and
//! `environment` what variables make them run; and each program that would run is judged by the tables
//! and rules of `programs`. Nothing that a script does takes a mark away: a function or an alias is judged
//! beside the program of its name (`names`), and a value beside the one that it replaced (`earlier`).
//! Of programs in other languages only the names that are called and the texts between quotes are known
//! (`code`). The whole is linear in the
//! length of a command, and has a bound: [`MAX_COMMAND`] bytes, and a number of steps. Pure.
//! Called once for an approval, by the dashboard and by whatever grants for more than one.

mod braces;
mod builtins;
mod code;
mod code_table;
#[cfg(test)]
mod corpus;
mod disguise;
mod earlier;
mod editors;
mod environment;
mod evaluation;
mod given;
mod helpers;
mod names;
mod paths;
mod programs;
mod reason;
mod run;
mod sed;
mod shell;
mod sql;
#[cfg(test)]
mod tests;
mod tokens;
mod tool;
mod value;
mod wrapper_table;
mod wrappers;

use serde_json::Value;

use super::approval::UNREADABLE_INPUT;
use super::lookalike;
use super::text::{Level, find_hidden};
use super::tool::{FILE_PATH, NOTEBOOK_PATH, Tool};

/// Bytes of an input that are looked through for characters that deceive.
pub const MAX_BYTES: usize = 1024 * 1024;
/// Bytes of a command that are judged: Linux hands a program no longer argument, so that no longer
/// command can be run by a shell that is given it.
pub const MAX_COMMAND: usize = 128 * 1024;
/// Reasons that are given.
const MOST_REASONS: usize = 6;
/// Characters of the part that a reason is about.
const MOST_PART: usize = 120;

/// What is known of a call that is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It does harm.
    Dangerous,
    /// It runs something that cannot be known before it runs.
    CantTell,
}

impl Verdict {
    /// The sign before its reason.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Self::Dangerous => " ! ",
            Self::CantTell => " ? ",
        }
    }

    /// What is known of a call with these reasons; none where it is not marked.
    #[must_use]
    pub fn of(dangers: &[Danger]) -> Option<Self> {
        let is_known = |danger: &Danger| danger.verdict == Self::Dangerous;
        match dangers {
            [] => None,
            dangers if dangers.iter().any(is_known) => Some(Self::Dangerous),
            _ => Some(Self::CantTell),
        }
    }
}

/// A reason to look twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Danger {
    /// Whether it is known to do harm, or not known what it does.
    pub verdict: Verdict,
    /// What it does, in words: `deletes directories recursively`; of what can't be told,
    /// a whole clause: `can't tell what runs: …`.
    pub reason: &'static str,
    /// The part of the input that does it, as it is there; make it safe before drawing it.
    pub part: String,
}

impl Danger {
    /// It as a sentence, without what it is about.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self.verdict {
            Verdict::Dangerous => format!("It {}", self.reason),
            Verdict::CantTell => self.reason.replacen('c', "C", 1),
        }
    }
}

/// Collects reasons, each once.
struct Found {
    dangers: Vec<Danger>,
    /// Steps that are left for all commands of the call together.
    steps: usize,
    /// Whether what can't be told does not count here: in a function that nobody has called yet.
    unclear_is_off: bool,
}

impl Default for Found {
    fn default() -> Self {
        Self {
            dangers: Vec::new(),
            steps: run::MAX_STEPS,
            unclear_is_off: false,
        }
    }
}

impl Found {
    fn is_full(&self) -> bool {
        self.dangers.len() >= MOST_REASONS
    }

    fn add(&mut self, reason: &'static str, part: &str) {
        self.note(Verdict::Dangerous, reason, part);
    }

    fn unclear(&mut self, reason: &'static str, part: &str) {
        let is_limit = matches!(reason, reason::TOO_LONG | reason::TOO_DEEP);
        if !self.unclear_is_off || is_limit {
            self.note(Verdict::CantTell, reason, part);
        }
    }

    fn note(&mut self, verdict: Verdict, reason: &'static str, part: &str) {
        let known = self.dangers.iter().any(|danger| danger.reason == reason);
        if known {
            return;
        }
        if self.is_full() {
            // What does harm goes before what can't be told.
            let can_go = |danger: &Danger| danger.verdict == Verdict::CantTell;
            match self.dangers.iter().rposition(can_go) {
                Some(at) if verdict == Verdict::Dangerous => drop(self.dangers.remove(at)),
                Some(_) | None => return,
            }
        }
        let mut characters = part.chars();
        let mut cut: String = characters.by_ref().take(MOST_PART).collect();
        if characters.next().is_some() {
            cut.push('…');
        }
        self.dangers.push(Danger {
            verdict,
            reason,
            part: cut,
        });
    }

    /// Judges a command.
    fn command(&mut self, command: &str) {
        let head = &command[..command.floor_char_boundary(MAX_COMMAND)];
        drop(run::Run::new(self).text(head));
        if head.len() < command.len() {
            self.unclear(reason::TOO_LONG, "");
        }
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
    match Tool::of(tool_name) {
        Some(Tool::Bash) => {
            let command = text("command").unwrap_or_default();
            found.command(command);
            // Which of its strings is the command cannot be told.
            for string in unread.map(head).unwrap_or_default().split('"').take(64) {
                found.command(string);
            }
            if input.get("dangerouslyDisableSandbox") == Some(&Value::Bool(true)) {
                found.add("runs outside the sandbox", "dangerouslyDisableSandbox");
            }
        }
        Some(Tool::Write | Tool::Edit | Tool::MultiEdit | Tool::NotebookEdit) => {
            if let Some(path) = text(FILE_PATH).or_else(|| text(NOTEBOOK_PATH))
                && let Some(reason) = paths::written(&paths::normal(path, None))
            {
                found.add(reason, path);
            }
        }
        Some(Tool::Read) => {
            if let Some(path) =
                text(FILE_PATH).filter(|path| paths::is_secret(&paths::normal(path, None)))
            {
                found.add(paths::SECRETS, path);
            }
        }
        Some(
            Tool::AskUserQuestion
            | Tool::ExitPlanMode
            | Tool::KillShell
            | Tool::BashOutput
            | Tool::TodoWrite,
        ) => {}
        Some(Tool::Grep | Tool::NotebookRead) => {
            let path = text("path").or_else(|| text(NOTEBOOK_PATH));
            if let Some(path) = path.filter(|path| paths::is_secret(&paths::normal(path, None))) {
                found.add(paths::SECRETS, path);
            }
        }
        Some(
            Tool::Glob
            | Tool::Ls
            | Tool::Skill
            | Tool::Task
            | Tool::TaskOutput
            | Tool::TaskStop
            | Tool::WebFetch
            | Tool::WebSearch,
        )
        | None => tool::judge(tool_name, input, &mut found),
    }
    let mut budget = MAX_BYTES;
    if let Some(c) = hidden(input, &mut budget) {
        let part = format!("\\u{{{:x}}}", u32::from(c));
        found.add("contains hidden or bidirectional characters", &part);
    }
    let mut left = MAX_BYTES;
    if let Some(c) = imitation(input, &mut left) {
        let part = format!("\\u{{{:x}}}", u32::from(c));
        found.add("contains letters or an address that imitate others", &part);
    }
    if budget == 0 {
        found.unclear(reason::TOO_LONG, "");
    }
    found.dangers
}

/// Why writing to an absolute path is dangerous.
#[must_use]
pub fn written_path(path: &str) -> Option<&'static str> {
    paths::written(&paths::normal(path, None))
}

/// Whether a reason of [`written_path`] is about where a file is, and so is the same for all around it.
#[must_use]
pub fn is_about_a_place(reason: &str) -> bool {
    [paths::SYSTEM, paths::OWN_RECORDS].contains(&reason)
}

/// The part of a text that is looked through.
fn head(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_BYTES)]
}

/// The first character of any text in it that looks like another one.
fn imitation(value: &Value, left: &mut usize) -> Option<char> {
    let look = |text: &str, left: &mut usize| {
        let looked = &text[..text.floor_char_boundary(*left)];
        *left -= looked.len();
        lookalike::imitation(looked)
    };
    match value {
        Value::String(text) => look(text, left),
        Value::Array(values) => values.iter().find_map(|value| imitation(value, left)),
        Value::Object(fields) => fields
            .iter()
            .find_map(|(name, value)| look(name, left).or_else(|| imitation(value, left))),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
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
        let mut from = 0;
        while let Some(at) = find_hidden(looked, from, Level::Prose) {
            let found = looked[at..].chars().next()?;
            if !matches!(found, '\n' | '\r' | '\t') {
                return Some(found);
            }
            from = at + found.len_utf8();
        }
        None
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
