//! The selected session's conversation, under a line of what there is to know of the session.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr as _;

use super::sessions::{context_used, live_mark, short_directory, thousands, tokens};
use super::typed;
use super::widgets::{fit, fit_prose, frame, short_model};
use crate::domain::Status;
use crate::format::{cost, elapsed, retrying, subject, waiting_for};
use crate::tui::forms::Field;
use crate::tui::keymap::Action;
use crate::tui::state::{App, Pane};
use crate::tui::transcript::MatchCount;

/// Columns that a search has at least, and those that it has at most.
const SEARCH: std::ops::RangeInclusive<u16> = 4..=40;

/// Draws the pane; gives the cursor's place where a search is typed.
pub fn draw(app: &mut App, area: Rect, buf: &mut Buffer) -> Option<Position> {
    if area.height == 0 || area.width == 0 {
        return None;
    }
    let theme = app.theme;
    let focused = app.focus == Pane::Conversation && app.form.is_none();
    let title = match app.selected_session() {
        None if app.data.is_empty() => Line::styled(" Welcome ", theme.heading),
        None => Line::styled(" Conversation ", theme.heading),
        Some(session) => {
            let (mark, style) = live_mark(app, session);
            Line::from(vec![
                Span::raw(" "),
                Span::styled(mark, style),
                Span::styled(
                    format!(
                        " {} ",
                        fit_prose(
                            &subject(session, 200),
                            usize::from(area.width.saturating_sub(8))
                        )
                    ),
                    theme.heading,
                ),
            ])
        }
    };
    let inside = frame(&theme, title, focused, area, buf);
    if inside.height == 0 || inside.width == 0 {
        return None;
    }
    facts(
        app,
        Rect {
            height: 1,
            ..inside
        },
        buf,
    );
    let body = Rect {
        y: inside.y + 1,
        height: inside.height.saturating_sub(1),
        ..inside
    };
    if app.data.is_empty() {
        super::first_run::draw(app, inside, buf);
        return None;
    }
    if app.detail.session.is_none() {
        let words = "Select a session to see its conversation.";
        buf.set_stringn(
            body.x + 1,
            body.y,
            words,
            usize::from(body.width.saturating_sub(1)),
            theme.dim,
        );
        return None;
    }
    if let Some(problem) = &app.detail.problem {
        let words = fit(problem, usize::from(body.width));
        buf.set_stringn(body.x, body.y, words, usize::from(body.width), theme.bad);
        return None;
    }
    app.detail.transcript.draw(body, buf, &theme, focused);
    foot(app, area, buf)
}

/// Model, directory, cost, context: what the title has no room for.
fn facts(app: &App, area: Rect, buf: &mut Buffer) {
    let Some(session) = app.selected_session() else {
        return;
    };
    let theme = &app.theme;
    let directory = short_directory(app, session);
    let mut parts = vec![Span::styled(directory, theme.dim)];
    if let Some(words) = waiting_for(session) {
        let words = fit_prose(&words, usize::from(area.width));
        parts.push(Span::styled(words, theme.waiting));
    } else if let Some(problem) = session.directory_problem.as_deref() {
        let words = fit_prose(problem, usize::from(area.width));
        parts.push(Span::styled(words, theme.waiting));
    } else if let Some(error) = session.error_message.as_deref() {
        parts.push(Span::styled(
            fit_prose(error, usize::from(area.width)),
            theme.bad,
        ));
    }
    if let Some(model) = session.model.as_deref() {
        parts.push(Span::styled(fit(short_model(model), 24), theme.dim));
    }
    let cost = cost(session);
    if !cost.is_empty() {
        parts.push(Span::styled(cost, theme.dim));
    }
    let tokens = tokens(session);
    if tokens > 0 {
        parts.push(Span::styled(
            format!("{} tokens", thousands(tokens)),
            theme.dim,
        ));
    }
    if let Some(used) = context_used(session) {
        parts.push(Span::styled(format!("context {used}%"), theme.dim));
    }
    if session.dangerously_skip_permissions {
        parts.push(Span::styled(" bypass permissions ", theme.danger));
    }
    if session.isolated {
        parts.push(Span::styled("isolated", theme.dim));
    }
    if session.auto_accept_edits {
        parts.push(Span::styled("auto-accept edits", theme.waiting));
    }
    let mut spans = Vec::new();
    for part in parts {
        if !spans.is_empty() {
            spans.push(Span::styled(" · ", theme.dim));
        }
        spans.push(part);
    }
    buf.set_line(area.x, area.y, &Line::from(spans), area.width);
}

/// What is searched for and how much of it there is; gives the first column behind it, and the cursor's
/// place while it is typed.
fn search_line(app: &App, edge: Rect, buf: &mut Buffer) -> (u16, Option<Position>) {
    let theme = &app.theme;
    let typed_so_far = app.detail.search.as_deref().unwrap_or_default();
    let (x, _) = buf.set_stringn(edge.x, edge.y, " /", usize::from(edge.width), theme.accent);
    let field = match app.line.text() == typed_so_far {
        true => app.line.clone(),
        false => Field::holding(typed_so_far),
    };
    let is_typing = app.detail.typing && app.focus == Pane::Conversation && app.form.is_none();
    let counted = match app.detail.transcript.matches() {
        None => String::new(),
        Some(MatchCount { total: 0, more, .. }) => {
            if more { " …" } else { " not found" }.to_owned()
        }
        Some(MatchCount { at, total, more }) => {
            let at = at.map_or_else(|| "?".to_owned(), |at| at.to_string());
            format!(" {at}/{total}{}", if more { "+" } else { "" })
        }
    };
    let needs = u16::try_from(typed_so_far.width() + 1).unwrap_or(u16::MAX);
    let behind = u16::try_from(counted.width() + 1).unwrap_or(0);
    let room = edge.right().saturating_sub(x).saturating_sub(behind);
    let width = needs.clamp(*SEARCH.start(), *SEARCH.end()).min(room);
    let area = Rect::new(x, edge.y, width, 1);
    buf.set_style(area, theme.text);
    buf.set_string(area.x, area.y, " ".repeat(usize::from(width)), theme.accent);
    let cursor = typed::draw(&field, theme.accent, is_typing, area, buf);
    let style = match app.detail.transcript.matches() {
        Some(MatchCount { total: 0, .. }) => theme.bad,
        Some(_) | None => theme.accent,
    };
    let rest = usize::from(edge.right().saturating_sub(area.right()));
    let (x, _) = buf.set_stringn(area.right(), edge.y, format!("{counted} "), rest, style);
    (x, cursor)
}

/// On the frame's lower edge: what is below, or what is searched for.
fn foot(app: &App, area: Rect, buf: &mut Buffer) -> Option<Position> {
    let theme = &app.theme;
    let y = area.y + area.height.saturating_sub(1);
    let mut x = area.x + 2;
    let mut cursor = None;
    if app.is_searching() {
        let edge = Rect::new(x, y, area.width.saturating_sub(4), 1);
        let (end, at) = search_line(app, edge, buf);
        (x, cursor) = (end + 1, at);
    }
    if let Some(words) = doing(app) {
        let room = usize::from((area.x + area.width).saturating_sub(x + 2));
        let words = fit(&words, room);
        let (end, _) = buf.set_stringn(x, y, words, room, theme.working);
        x = end + 1;
    }
    if app.selected_approval().is_none()
        && let Some(words) = app.others_pending()
    {
        let room = usize::from((area.x + area.width).saturating_sub(x + 2));
        let words = format!(" {words} ");
        if words.width() <= room {
            let wide = u16::try_from(words.width()).unwrap_or(0);
            buf.set_string(area.right() - wide - 2, y, words, theme.waiting);
            return cursor;
        }
    }
    if !app.detail.transcript.is_following() {
        let key = app.keymap.key(Action::Bottom);
        let unseen = app.detail.transcript.unseen();
        let words = if unseen > 0 {
            format!(" {unseen} new below · {key}: follow ")
        } else {
            format!(" {key}: follow ")
        };
        let room = usize::from((area.x + area.width).saturating_sub(x + 2));
        buf.set_stringn(x, y, words, room, theme.waiting);
    }
    cursor
}

/// What the agent is doing right now: for how long, with which tool, how much it has written, and what
/// is queued for it.
fn doing(app: &App) -> Option<String> {
    let session = app.selected_session()?;
    let is_running = session.status == Status::Running;
    if !session.status.is_active() {
        return None;
    }
    let mut parts = Vec::new();
    if let Some(seconds) = app.activity.elapsed(session, app.now) {
        parts.push(elapsed(seconds));
    }
    if let Some(tokens) = app.activity.tokens(session) {
        parts.push(format!("{} tokens", thousands(tokens)));
    }
    match retrying(session) {
        Some(words) => parts.push(words),
        None if is_running => parts.extend(app.detail.transcript.current_call()),
        None => {}
    }
    match app.detail.transcript.queued_messages() {
        0 => {}
        1 => parts.push("1 message queued".to_owned()),
        many => parts.push(format!("{many} messages queued")),
    }
    if parts.is_empty() {
        return None;
    }
    let (mark, _) = live_mark(app, session);
    Some(format!(" {mark} {} ", parts.join(" · ")))
}
