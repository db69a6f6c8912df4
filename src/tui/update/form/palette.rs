//! All commands, found by typing.

use crossterm::event::{KeyCode, KeyEvent};

use super::{After, moved};
use crate::tui::state::form::palette::Palette;
use crate::tui::state::{App, Form};
use crate::tui::update::act;

/// Enter does the chosen one.
pub fn key(app: &mut App, mut form: Palette, key: KeyEvent) -> After {
    let found = form.found();
    if let Some(selected) = moved(form.selected, key, found.len()) {
        form.selected = selected;
        return After::Stay(Form::Palette(form));
    }
    if key.code == KeyCode::Enter {
        let Some(action) = found.get(form.selected.min(found.len().saturating_sub(1))) else {
            return After::Stay(Form::Palette(form));
        };
        let effects = act(app, *action);
        return match app.form.take() {
            Some(opened) => After::And(opened, effects),
            None => After::Close(effects),
        };
    }
    form.filter.key(key);
    form.selected = 0;
    After::Stay(Form::Palette(form))
}
