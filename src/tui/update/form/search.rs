//! Looking for words in all sessions, or in all of one.

use crossterm::event::{KeyCode, KeyEvent};

use super::{After, moved};
use crate::tui::state::form::search::Search;
use crate::tui::state::{App, Form};
use crate::tui::update::search::{ask, go};

/// Enter goes to the chosen row; Tab lists all places of its session, and back.
pub fn key(app: &mut App, mut form: Search, key: KeyEvent) -> After {
    if let Some(selected) = moved(form.selected, key, form.count()) {
        form.selected = selected;
        return After::Stay(Form::Search(form));
    }
    if key.code == KeyCode::Enter {
        let effects = go(app, form);
        return match app.form.take() {
            Some(form) => After::And(form, effects),
            None => After::Close(effects),
        };
    }
    if key.code == KeyCode::Tab {
        form.within = match form.within.take() {
            Some(_) => None,
            None => form.selected_session(),
        };
        let effects = ask(app, &mut form);
        return After::And(Form::Search(form), effects);
    }
    let before = form.needle();
    form.words.key(key);
    if form.needle() == before {
        return After::Stay(Form::Search(form));
    }
    let effects = ask(app, &mut form);
    After::And(Form::Search(form), effects)
}
