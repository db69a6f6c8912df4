//! The whole of an approval.

use crossterm::event::KeyEvent;

use super::{After, scrolled};
use crate::tui::keymap::{Action, Chord, Context};
use crate::tui::state::form::read::Read;
use crate::tui::state::{App, Form};
use crate::tui::update::act;

/// Scrolls; the keys that decide work here too, as it shows what they are about.
pub fn key(app: &mut App, mut form: Read, key: KeyEvent) -> After {
    if let Some(first) = scrolled(form.scroll, key) {
        form.scroll = first;
        return After::Stay(Form::Read(form));
    }
    match app.keymap.action(Context::Inbox, Chord::of(key)) {
        Some(
            action @ (Action::Approve
            | Action::Deny
            | Action::Edit
            | Action::Always
            | Action::Answer),
        ) => {
            // An action may open a form of its own, which must not be closed by this one.
            let effects = act(app, action);
            match app.form.take() {
                Some(opened) => After::And(opened, effects),
                None => After::Close(effects),
            }
        }
        Some(Action::ReadApproval | Action::Quit) => After::Close(Vec::new()),
        Some(_) | None => After::Stay(Form::Read(form)),
    }
}
