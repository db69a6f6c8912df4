//! A text for a session.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;

use crate::format::subject;
use crate::protocol::session::{ContinueSessionParams, MoveSessionParams};
use crate::tui::effect::{Effect, MessagePurpose, Purpose};
use crate::tui::forms::keys::After;
use crate::tui::forms::{Field, Form};
use crate::tui::state::App;
use crate::tui::state::notice::Tone;
use crate::tui::update::connection::can_send;
use crate::tui::update::line::is_new_line;
use crate::tui::update::notify;
use crate::tui::view::typed;
use crate::tui::view::widgets::{fit_prose, form_hints, popup};

/// Characters of an exported file's name.
const NAME: usize = 60;

/// The name of the file that a conversation is exported to, by its title.
#[must_use]
pub fn export_name(title: &str) -> String {
    let safe: String = title
        .chars()
        .map(|c| if c.is_alphanumeric() { c } else { '-' })
        .take(NAME)
        .collect();
    let words: Vec<&str> = safe.split('-').filter(|word| !word.is_empty()).collect();
    let name = words.join("-");
    match name.as_str() {
        "" => "conversation.md".to_owned(),
        name => format!("{name}.md"),
    }
}

#[derive(Clone, Debug)]
pub struct MessageForm {
    pub session: String,
    /// What the text is.
    pub about: MessagePurpose,
    pub text: Field,
}

/// Texts that were typed and did not arrive, or were put by with Esc: nothing typed is lost.
#[derive(Debug, Default)]
pub struct Drafts(Vec<(String, MessagePurpose, String)>);

/// Texts that are kept; the oldest goes first.
const KEPT: usize = 100;

impl Drafts {
    /// Keeps a text for when the form is opened again.
    pub fn keep(&mut self, session: &str, about: MessagePurpose, text: String) {
        let _ = self.take(session, about);
        if !text.trim().is_empty() {
            self.0.push((session.to_owned(), about, text));
        }
        if self.0.len() > KEPT {
            self.0.remove(0);
        }
    }

    /// Gives a text back.
    pub fn take(&mut self, session: &str, about: MessagePurpose) -> Option<String> {
        let at = self
            .0
            .iter()
            .position(|(of, what, _)| of == session && *what == about)?;
        Some(self.0.remove(at).2)
    }
}

/// Enter sends, alt-enter is a new line, ctrl-g opens the editor.
pub fn key(app: &mut App, mut form: MessageForm, key: KeyEvent) -> After {
    match key.code {
        KeyCode::Enter if key.modifiers.is_empty() => send(app, form),
        _ if is_new_line(key) => {
            if form.about.has_lines() {
                form.text.area.insert_newline();
            }
            After::Stay(Form::Message(form))
        }
        KeyCode::Char('g') if key.modifiers == KeyModifiers::CONTROL => {
            let text = form.text.text();
            let effect = Effect::Editor {
                purpose: Purpose::Field,
                text,
                extension: "md",
            };
            After::And(Form::Message(form), vec![effect])
        }
        _ => {
            form.text.key(key);
            After::Stay(Form::Message(form))
        }
    }
}

fn send(app: &mut App, form: MessageForm) -> After {
    let text = form.text.text();
    if form.about == MessagePurpose::Title {
        if !can_send(app) {
            return After::Stay(Form::Message(form));
        }
        return After::Close(vec![Effect::Rename {
            session: form.session,
            title: text.trim().to_owned(),
        }]);
    }
    if form.about == MessagePurpose::Export && !form.text.is_blank() {
        return export(app, form, text.trim());
    }
    if form.text.is_blank() {
        notify(app, Tone::Plain, "Nothing typed yet");
        return After::Stay(Form::Message(form));
    }
    if !can_send(app) {
        return After::Stay(Form::Message(form));
    }
    if form.about == MessagePurpose::Directory {
        return After::Close(vec![Effect::Move(MoveSessionParams {
            working_dir: whole_path(app, text.trim()),
            session_id: form.session,
        })]);
    }
    if form.about == MessagePurpose::Reply {
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
        new_session_id: Some(app.fresh_id.to_string()),
        env: Some(app.launch.environment.clone()),
        ..ContinueSessionParams::default()
    }))])
}

/// Exports the conversation to the file that was named, which is remembered for the next time.
fn export(app: &mut App, form: MessageForm, path: &str) -> After {
    let path = whole_path(app, path);
    let directory = path.rsplit_once('/').map(|(directory, _)| directory);
    app.launch.memory.export_directory = directory.map(str::to_owned);
    After::Close(vec![
        Effect::Export {
            session: form.session,
            path,
            overwrite: false,
        },
        Effect::SaveMemory(Box::new(app.launch.memory.clone())),
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
pub fn keep_draft(app: &mut App, form: &MessageForm) {
    let text = form.text.text();
    let is_news = match form.about {
        MessagePurpose::Reply | MessagePurpose::Fork => true,
        MessagePurpose::Title | MessagePurpose::Export | MessagePurpose::Directory => false,
    };
    if is_news {
        app.drafts.keep(&form.session, form.about, text);
    }
}

pub fn draw(app: &App, form: &MessageForm, screen: Rect, buf: &mut Buffer) -> Option<Position> {
    let theme = &app.theme;
    let session = app.data.session(&form.session);
    let name = session
        .map(|session| subject(session, 50))
        .unwrap_or_default();
    let words = match form.about {
        MessagePurpose::Title => "Rename",
        MessagePurpose::Export => "Export",
        MessagePurpose::Fork => "Fork",
        MessagePurpose::Directory => "Another directory for",
        MessagePurpose::Reply if session.is_some_and(|session| !session.live) => "Resume",
        MessagePurpose::Reply if session.is_some_and(|session| session.status.is_active()) => {
            "Queue a message for"
        }
        MessagePurpose::Reply => "Reply to",
    };
    let title = Line::styled(
        format!(" {words} “{}” ", fit_prose(&name, 40)),
        theme.accent,
    );
    let problem = session
        .filter(|_| form.about == MessagePurpose::Directory)
        .and_then(|session| session.directory_problem.as_deref());
    let height = match form.about {
        MessagePurpose::Directory => 6,
        about if about.has_lines() => 12,
        _ => 5,
    };
    let inside = popup(theme, title, 84, height, screen, buf);
    let above = u16::from(problem.is_some()).min(inside.height);
    if let Some(problem) = problem {
        let words = fit_prose(problem, usize::from(inside.width));
        buf.set_stringn(
            inside.x,
            inside.y,
            words,
            usize::from(inside.width),
            theme.waiting,
        );
    }
    let field = Rect {
        y: inside.y + above,
        height: inside.height.saturating_sub(2 + above),
        ..inside
    };
    let cursor = typed::draw(&form.text, theme.text, true, field, buf);
    let keys: &[(&str, &str)] = match form.about {
        MessagePurpose::Title => &[("enter", "rename"), ("esc", "cancel")],
        MessagePurpose::Export => &[("enter", "export"), ("esc", "cancel")],
        MessagePurpose::Directory => &[("enter", "go on there"), ("esc", "cancel")],
        MessagePurpose::Reply | MessagePurpose::Fork => &[
            ("enter", "send"),
            ("alt-enter", "new line"),
            ("ctrl-g", "editor"),
            ("esc", "cancel"),
        ],
    };
    if inside.height > 0 {
        let y = inside.y + inside.height - 1;
        buf.set_line(inside.x, y, &form_hints(theme, keys), inside.width);
    }
    cursor
}
