//! Where a key goes: the open form, a line that is typed, else the keymap.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::actions::{self, leave_search};
use super::line::{edit_line, one_line, paste_line};
use super::{Effect, inbox, list, notify, prompt};
use crate::tui::forms::{self, Form};
use crate::tui::keymap::{Action, Chord, KeyContext};
use crate::tui::state::guard::Press;
use crate::tui::state::notice::Tone;
use crate::tui::state::{App, Pane};

pub fn key(app: &mut App, key: KeyEvent) -> Vec<Effect> {
    if key.kind == KeyEventKind::Release {
        return Vec::new();
    }
    let chord = Chord::of(key);
    let is_held = key.kind == KeyEventKind::Repeat;
    let press = Press {
        earliest: app.pressed,
        read: app.elapsed,
    };
    app.guard.key_pressed(chord, is_held, press);
    // It was about the key before.
    app.notice.take_if(|notice| notice.tone == Tone::Hint);
    if let Some(action) = anywhere(app, chord) {
        return actions::act(app, action);
    }
    let key = escaping(app, key);
    if app.form.is_some() {
        return forms::keys::key(app, key);
    }
    if app.sessions.typing {
        return filter(app, key);
    }
    if app.inbox.typing {
        return inbox::filter(app, key);
    }
    if app.detail.typing {
        return search(app, key);
    }
    if app.focus == Pane::Prompt {
        return prompt::key(app, key);
    }
    let own = app.keymap.own_action(app.context(), chord);
    match own.or_else(|| app.keymap.action(app.focus.context(), chord)) {
        Some(action) => actions::act(app, action),
        None => {
            if let Some(c) = chord.typed() {
                let help = app.keymap.key(Action::Help);
                notify(
                    app,
                    Tone::Hint,
                    format!("{c:?} does nothing here ({help}: all keys)"),
                );
            }
            Vec::new()
        }
    }
}

/// What a key asks for whatever is open, as it types nothing and decides nothing.
fn anywhere(app: &App, chord: Chord) -> Option<Action> {
    if chord.typed().is_some() {
        return None;
    }
    let action = app.keymap.action(KeyContext::Global, chord)?;
    // The last is what the status line offers then.
    let always = matches!(action, Action::Suspend | Action::Redraw)
        || (action == Action::RestartDaemon && !app.is_connected());
    always.then_some(action)
}

/// Ctrl-c leaves what is open, as Esc does; only where nothing is open it may mean more.
fn escaping(app: &App, key: KeyEvent) -> KeyEvent {
    let typing = app.sessions.typing || app.inbox.typing || app.detail.typing;
    let open = app.form.is_some() || typing || app.focus == Pane::Prompt;
    let is_it = key.code == KeyCode::Char('c') && key.modifiers == KeyModifiers::CONTROL;
    if open && is_it {
        KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE)
    } else {
        key
    }
}

/// Takes pasted text, which goes only where text is typed, at the cursor: a paste must never decide
/// anything.
pub fn paste(app: &mut App, text: &str) -> Vec<Effect> {
    match &mut app.form {
        Some(Form::Read(form)) if form.typing => return forms::read::pasted_search(app, text),
        Some(form) => {
            let has_lines = form.has_lines();
            if let Some(field) = form.field() {
                match has_lines {
                    true => field.insert(text),
                    false => field.insert(&one_line(text)),
                }
            }
        }
        None if app.sessions.typing => {
            paste_line(&mut app.line, &mut app.sessions.filter, text);
            return list::filtered(app);
        }
        None if app.inbox.typing => {
            paste_line(&mut app.line, &mut app.inbox.filter, text);
            inbox::filtered(app);
        }
        None if app.detail.typing => {
            let line = app.detail.search.get_or_insert_default();
            paste_line(&mut app.line, line, text);
            app.detail.transcript.search(line);
        }
        None if app.focus == Pane::Prompt => {
            app.launch.prompt.insert(text);
            return prompt::typed(app);
        }
        None => notify(app, Tone::Plain, "Paste into the prompt line or a form"),
    }
    Vec::new()
}

/// The filter of the list, as it is typed.
fn filter(app: &mut App, key: KeyEvent) -> Vec<Effect> {
    match key.code {
        KeyCode::Esc => return actions::act(app, Action::Cancel),
        KeyCode::Enter => app.sessions.typing = false,
        KeyCode::Down => return actions::act(app, Action::Down),
        KeyCode::Up => return actions::act(app, Action::Up),
        _ => {
            edit_line(&mut app.line, &mut app.sessions.filter, key);
            return list::filtered(app);
        }
    }
    Vec::new()
}

/// The search in the conversation, as it is typed.
fn search(app: &mut App, key: KeyEvent) -> Vec<Effect> {
    match key.code {
        KeyCode::Esc => return actions::act(app, Action::Cancel),
        KeyCode::Enter => {
            app.detail.typing = false;
            // Nothing to search for is no search.
            if app.detail.search.as_deref().unwrap_or_default().is_empty() {
                leave_search(app);
            }
        }
        _ => {
            let line = app.detail.search.get_or_insert_default();
            edit_line(&mut app.line, line, key);
            app.detail.transcript.search(line);
        }
    }
    Vec::new()
}

#[cfg(test)]
#[path = "key_tests.rs"]
mod tests;
