//! A text for a session.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::After;
use crate::protocol::session::{ContinueSessionParams, MoveSessionParams};
use crate::tui::effect::{Effect, Purpose};
use crate::tui::state::form::say::{About, Say};
use crate::tui::state::notice::Tone;
use crate::tui::state::{App, Form};
use crate::tui::update::launch::is_new_line;
use crate::tui::update::say;

/// Enter sends, alt-enter is a new line, ctrl-g opens the editor.
pub fn key(app: &mut App, mut form: Say, key: KeyEvent) -> After {
    match key.code {
        KeyCode::Enter if key.modifiers.is_empty() => send(app, form),
        _ if is_new_line(key) => {
            if form.about.has_lines() {
                form.text.area.insert_newline();
            }
            After::Stay(Form::Say(form))
        }
        KeyCode::Char('g') if key.modifiers == KeyModifiers::CONTROL => {
            let text = form.text.text();
            let effect = Effect::Editor {
                purpose: Purpose::Field,
                text,
                extension: "md",
            };
            After::And(Form::Say(form), vec![effect])
        }
        _ => {
            form.text.key(key);
            After::Stay(Form::Say(form))
        }
    }
}

fn send(app: &mut App, form: Say) -> After {
    let text = form.text.text();
    if form.about == About::Title {
        return After::Close(vec![Effect::Rename {
            session: form.session,
            title: text.trim().to_owned(),
        }]);
    }
    if form.about == About::Export && !form.text.is_blank() {
        return export(app, form, text.trim());
    }
    if form.about == About::Directory && !form.text.is_blank() {
        return After::Close(vec![Effect::Move(MoveSessionParams {
            working_dir: whole_path(app, text.trim()),
            session_id: form.session,
        })]);
    }
    if form.text.is_blank() {
        say(app, Tone::Plain, "Nothing typed yet");
        return After::Stay(Form::Say(form));
    }
    if form.about == About::Reply {
        return After::Close(vec![Effect::Message {
            session: form.session,
            text,
            env: app.launch.environment.clone(),
        }]);
    }
    After::Close(vec![Effect::Continue(Box::new(ContinueSessionParams {
        session_id: form.session,
        query: text,
        fork: Some(true),
        new_session_id: Some(uuid::Uuid::new_v4().to_string()),
        env: Some(app.launch.environment.clone()),
        ..ContinueSessionParams::default()
    }))])
}

/// Exports the conversation to the file that was named, which is remembered for the next time.
fn export(app: &mut App, form: Say, path: &str) -> After {
    let path = whole_path(app, path);
    let directory = path.rsplit_once('/').map(|(directory, _)| directory);
    app.launch.remembered.export_directory = directory.map(str::to_owned);
    After::Close(vec![
        Effect::Export {
            session: form.session,
            path,
            overwrite: false,
        },
        Effect::Remember(Box::new(app.launch.remembered.clone())),
    ])
}

/// A path that was typed, from the root.
fn whole_path(app: &App, path: &str) -> String {
    match (path.strip_prefix("~/"), app.home.as_deref()) {
        (Some(rest), Some(home)) => format!("{home}/{rest}"),
        _ if path.starts_with('/') => path.to_owned(),
        _ => format!("{}/{path}", app.directory.trim_end_matches('/')),
    }
}

/// Keeps what was typed for when the form is opened again.
pub fn put_by(app: &mut App, form: &Say) {
    let text = form.text.text();
    let is_news = match form.about {
        About::Reply | About::Fork => true,
        About::Title | About::Export | About::Directory => false,
    };
    if is_news {
        app.drafts.keep(&form.session, form.about, text);
    }
}
