//! All keys.

use crossterm::event::{KeyCode, KeyEvent};

use super::{After, scrolled};
use crate::tui::state::Form;
use crate::tui::state::form::help::Help;

/// Scrolls; `q` and `?` close it.
pub fn key(mut form: Help, key: KeyEvent) -> After {
    match (scrolled(form.scroll, key), key.code) {
        (Some(first), _) => {
            form.scroll = first;
            After::Stay(Form::Help(form))
        }
        (None, KeyCode::Char('q' | '?') | KeyCode::Enter) => After::Close(Vec::new()),
        (None, _) => After::Stay(Form::Help(form)),
    }
}
