//! The list of sessions, by what needs a person.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::first_run;
use super::widgets::{fit, frame, offset, row_style, split_line};
use crate::domain::Status;
use crate::format::{dollars, span, subject};
use crate::protocol::session::SessionState;
use crate::tui::state::sessions::{Group, Row};
use crate::tui::state::{App, Connection, Pane};
use crate::tui::theme::Theme;

/// Draws the pane.
pub fn draw(app: &mut App, area: Rect, buf: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    let theme = app.theme;
    let focused = app.focus == Pane::Sessions && app.form.is_none();
    let mut title = vec![Span::styled(" Sessions ", theme.heading)];
    if app.sessions.typing || !app.sessions.filter.is_empty() {
        title.push(Span::styled(
            format!(
                "/{}{} ",
                fit(&app.sessions.filter, 30),
                if app.sessions.typing { "▏" } else { "" }
            ),
            theme.accent,
        ));
    }
    if !app.sessions.marked.is_empty() {
        title.push(Span::styled(
            format!("{} marked ", app.sessions.marked.len()),
            theme.accent,
        ));
    }
    let inside = frame(&theme, Line::from(title), focused, area, buf);
    if app.data.is_empty() {
        return first_run::draw(app, inside, buf);
    }
    let rows = app.sessions.rows();
    if rows.is_empty() {
        let words = match app.connection {
            Connection::Connecting => "…",
            Connection::Up { .. } | Connection::Lost { .. } => "no session fits the filter",
        };
        buf.set_stringn(
            inside.x + 1,
            inside.y,
            words,
            usize::from(inside.width.saturating_sub(1)),
            theme.dim,
        );
        return;
    }
    let first = offset(
        app.sessions.offset,
        app.sessions.position(),
        rows.len(),
        inside.height,
    );
    for (row, y) in rows.iter().skip(first).zip(0..inside.height) {
        let line = Rect {
            y: inside.y + y,
            height: 1,
            ..inside
        };
        match row {
            Row::Heading {
                group,
                count,
                folded,
            } => heading(&theme, *group, *count, *folded, line, buf),
            Row::Session { id, depth } => {
                if let Some(session) = app.data.session(id) {
                    draw_session(app, session, *depth, focused, line, buf);
                }
            }
        }
    }
    app.sessions.offset = first;
}

fn heading(theme: &Theme, group: Group, count: usize, folded: bool, area: Rect, buf: &mut Buffer) {
    let style = match group {
        Group::NeedsYou => theme.waiting,
        Group::Working => theme.working,
        Group::Done => theme.good,
        Group::Failed => theme.bad,
        Group::Archived => theme.dim,
    };
    let line = Line::from(vec![
        Span::styled(if folded { "▸ " } else { "▾ " }, theme.dim),
        Span::styled(group.title(), style),
        Span::styled(format!(" {count}"), theme.dim),
    ]);
    buf.set_line(area.x, area.y, &line, area.width);
}

fn draw_session(
    app: &App,
    session: &SessionState,
    depth: usize,
    focused: bool,
    area: Rect,
    buf: &mut Buffer,
) {
    let theme = &app.theme;
    let selected = app.sessions.selected.as_deref() == Some(session.id.as_str());
    let marked = app.sessions.marked.contains(&session.id);
    let (mark, style) = status_mark(theme, session.status);
    let mut left = vec![
        Span::styled(
            if marked {
                "✚"
            } else if selected {
                "▸"
            } else {
                " "
            },
            theme.accent,
        ),
        Span::raw(" ".repeat((depth * 2).min(8))),
        Span::styled(mark, style),
        Span::raw(" "),
    ];
    let width = usize::from(area.width);
    let age = app.now.as_second() - session.last_activity_at.as_second();
    let mut right = vec![];
    if session.pending_approvals > 1 {
        right.push(Span::styled(
            format!("{} ", session.pending_approvals),
            theme.waiting,
        ));
    }
    // What a narrow list has no room for, the narrowest first to go.
    if width >= 56 {
        let directory = short_directory(app, session);
        right.push(Span::styled(
            format!("{} ", fit(&directory, width / 5)),
            theme.dim,
        ));
    }
    if width >= 48
        && let Some(model) = session.model.as_deref()
    {
        right.push(Span::styled(
            format!("{} ", fit(short_model(model), 8)),
            theme.dim,
        ));
    }
    if width >= 40 {
        if let Some(used) = context_used(session) {
            let style = if used >= 80 { theme.waiting } else { theme.dim };
            right.push(Span::styled(format!("{used}% "), style));
        }
        if let Some(cost) = session.cost_usd {
            right.push(Span::styled(format!("{} ", short_dollars(cost)), theme.dim));
        }
    }
    right.push(Span::styled(format!("{:>3}", span(age.max(0))), theme.dim));
    let right = Line::from(right);
    let room = width.saturating_sub(right.width() + 1 + (depth * 2).min(8) + 3);
    left.push(Span::styled(fit(&subject(session, 200), room), theme.text));
    split_line(
        Line::from(left),
        &right,
        row_style(theme, selected, focused),
        area,
        buf,
    );
}

/// A sign and its look for a status.
#[must_use]
pub fn status_mark(theme: &Theme, status: Status) -> (&'static str, ratatui::style::Style) {
    match status {
        Status::WaitingInput => ("?", theme.waiting),
        Status::Starting => ("◌", theme.working),
        Status::Running => ("●", theme.working),
        Status::Interrupting => ("◍", theme.working),
        Status::Completed => ("✓", theme.good),
        Status::Interrupted => ("‖", theme.dim),
        Status::Failed => ("✗", theme.bad),
        Status::Draft | Status::Discarded => ("·", theme.dim),
    }
}

/// Whole cents are enough in a list.
fn short_dollars(cost: f64) -> String {
    if cost < 1.0 {
        format!("${cost:.2}")
    } else {
        dollars(Some(cost))
    }
}

/// How full the context window is, in percent.
#[must_use]
pub fn context_used(session: &SessionState) -> Option<i64> {
    let (used, limit) = (session.effective_context_tokens?, session.context_limit?);
    (limit > 0).then(|| (used * 100 / limit).clamp(0, 100))
}

/// `claude-opus-5-5` is `opus-5-5`.
#[must_use]
pub fn short_model(model: &str) -> &str {
    model.strip_prefix("claude-").unwrap_or(model)
}

/// The directory from home.
#[must_use]
pub fn short_directory(app: &App, session: &SessionState) -> String {
    let directory = session.working_dir.as_deref().unwrap_or_default();
    match app
        .home
        .as_deref()
        .and_then(|home| directory.strip_prefix(home))
    {
        Some("") => "~".to_owned(),
        Some(rest) if rest.starts_with('/') => format!("~{rest}"),
        Some(_) | None => directory.to_owned(),
    }
}
