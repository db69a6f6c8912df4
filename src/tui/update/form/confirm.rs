//! A second question before something that cannot be undone.

use crossterm::event::{KeyCode, KeyEvent};

use super::{After, scrolled};
use crate::tui::state::form::confirm::Confirm;
use crate::tui::state::notice::Tone;
use crate::tui::state::{App, Form};
use crate::tui::update::{decide, say};

/// `y` does it, `n` does not, anything else changes nothing. A dangerous approval takes `!` instead:
/// a key that nobody hits who wanted to approve twice.
pub fn key(app: &mut App, mut form: Confirm, key: KeyEvent) -> After {
    let is_dangerous = form.approval.is_some();
    match key.code {
        KeyCode::Char('!') if is_dangerous => match decide::must_read(app) {
            None => return After::Close(decide::perform(app, form.then)),
            Some(unread) => form.scroll = unread.first,
        },
        KeyCode::Char('y' | 'Y') | KeyCode::Enter if is_dangerous => {
            say(app, Tone::Plain, "Dangerous: ! approves, esc goes back");
        }
        KeyCode::Char('y' | 'Y') | KeyCode::Enter => {
            return After::Close(decide::perform(app, form.then));
        }
        KeyCode::Char('n' | 'N' | 'q') => return After::Close(Vec::new()),
        _ => {
            if let Some(first) = scrolled(form.scroll, key) {
                form.scroll = first;
            }
        }
    }
    After::Stay(Form::Confirm(form))
}
