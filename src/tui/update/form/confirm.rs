//! «Really?»

use crossterm::event::{KeyCode, KeyEvent};

use super::After;
use crate::tui::effect::Effect;
use crate::tui::state::form::confirm::Confirm;
use crate::tui::state::{App, Form};
use crate::tui::update::decide;

/// `y` does it, `n` does not, anything else changes nothing.
pub fn key(app: &mut App, form: Confirm, key: KeyEvent) -> After {
    match key.code {
        KeyCode::Char('y' | 'Y') | KeyCode::Enter => After::Close(then(app, form)),
        KeyCode::Char('n' | 'N' | 'q') => After::Close(Vec::new()),
        _ => After::Stay(Form::Confirm(form)),
    }
}

/// A decision goes the way of all decisions: once, and only while it is waited for.
fn then(app: &mut App, form: Confirm) -> Vec<Effect> {
    let mut effects = Vec::new();
    for effect in form.then {
        match effect {
            Effect::Decide(params) => effects.extend(decide::send(app, "approving", *params)),
            other => effects.push(other),
        }
    }
    effects
}
