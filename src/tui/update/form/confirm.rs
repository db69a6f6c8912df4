//! A second question before something that cannot be undone.

use crossterm::event::KeyEvent;

use super::{After, scrolled};
use crate::tui::state::form::confirm::Confirm;
use crate::tui::state::{App, Form};
use crate::tui::update::decide;

/// A yes does it. That of a dangerous approval also needs the whole text to have been on the screen.
pub fn key(app: &mut App, mut form: Confirm, key: KeyEvent) -> After {
    if form.yes.takes(key) {
        let unread = form.approval.as_ref().and_then(|_| decide::must_read(app));
        match unread {
            None => return After::Close(decide::perform(app, form.then)),
            Some(unread) => form.scroll = unread.first,
        }
    } else if let Some(first) = scrolled(form.scroll, key) {
        form.scroll = first;
    }
    After::Stay(Form::Confirm(form))
}
