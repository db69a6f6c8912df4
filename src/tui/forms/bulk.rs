//! A summary before something is done to several sessions.

use crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::format::subject;
use crate::tui::effect::{Effect, ForEachSession};
use crate::tui::forms::Form;
use crate::tui::forms::keys::{After, scrolled};
use crate::tui::forms::yes::{NO, Yes};
use crate::tui::keymap::Action;
use crate::tui::state::App;
use crate::tui::update::connection::can_send;
use crate::tui::view::sessions::status_mark;
use crate::tui::view::widgets::{fit_prose, form_hints, popup};

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionAction {
    /// Interrupt their turns.
    Interrupt,
    /// End their processes.
    End,
    /// Archive them.
    Archive,
    /// Unarchive them.
    Unarchive,
    /// Delete them for good.
    Delete,
}

#[derive(Clone, Debug)]
pub struct BulkAction {
    /// What is to be done.
    pub what: SessionAction,
    /// To which sessions.
    pub sessions: Vec<String>,
    /// How many marked ones are left out, because it does not apply to them.
    pub left_out: usize,
    /// The first line shown.
    pub scroll: usize,
}

impl SessionAction {
    /// The question, about so many sessions.
    #[must_use]
    pub fn question(self, count: usize) -> String {
        let verb = match self {
            Self::Interrupt => "Interrupt",
            Self::End => "End",
            Self::Archive => "Archive",
            Self::Unarchive => "Unarchive",
            Self::Delete if count == 1 => {
                return "Delete 1 session and its conversation?".to_owned();
            }
            Self::Delete => return format!("Delete {count} sessions and their conversations?"),
        };
        match count {
            1 => format!("{verb} 1 session?"),
            _ => format!("{verb} {count} sessions?"),
        }
    }

    /// What it does, as a verb.
    #[must_use]
    pub fn verb(self) -> &'static str {
        match self {
            Self::Interrupt => "interrupt",
            Self::End => "end",
            Self::Archive => "archive",
            Self::Unarchive => "unarchive",
            Self::Delete => "delete",
        }
    }

    /// The key that confirms it. Whose turn or background work would be lost, and what would be gone for
    /// good, is not lost by an Enter that chose the command in the palette.
    #[must_use]
    pub fn yes(self) -> Yes {
        match self {
            Self::Interrupt | Self::Archive | Self::Unarchive => Yes::LetterOrEnter,
            Self::End | Self::Delete => Yes::Letter,
        }
    }

    /// Why a session is left out.
    #[must_use]
    pub fn why_not(self) -> &'static str {
        match self {
            Self::Interrupt => "not running",
            Self::End => "no process",
            Self::Archive => "already archived, or still running",
            Self::Unarchive => "not archived",
            Self::Delete => "not ended",
        }
    }
}

/// A yes does it and takes the marks away, a no leaves them.
pub fn key(app: &mut App, mut form: BulkAction, key: KeyEvent) -> After {
    match form.what.yes().takes(key) {
        true if !can_send(app) => After::Stay(Form::Bulk(form)),
        true => {
            app.sessions.marked.clear();
            let sessions = form.sessions;
            let each = |what, sessions| Effect::ForEachSession { what, sessions };
            After::Close(vec![match form.what {
                SessionAction::Interrupt => each(ForEachSession::Interrupt, sessions),
                SessionAction::End => each(ForEachSession::End, sessions),
                SessionAction::Delete => Effect::Delete(sessions),
                SessionAction::Archive | SessionAction::Unarchive => Effect::Archive {
                    sessions,
                    archived: form.what == SessionAction::Archive,
                },
            }])
        }
        false => {
            if let Some(first) = scrolled(form.scroll, key) {
                form.scroll = first.min(form.sessions.len().saturating_sub(1));
            }
            After::Stay(Form::Bulk(form))
        }
    }
}

pub fn draw(app: &App, form: &mut BulkAction, screen: Rect, buf: &mut Buffer) {
    let theme = &app.theme;
    let count = form.sessions.len();
    let works = form
        .sessions
        .iter()
        .filter_map(|id| app.data.session(id))
        .filter(|session| session.status.is_active())
        .count();
    let warning = match form.what {
        SessionAction::End if works > 0 => Some(format!(
            "{works} running: their current turns will be lost."
        )),
        SessionAction::Archive if works > 0 => Some(format!("{works} still running.")),
        SessionAction::Delete => Some("This cannot be undone.".to_owned()),
        SessionAction::Interrupt
        | SessionAction::End
        | SessionAction::Archive
        | SessionAction::Unarchive => None,
    };
    let extra = usize::from(warning.is_some()) + usize::from(form.left_out > 0);
    let height = u16::try_from(count.min(12) + extra + 4).unwrap_or(u16::MAX);
    let title = format!(" {} ", form.what.question(count));
    let title = Line::styled(title, theme.waiting);
    let inside = popup(theme, title, 70, height, screen, buf);
    let width = usize::from(inside.width);
    let room = usize::from(inside.height).saturating_sub(extra + 2);
    form.scroll = form.scroll.min(count.saturating_sub(room));
    let first = form.scroll;
    let mut lines: Vec<Line<'_>> = Vec::new();
    for id in form.sessions.iter().skip(first).take(room) {
        let Some(session) = app.data.session(id) else {
            continue;
        };
        let (mark, style) = status_mark(theme, session.status);
        lines.push(Line::from(vec![
            Span::raw(" "),
            Span::styled(mark, style),
            Span::raw(" "),
            Span::styled(
                fit_prose(&subject(session, 200), width.saturating_sub(4)),
                theme.text,
            ),
        ]));
    }
    if let Some(warning) = warning {
        lines.push(Line::styled(format!(" {warning}"), theme.bad));
    }
    if form.left_out > 0 {
        let words = match form.what {
            SessionAction::Delete => left_alone(app, form.left_out),
            SessionAction::Interrupt
            | SessionAction::End
            | SessionAction::Archive
            | SessionAction::Unarchive => {
                format!(" {} skipped: {}", form.left_out, form.what.why_not())
            }
        };
        lines.push(Line::styled(words, theme.dim));
    }
    for (line, y) in lines.iter().zip(0..inside.height.saturating_sub(1)) {
        buf.set_line(inside.x, inside.y + y, line, inside.width);
    }
    let yes = form.what.yes().label();
    let mut keys = vec![
        (yes, form.what.verb()),
        (NO, "cancel (keeps the selection)"),
    ];
    if count > room {
        keys.push(("↑↓", "scroll"));
    }
    if inside.height > 0 {
        let y = inside.y + inside.height - 1;
        buf.set_line(inside.x, y, &form_hints(theme, &keys), inside.width);
    }
}

/// What is not deleted, and what to do first.
fn left_alone(app: &App, count: usize) -> String {
    let key = app.keymap.key(Action::EndSession);
    match count {
        1 => format!(" 1 that has not ended is left alone (end it first: {key})."),
        _ => format!(" {count} that have not ended are left alone (end them first: {key})."),
    }
}
