//! «Really?»

use crossterm::event::{KeyCode, KeyEvent};

use super::After;
use crate::tui::state::form::confirm::Confirm;
use crate::tui::state::{App, Form};

/// `y` does it, `n` does not, anything else changes nothing.
pub fn key(_app: &mut App, form: Confirm, key: KeyEvent) -> After {
    match key.code {
        KeyCode::Char('y' | 'Y') | KeyCode::Enter => After::Close(form.then),
        KeyCode::Char('n' | 'N' | 'q') => After::Close(Vec::new()),
        _ => After::Stay(Form::Confirm(form)),
    }
}
