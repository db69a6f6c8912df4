//! A text for a session.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;

use crate::format::subject;
use crate::tui::state::App;
use crate::tui::state::form::say::{About, Say};
use crate::tui::view::typed;
use crate::tui::view::widgets::{fit_prose, form_hints, popup};

/// Draws it.
pub fn draw(app: &App, form: &Say, screen: Rect, buf: &mut Buffer) -> Option<Position> {
    let theme = &app.theme;
    let session = app.data.session(&form.session);
    let name = session
        .map(|session| subject(session, 50))
        .unwrap_or_default();
    let words = match form.about {
        About::Title => "Rename",
        About::Export => "Export",
        About::Fork => "Fork",
        About::Directory => "Another directory for",
        About::Reply if session.is_some_and(|session| !session.live) => "Resume",
        About::Reply if session.is_some_and(|session| session.status.is_active()) => {
            "Queue a message for"
        }
        About::Reply => "Reply to",
    };
    let title = Line::styled(
        format!(" {words} “{}” ", fit_prose(&name, 40)),
        theme.accent,
    );
    let problem = session
        .filter(|_| form.about == About::Directory)
        .and_then(|session| session.directory_problem.as_deref());
    let height = match form.about {
        About::Directory => 6,
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
        About::Title => &[("enter", "rename"), ("esc", "cancel")],
        About::Export => &[("enter", "export"), ("esc", "cancel")],
        About::Directory => &[("enter", "go on there"), ("esc", "cancel")],
        About::Reply | About::Fork => &[
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
