//! Lines of text that several places take: filters, searches and what is pasted into them.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::tui::forms::Field;

/// Whether a key is a new line in a text that Enter sends.
pub fn is_new_line(key: KeyEvent) -> bool {
    match key.code {
        KeyCode::Enter => !key.modifiers.is_empty(),
        // What terminals make of ctrl-enter, and what they send for a line feed.
        KeyCode::Char('j') => key.modifiers == KeyModifiers::CONTROL,
        _ => false,
    }
}

/// A text as one line, for what has only one.
pub fn one_line(text: &str) -> String {
    let lines = text.split(['\r', '\n']).map(str::trim);
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    lines.join(" ")
}

/// Pastes into a filter or a search, at the cursor.
pub fn paste_line(cursor: &mut Field, line: &mut String, text: &str) {
    if cursor.text() != *line {
        cursor.set(line);
    }
    cursor.insert(&one_line(text));
    *line = cursor.text();
}

/// Edits a filter or a search with the keys of every field; the cursor is kept beside it.
pub fn edit_line(cursor: &mut Field, line: &mut String, key: KeyEvent) {
    if cursor.text() != *line {
        cursor.set(line);
    }
    // It has one line and no tabs.
    if !matches!(key.code, KeyCode::Enter | KeyCode::Tab) {
        cursor.key(key);
    }
    *line = cursor.text();
}
