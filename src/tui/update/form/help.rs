//! All keys.

use crossterm::event::{KeyCode, KeyEvent};

use super::{After, scrolled};
use crate::tui::state::Form;
use crate::tui::state::form::help::Help;

/// Scrolls; `/` searches, `q` and `?` close it.
pub fn key(mut form: Help, key: KeyEvent) -> After {
    if form.typing {
        match key.code {
            KeyCode::Enter | KeyCode::Down => form.typing = false,
            _ => {
                form.filter.key(key);
                form.scroll = 0;
            }
        }
        return After::Stay(Form::Help(form));
    }
    if key.code == KeyCode::Char('/') {
        form.typing = true;
        return After::Stay(Form::Help(form));
    }
    match (scrolled(form.scroll, key), key.code) {
        (Some(first), _) => {
            form.scroll = first;
            After::Stay(Form::Help(form))
        }
        (None, KeyCode::Char('q' | '?') | KeyCode::Enter) => After::Close(Vec::new()),
        (None, _) => After::Stay(Form::Help(form)),
    }
}
