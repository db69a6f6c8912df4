//! One session's row.

use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

use super::columns::{Column, GAP, room};
use super::{context_used, live_mark};
use crate::domain::Status;
use crate::format::{background_tasks, directory_problem, retrying, subject, waiting_for};
use crate::protocol::session::SessionState;
use crate::tui::state::App;
use crate::tui::state::fuzzy::Fuzzy;
use crate::tui::view::widgets::{fit_prose, matched};

/// Columns that a child is set in by, at most.
const DEEPEST: usize = 4;

/// Columns for which a tag that must be cut is worth showing.
const MIN_TAG: usize = 10;

/// How a row is to look.
pub struct Look<'a> {
    /// Whether it is the selected one.
    pub selected: bool,
    /// How deep below the session that it continues.
    pub depth: usize,
    /// What is said beside the title.
    pub columns: &'a [(Column, usize)],
}

/// The row's left part, which gives way, and its right part.
pub fn draw(
    app: &App,
    session: &SessionState,
    look: &Look<'_>,
    fuzzy: &mut Fuzzy,
    width: usize,
) -> (Line<'static>, Line<'static>) {
    let theme = &app.theme;
    let mut left = Vec::new();
    let chosen = match (app.sessions.marked.contains(&session.id), look.selected) {
        (true, _) => "✚",
        (false, true) => "▸",
        (false, false) => " ",
    };
    left.push(Span::styled(chosen, theme.accent));
    if look.depth > 0 {
        let deep = look.depth.min(DEEPEST);
        left.push(Span::styled(
            format!("{}└", " ".repeat(deep * 2 - 1)),
            theme.dim,
        ));
    }
    let (mark, style) = live_mark(app, session);
    left.push(Span::styled(mark, style));
    let unread = app.launch.memory.unread.contains(&session.id);
    left.push(match session.pending_approvals {
        0 | 1 if unread => Span::styled("•", theme.accent),
        0 | 1 => Span::raw(" "),
        many @ 2..=9 => Span::styled(many.to_string(), theme.waiting),
        _ => Span::styled("+", theme.waiting),
    });
    if session.external {
        left.push(Span::styled("⇄ ", theme.accent));
    }
    if session.dangerously_skip_permissions {
        left.push(Span::styled("!", theme.danger));
        left.push(Span::raw(" "));
    }
    let parent = parent(app, session).filter(|_| look.depth == 0);
    if parent.is_some() {
        left.push(Span::styled("↳ ", theme.dim));
    }
    let used: usize = left.iter().map(|span| span.content.width()).sum();
    let space = width.saturating_sub(used + room(look.columns));
    let (tag, urgent) = match urgent_tag(session) {
        Some(tag) => (Some(tag), true),
        None => (tag(session, parent), false),
    };
    // What holds a session up is said even where the title must give way for it.
    let reserved = match &tag {
        Some(tag) if urgent => (tag.width() + 1).min(space * 2 / 3),
        Some(_) | None => 0,
    };
    let title = fit_prose(&subject(session, 200), space - reserved);
    let rest = space.saturating_sub(title.width());
    let style = if unread { theme.heading } else { theme.text };
    left.extend(matched(&title, fuzzy, style, theme.matched));
    if let Some(tag) = tag
        && (urgent || tag.width() < rest || rest > MIN_TAG)
    {
        let tag = format!(" {}", fit_prose(&tag, rest.saturating_sub(1)));
        let style = if urgent { theme.waiting } else { theme.dim };
        left.push(Span::styled(tag, style));
    }
    let mut right = Vec::new();
    for (column, wide) in look.columns {
        if !right.is_empty() {
            right.push(Span::raw(GAP));
        }
        let words = column.place(&column.words(app, session), *wide);
        let style = match column {
            Column::Context if context_used(session).is_some_and(|used| used >= 80) => {
                theme.waiting
            }
            Column::Last if app.activity.elapsed(session, app.now).is_some() => theme.working,
            _ => theme.dim,
        };
        if *column == Column::Directory {
            right.extend(matched(&words, fuzzy, style, theme.matched));
        } else {
            right.push(Span::styled(words, style));
        }
    }
    (Line::from(left), Line::from(right))
}

/// The session that this one continues.
fn parent<'a>(app: &'a App, session: &SessionState) -> Option<&'a SessionState> {
    app.data.session(session.parent_session_id.as_deref()?)
}

/// What holds a session up.
fn urgent_tag(session: &SessionState) -> Option<String> {
    waiting_for(session)
        .or_else(|| directory_problem(session).map(str::to_owned))
        .or_else(|| retrying(session))
}

/// What the group and the mark do not say.
fn tag(session: &SessionState, parent: Option<&SessionState>) -> Option<String> {
    if session.external {
        return Some("external".to_owned());
    }
    match session.status {
        Status::Starting | Status::Interrupting | Status::Interrupted | Status::Draft => {
            return Some(session.status.as_str().to_owned());
        }
        Status::Running
        | Status::WaitingInput
        | Status::Completed
        | Status::Failed
        | Status::Discarded => {}
    }
    if session.status == Status::Running
        && let Some(tool) = &session.current_tool
    {
        return Some(tool.clone());
    }
    if !session.status.is_active()
        && let Some(tasks) = background_tasks(session.background_tasks)
    {
        return Some(tasks);
    }
    let name = subject(parent?, 60);
    // A continuation has its parent's title unless it was given one.
    if name == subject(session, 60) {
        return Some("fork".to_owned());
    }
    Some(format!("fork of “{name}”"))
}
