//! All commands, found by typing.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{After, moved};
use crate::tui::effect::Effect;
use crate::tui::keymap::Context;
use crate::tui::state::form::palette::{Command, Palette, RECENT};
use crate::tui::state::{App, Form, Pane};
use crate::tui::update::{act, list};

/// Enter does the chosen one.
pub fn key(app: &mut App, mut form: Palette, key: KeyEvent) -> After {
    let found = form.found();
    let step = match (key.code, key.modifiers) {
        (KeyCode::Char('n'), KeyModifiers::CONTROL) => KeyCode::Down.into(),
        (KeyCode::Char('p'), KeyModifiers::CONTROL) => KeyCode::Up.into(),
        _ => key,
    };
    if let Some(selected) = moved(form.selected, step, found.len()) {
        form.selected = selected;
        return After::Stay(Form::Palette(form));
    }
    if key.code == KeyCode::Enter {
        let Some(command) = found.get(form.selected.min(found.len().saturating_sub(1))) else {
            return After::Stay(Form::Palette(form));
        };
        let mut effects = perform(app, *command);
        effects.extend(remember(app, *command));
        return match app.form.take() {
            Some(opened) => After::And(opened, effects),
            None => After::Close(effects),
        };
    }
    form.filter.key(key);
    form.selected = 0;
    After::Stay(Form::Palette(form))
}

fn perform(app: &mut App, command: Command) -> Vec<Effect> {
    match command {
        Command::Action(action) => {
            let contexts = action.contexts();
            // What belongs to another pane is done there.
            if !contexts.contains(&Context::Global) && !contexts.contains(&app.focus.context()) {
                app.focus = match contexts.first() {
                    Some(Context::Inbox) => Pane::Inbox,
                    Some(Context::Conversation | Context::Search) => Pane::Conversation,
                    Some(Context::Sessions | Context::Global) | None => Pane::Sessions,
                };
                app.detail.open = app.focus == Pane::Conversation;
            }
            app.acting_form = Some("palette");
            let effects = act::act(app, action);
            app.acting_form = None;
            effects
        }
        Command::Theme(name) => act::set_theme(app, name),
        Command::Sort(sort) => {
            list::sort_by(app, sort);
            Vec::new()
        }
    }
}

/// Remembers what was used last, for the next time.
fn remember(app: &mut App, command: Command) -> Option<Effect> {
    let recent = &mut app.launch.remembered.commands;
    let name = command.name();
    if recent.first() == Some(&name) {
        return None;
    }
    recent.retain(|other| *other != name);
    recent.insert(0, name);
    recent.truncate(RECENT);
    Some(Effect::Remember(Box::new(app.launch.remembered.clone())))
}
