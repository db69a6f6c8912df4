//! What goes to standard output, and in which form.
//!
//! Owns the difference between a terminal (tables, relative times, short ids)
//! and a pipe (tab-separated rows, exact times, whole ids), and that nothing
//! deceptive gets through. Under `--json` all that is printed is JSON: the result on standard output;
//! on standard error one object a line, `{"warning": …}`, `{"note": …}`, and at last the error. No
//! colour is ever used here, so there is none to switch off.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use clap::ColorChoice;

use serde::Serialize;
use unicode_width::UnicodeWidthStr as _;

use super::exit::ErrorReport;
use super::table;
use crate::domain::text;

/// Width of a terminal that does not tell its own.
const COLUMNS: u16 = 100;

/// Whether this process writes JSON.
static AS_JSON: AtomicBool = AtomicBool::new(false);

/// From now on all is written as JSON. Called once, before anything is written.
pub fn use_json() {
    AS_JSON.store(true, Ordering::Relaxed);
}

/// Whether colours are wanted: never (1), always (2), or as the surroundings say (0).
static COLOR: AtomicU8 = AtomicU8::new(0);

/// Says when colours are used. Called once, before anything is drawn.
pub fn use_color(when: ColorChoice) {
    let code = match when {
        ColorChoice::Auto => 0,
        ColorChoice::Never => 1,
        ColorChoice::Always => 2,
    };
    COLOR.store(code, Ordering::Relaxed);
}

/// Whether a terminal is to be drawn on in colours.
#[must_use]
pub fn has_color() -> bool {
    match COLOR.load(Ordering::Relaxed) {
        1 => false,
        2 => true,
        _ => std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
    }
}

fn as_json() -> bool {
    AS_JSON.load(Ordering::Relaxed)
}

/// Standard output.
pub struct Output {
    out: Box<dyn Write>,
    terminal: bool,
    json: bool,
}

impl Output {
    /// Takes standard output for itself.
    #[must_use]
    pub fn new() -> Self {
        let out = io::stdout().lock();
        Self {
            terminal: out.is_terminal() && !as_json(),
            json: as_json(),
            out: Box::new(out),
        }
    }

    /// Writes elsewhere, in the form for a pipe.
    #[cfg(test)]
    pub(super) fn to(out: impl Write + 'static) -> Self {
        Self {
            out: Box::new(out),
            terminal: false,
            json: false,
        }
    }

    /// Whether a person reads it as it comes.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Whether it is to be JSON.
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Writes what came of a command: the value as JSON, else what `words` writes.
    pub fn result(
        &mut self,
        value: &impl Serialize,
        words: impl FnOnce(&mut Self) -> io::Result<()>,
    ) -> Result<(), super::Failure> {
        match self.json {
            true => self.json(value),
            false => Ok(words(self)?),
        }
    }

    /// Writes a line of our own words; anything foreign in it must be safe already.
    pub fn line(&mut self, line: impl AsRef<str>) -> io::Result<()> {
        writeln!(self.out, "{}", line.as_ref())
    }

    /// Writes a foreign text, made safe, with its line breaks, each line after `indent`.
    pub fn block(&mut self, indent: &str, foreign: &str) -> io::Result<()> {
        let mut all = String::with_capacity(foreign.len() + 64);
        for line in text::sanitize(foreign).split('\n') {
            all.push_str(indent);
            all.push_str(line);
            all.push('\n');
        }
        self.out.write_all(all.as_bytes())
    }

    /// Writes one line of JSON.
    pub fn json_line(&mut self, value: &impl Serialize) -> Result<(), super::Failure> {
        let json = serde_json::to_string(value)?;
        self.line(safe_json(&json))?;
        Ok(self.out.flush()?)
    }

    /// Writes JSON for people and programs alike.
    pub fn json(&mut self, value: &impl Serialize) -> Result<(), super::Failure> {
        let json = serde_json::to_string_pretty(value)?;
        Ok(self.line(safe_json(&json))?)
    }

    /// Writes a list: as JSON, else as rows; on a terminal, `none` where there is nothing.
    pub fn list<T: Serialize, const N: usize>(
        &mut self,
        items: Vec<T>,
        none: &str,
        (header, yielding): ([&str; N], &[&str]),
        row: impl Fn(T) -> [String; N],
    ) -> Result<(), super::Failure> {
        if self.json {
            return self.json(&items);
        }
        if items.is_empty() && self.terminal {
            return Ok(self.line(none)?);
        }
        Ok(self.rows(header, yielding, items.into_iter().map(row))?)
    }

    /// Writes rows: a table for a terminal, else one line a row with tabs between its
    /// cells and no header. In a table each row is one line; the columns in `yielding` are cut
    /// where there is no room for all. Cells are made safe here.
    pub fn rows<const N: usize>(
        &mut self,
        header: [&str; N],
        yielding: &[&str],
        rows: impl IntoIterator<Item = [String; N]>,
    ) -> io::Result<()> {
        // Put together first: standard output writes out each line that it is given by itself.
        let mut all = String::new();
        if !self.terminal {
            for row in rows {
                let cells = row.each_ref().map(|cell| text::sanitize_line(cell));
                all.push_str(&cells.join("\t"));
                all.push('\n');
            }
            return self.out.write_all(all.as_bytes());
        }
        let safe = |row: [String; N]| row.map(|cell| text::sanitize_line(&cell).into_owned());
        let rows: Vec<[String; N]> = rows.into_iter().map(safe).collect();
        for line in table::lines(header, yielding, &rows, usize::from(columns())) {
            all.push_str(&line);
            all.push('\n');
        }
        self.out.write_all(all.as_bytes())
    }

    /// Writes one of our own sentences, broken between words so that it fits the terminal.
    pub fn paragraph(&mut self, indent: &str, sentence: &str) -> io::Result<()> {
        let room = usize::from(columns()).max(40);
        let mut line = indent.to_owned();
        for word in sentence.split_whitespace() {
            if line.width() + word.width() >= room && line.trim() != "" {
                self.line(line.trim_end())?;
                indent.clone_into(&mut line);
            }
            line.push_str(word);
            line.push(' ');
        }
        self.line(line.trim_end())
    }

    /// Makes sure that what was written is out.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Default for Output {
    fn default() -> Self {
        Self::new()
    }
}

fn columns() -> u16 {
    rustix::termios::tcgetwinsize(io::stdout())
        .ok()
        .map(|size| size.ws_col)
        .filter(|columns| *columns > 0)
        .unwrap_or(COLUMNS)
}

/// Writes deceptive characters of a JSON text as JSON's own escapes: it means the same and is
/// safe to show. Line breaks between its parts stay; within a string there are none.
#[must_use]
pub fn safe_json(json: &str) -> Cow<'_, str> {
    let hidden = |c: char| text::is_deceptive(c) && !matches!(c, '\n' | '\t' | '\r');
    if !json.contains(hidden) {
        return Cow::Borrowed(json);
    }
    let mut safe = String::with_capacity(json.len() + 32);
    for c in json.chars() {
        if hidden(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                safe.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            safe.push(c);
        }
    }
    Cow::Owned(safe)
}

/// Says something on standard error.
pub fn warn(message: &str) {
    say("warning", "humanlayer: ", message);
}

/// Says something on standard error that is no part of what was asked for.
pub fn note(message: &str) {
    say("note", "", message);
}

fn say(name: &str, before: &str, message: &str) {
    if as_json() {
        return complain(&serde_json::json!({ name: message }));
    }
    // Nobody is left to tell when standard error is gone.
    let _ = writeln!(io::stderr(), "{before}{}", text::sanitize(message));
}

/// Says on standard error why a command failed; nothing that a person was told already.
pub fn error(report: &ErrorReport) {
    if as_json() {
        complain(report);
    } else if !report.is_shown {
        warn(&report.in_words());
    }
}

/// Says to a person what went wrong with one of several; a program is told at the end.
pub fn complain_of(id: &str, report: &ErrorReport) {
    if !as_json() {
        warn(&format!(
            "{}: {}",
            text::sanitize_line(id),
            report.in_words()
        ));
    }
}

/// Writes a JSON object on one line of standard error.
fn complain(object: &impl Serialize) {
    let json = serde_json::to_string(object).unwrap_or_default();
    // In one piece, so that no other program's words come between.
    let _ = io::stderr().write_all(format!("{}\n", safe_json(&json)).as_bytes());
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn json_stays_json_and_hides_nothing() {
        let value = json!({"a": "x\u{202e}y\u{e0041}z\u{9b}\n", "b": "plain 漢字"});
        let text = serde_json::to_string_pretty(&value).unwrap();
        let safe = safe_json(&text);
        assert!(!safe.contains(|c| text::is_deceptive(c) && c != '\n'));
        assert_eq!(serde_json::from_str::<Value>(&safe).unwrap(), value);
        assert!(matches!(safe_json("{\n}"), Cow::Borrowed(_)));
    }
}
