//! The prompt line: typing, history, completion, and starting a session.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{Effect, act, say};
use crate::protocol::session::GetAgentInfoParams;
use crate::tui::effect::Purpose;
use crate::tui::keymap::Action;
use crate::tui::state::form::Field;
use crate::tui::state::form::launch::{Launching, Slot, Wanted};
use crate::tui::state::{App, Form, Pane, complete, notice::Tone};

/// Whether a key is a new line in a text that Enter sends.
pub fn is_new_line(key: KeyEvent) -> bool {
    match key.code {
        KeyCode::Enter => !key.modifiers.is_empty(),
        // What terminals make of ctrl-gnter, and what they send for a line feed.
        KeyCode::Char('j') => key.modifiers == KeyModifiers::CONTROL,
        _ => false,
    }
}

/// Takes a key for the prompt line.
pub fn key(app: &mut App, key: KeyEvent) -> Vec<Effect> {
    let launch = &mut app.launch;
    let open = launch.completion.is_open();
    match key.code {
        KeyCode::Esc if open => launch.completion.close(),
        KeyCode::Esc => return act(app, Action::Cancel),
        KeyCode::Tab if open => return take(app),
        KeyCode::Enter
            if open && key.modifiers.is_empty() && launch.completion.chosen.is_some() =>
        {
            return take(app);
        }
        KeyCode::Up | KeyCode::Down if open => launch.completion.step(key.code == KeyCode::Down),
        KeyCode::Tab => return act(app, Action::FocusNext),
        KeyCode::BackTab => return act(app, Action::FocusPrevious),
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
    let given = &launch.remembered.history;
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
    let query = app.launch.prompt.text();
    let template = app.launch.settings(&app.directory);
    let id = uuid::Uuid::new_v4().to_string();
    let params = app.launch.params(&query, &template, &app.directory, id);
    let launch = &mut app.launch;
    launch.prompt = Field::default();
    launch.completion.close();
    launch.history_at = None;
    launch.remembered.query(&query);
    app.focus = Pane::Sessions;
    vec![
        Effect::Launch(Box::new(params)),
        Effect::Remember(Box::new(app.launch.remembered.clone())),
    ]
}

/// Opens the form: as it was left, else with the last settings and what the prompt line has.
pub fn open_form(app: &mut App) -> Vec<Effect> {
    let typed = app.launch.prompt.text();
    let mut form = match app.launch.draft.take() {
        Some(draft) => *draft,
        None => Launching::new(&app.launch.settings(&app.directory), ""),
    };
    if !typed.trim().is_empty() {
        form.field_mut(Slot::Query).set(&typed);
        app.launch.prompt = Field::default();
    }
    let directory = form.line(Slot::Directory);
    form.field_mut(Slot::Directory)
        .set(&app.from_home(&directory));
    form.offer_modes(&app.launch.modes);
    app.launch.completion.close();
    app.form = Some(Form::Launch(Box::new(form)));
    // The agent may have been upgraded since; the daemon knows whether.
    let about_agent = GetAgentInfoParams {
        agent: app.launch.agent.clone(),
        path: app.launch.environment.get("PATH").cloned(),
    };
    vec![Effect::RecentPaths, Effect::AgentInfo(about_agent)]
}

/// The installed agent's permission modes are known: the form offers those.
pub fn offer_modes(app: &mut App, modes: Vec<String>) {
    if modes.is_empty() {
        return;
    }
    if let Some(Form::Launch(form)) = &mut app.form {
        form.offer_modes(&modes);
    }
    app.launch.modes = modes;
}

/// Starts what the form asks for.
pub fn start_form(app: &mut App, form: Box<Launching>, wanted: Wanted) -> Vec<Effect> {
    let id = uuid::Uuid::new_v4().to_string();
    let launch = &app.launch;
    let mut params = launch.params(&wanted.query, &wanted.template, &app.directory, id.clone());
    params.title = wanted.title;
    let launch = &mut app.launch;
    launch.sent.push((id, form));
    launch.remembered.query(&wanted.query);
    app.focus = Pane::Sessions;
    vec![
        Effect::Launch(Box::new(params)),
        Effect::Remember(Box::new(app.launch.remembered.clone())),
    ]
}

/// A session was started: its form is done with, and the next one is started in the same way.
pub fn started(app: &mut App, id: &str) -> Vec<Effect> {
    let launch = &mut app.launch;
    let Some(at) = launch.sent.iter().position(|(sent, _)| sent == id) else {
        return Vec::new();
    };
    let (_, form) = launch.sent.remove(at);
    if let Ok(wanted) = form.wanted(&app.directory, app.home.as_deref()) {
        launch.remembered.settings(&wanted.template);
        launch.place = Some(wanted.template.directory);
    }
    vec![Effect::Remember(Box::new(launch.remembered.clone()))]
}

/// A session was not started: what was typed is shown again, or kept where something else is open.
pub fn refused(app: &mut App, id: &str, query: &str, why: String) {
    let launch = &mut app.launch;
    let sent = launch.sent.iter().position(|(sent, _)| sent == id);
    match sent.map(|at| launch.sent.remove(at).1) {
        Some(mut form) => {
            let slot = if why.contains("working_dir") {
                Slot::Directory
            } else {
                Slot::Query
            };
            form.at = slot;
            // The field has its name on the screen already.
            let said = why
                .split_once("working_dir: ")
                .map_or(&*why, |(_, rest)| rest);
            form.problem = Some((slot, said.to_owned()));
            if app.form.is_none() {
                app.form = Some(Form::Launch(form));
            } else {
                launch.draft = Some(form);
            }
        }
        None if launch.prompt.is_blank() => {
            launch.prompt.set(query);
            if app.form.is_none() && app.focus == Pane::Sessions {
                app.focus = Pane::Prompt;
            }
        }
        // Something else is being typed; the query is the newest of the history.
        None => {}
    }
    say(app, Tone::Bad, format!("not started: {why}"));
}

/// Names that a path can be completed with, for whoever asked.
pub fn completions(app: &mut App, of: &str, found: Vec<String>) {
    match &mut app.form {
        Some(Form::Launch(form)) => {
            let recent = match form.at {
                Slot::Directory => super::form::recent_for(of, &app.launch.recent),
                _ => Vec::new(),
            };
            let known: Vec<String> = recent
                .into_iter()
                .map(|path| shorten(&app.home, path))
                .collect();
            let rest = found.into_iter().filter(|path| {
                let bare = path.trim_end_matches('/');
                !known
                    .iter()
                    .any(|known| known.trim_end_matches('/') == bare)
            });
            let rest: Vec<String> = rest.collect();
            form.completion
                .take(of, rest.into_iter().chain(known).collect());
        }
        Some(_) => {}
        None => app.launch.completion.take(of, found),
    }
}

/// A path from home.
fn shorten(home: &Option<String>, path: String) -> String {
    match home.as_deref().and_then(|home| path.strip_prefix(home)) {
        Some(rest) if rest.starts_with('/') => format!("~{rest}"),
        Some(_) | None => path,
    }
}
