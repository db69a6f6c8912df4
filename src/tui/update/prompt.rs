//! The prompt line: typing, history, completion, and starting a session with the last settings.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::connection::can_send;
use super::line::is_new_line;
use super::{Effect, actions, launch};
use crate::tui::effect::Purpose;
use crate::tui::forms::Field;
use crate::tui::keymap::Action;
use crate::tui::state::{App, Pane, complete};

/// Takes a key for the prompt line.
pub fn key(app: &mut App, key: KeyEvent) -> Vec<Effect> {
    let launch = &mut app.launch;
    let open = launch.completion.is_open();
    match key.code {
        KeyCode::Esc if open => launch.completion.close(),
        KeyCode::Esc => return actions::act(app, Action::Cancel),
        KeyCode::Tab if open => return take(app),
        // Half a path must not be sent; what is typed out already is none.
        KeyCode::Enter if open && key.modifiers.is_empty() && !launch.completion.is_complete() => {
            // The next enter starts the session, and takes nothing from within a directory.
            let _ = take(app);
            app.launch.completion.close();
        }
        KeyCode::Char('o') if key.modifiers == KeyModifiers::CONTROL => {
            return launch::open_form(app);
        }
        KeyCode::Up | KeyCode::Down if open => launch.completion.step(key.code == KeyCode::Down),
        KeyCode::Tab => return actions::act(app, Action::FocusNext),
        KeyCode::BackTab => return actions::act(app, Action::FocusPrevious),
        KeyCode::Up if is_first_line(&launch.prompt) => history(app, true),
        KeyCode::Down if is_last_line(&launch.prompt) => history(app, false),
        KeyCode::Enter if key.modifiers.is_empty() => return start(app),
        KeyCode::Char('g') if key.modifiers == KeyModifiers::CONTROL => {
            return vec![Effect::Editor {
                purpose: Purpose::Field,
                text: launch.prompt.text(),
                extension: "md",
            }];
        }
        _ if is_new_line(key) => launch.prompt.area.insert_newline(),
        _ => {
            launch.prompt.key(key);
            launch.history_at = None;
            return typed(app);
        }
    }
    Vec::new()
}

fn is_first_line(field: &Field) -> bool {
    field.area.cursor().0 == 0
}

fn is_last_line(field: &Field) -> bool {
    field.area.cursor().0 + 1 >= field.area.lines().len()
}

/// After the prompt line changed: what is being typed may be a file's name.
pub fn typed(app: &mut App) -> Vec<Effect> {
    let piece = complete::file(&app.launch.prompt);
    let base = app.launch.settings(&app.directory).directory;
    let ask = piece.clone();
    match (app.launch.completion.typing(piece), ask) {
        (true, Some(typed)) => vec![Effect::Complete {
            typed,
            base,
            directories: false,
        }],
        (true | false, _) => Vec::new(),
    }
}

/// Puts the chosen file's name in.
fn take(app: &mut App) -> Vec<Effect> {
    let launch = &mut app.launch;
    match launch.completion.put_into(&mut launch.prompt) {
        Some(directory) if directory.ends_with('/') => typed(app),
        Some(_) => {
            launch.prompt.area.insert_char(' ');
            Vec::new()
        }
        None => Vec::new(),
    }
}

/// Goes through the queries that were given before; at the newest end is what was being typed.
fn history(app: &mut App, back: bool) {
    let launch = &mut app.launch;
    let given = &launch.memory.history;
    let next = match (launch.history_at, back) {
        (None, true) => given.len().checked_sub(1),
        (Some(at), true) => Some(at.saturating_sub(1)),
        (Some(at), false) => Some(at + 1).filter(|at| *at < given.len()),
        (None, false) => return,
    };
    if launch.history_at.is_none() {
        launch.before_history = launch.prompt.text();
    }
    match next.and_then(|at| given.get(at)) {
        Some(query) => launch.prompt.set(query),
        None if launch.history_at.is_some() => launch.prompt.set(&launch.before_history),
        None => {}
    }
    launch.history_at = next;
}

/// Starts a session with the last settings.
fn start(app: &mut App) -> Vec<Effect> {
    if app.launch.prompt.is_blank() {
        app.focus = Pane::Sessions;
        return Vec::new();
    }
    if !can_send(app) {
        return Vec::new();
    }
    let query = app.launch.prompt.text();
    let template = app.launch.settings(&app.directory);
    let id = app.fresh_id.to_string();
    let params = app.launch.params(&query, &template, &app.directory, id);
    let launch = &mut app.launch;
    launch.prompt = Field::default();
    launch.completion.close();
    launch.history_at = None;
    launch.memory.query(&query);
    app.focus = Pane::Sessions;
    vec![
        Effect::Launch(Box::new(params)),
        Effect::SaveMemory(Box::new(app.launch.memory.clone())),
    ]
}
