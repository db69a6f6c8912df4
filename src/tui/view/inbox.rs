//! The inbox: pending approvals, oldest first.

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

use super::widgets::{fit, frame, offset, row_style, scrollbar, split_line, typed_line};
use crate::domain::danger::Verdict;
use crate::format::{age, short_age, subject};
use crate::protocol::approval::Approval;
use crate::tui::state::{App, Pane};
use crate::tui::theme::Theme;

/// Seconds after which a wait is no longer new, and after which it is long.
const WAITS: (i64, i64) = (120, 900);

/// How a wait looks: louder the longer it is.
#[must_use]
pub fn age_style(theme: &Theme, since: Timestamp, now: Timestamp) -> Style {
    match age(since, now) {
        Some(seconds) if seconds < WAITS.0 => theme.dim,
        Some(seconds) if seconds >= WAITS.1 => theme.bad.add_modifier(Modifier::BOLD),
        // It may be one that is no longer new.
        Some(_) | None => theme.waiting,
    }
}

pub fn draw(app: &mut App, area: Rect, buf: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    let theme = app.theme;
    let focused = app.focus == Pane::Inbox && app.form.is_none();
    let (shown, is_similar_only) = app.inbox.fitting(&app.data);
    let title = title(app, shown.len(), is_similar_only);
    let inside = frame(&theme, title, focused, area, buf);
    if shown.is_empty() {
        let words = fit(" no matches", usize::from(inside.width));
        if inside.height > 0 {
            buf.set_string(inside.x, inside.y, words, theme.dim);
        }
        return;
    }
    let selected = app.selected_approval().map(|approval| approval.id.as_str());
    let position = selected.and_then(|id| shown.iter().position(|other| other == id));
    app.inbox.offset = offset(app.inbox.offset, position, shown.len(), inside.height);
    for (id, y) in shown.iter().skip(app.inbox.offset).zip(0..inside.height) {
        if let Some(approval) = app.data.pending(id) {
            let line = Rect {
                y: inside.y + y,
                height: 1,
                ..inside
            };
            row(app, approval, focused, line, buf);
        }
    }
    scrollbar(&theme, focused, area, app.inbox.offset, shown.len(), buf);
}

fn title(app: &App, shown: usize, is_similar_only: bool) -> Line<'static> {
    let theme = &app.theme;
    let all = app.data.pending.len();
    let mut title = vec![Span::styled(" Inbox ", theme.heading)];
    if app.inbox.typing || !app.inbox.filter.is_empty() {
        let words = match app.inbox.typing {
            true => typed_line(&app.line, &app.inbox.filter, 24),
            false => fit(&app.inbox.filter, 24),
        };
        title.push(Span::styled(format!("/{words} "), theme.accent));
        title.push(Span::styled(format!("{shown} of {all} "), theme.waiting));
        if is_similar_only {
            title.push(Span::styled("no exact match, similar: ", theme.bad));
        }
    } else {
        title.push(Span::styled(format!("{all} "), theme.waiting));
    }
    let marked = [
        (Verdict::Dangerous, "dangerous"),
        (Verdict::CantTell, "can't tell what runs"),
    ];
    for (verdict, words) in marked {
        let count = app
            .data
            .pending
            .keys()
            .filter(|id| Verdict::of(app.inbox.dangers(id)) == Some(verdict))
            .count();
        if count > 0 {
            title.push(Span::styled("· ", theme.dim));
            title.push(Span::styled(format!("{count} {words} "), theme.bad));
        }
    }
    if !app.inbox.marked.is_empty() {
        title.push(Span::styled("· ", theme.dim));
        title.push(Span::styled(
            format!("{} selected ", app.inbox.marked.len()),
            theme.accent,
        ));
    }
    Line::from(title)
}

fn row(app: &App, approval: &Approval, focused: bool, line: Rect, buf: &mut Buffer) {
    let theme = &app.theme;
    let id = approval.id.as_str();
    let selected = app.selected_approval().is_some_and(|shown| shown.id == id);
    let mark = match (app.inbox.marked.contains(id), selected) {
        (true, _) => "✚",
        (false, true) => "▸",
        (false, false) => " ",
    };
    let right = match app.inbox.sending.get(id) {
        Some(word) => Span::styled(format!("{word}…"), theme.accent),
        None => Span::styled(
            format!("{:>4}", short_age(approval.created_at, app.now)),
            age_style(theme, approval.created_at, app.now),
        ),
    };
    let danger = match Verdict::of(app.inbox.dangers(id)) {
        Some(verdict) => Span::styled(verdict.sign().trim(), theme.danger),
        None => Span::raw(" "),
    };
    let session = app
        .data
        .session(&approval.session_id)
        .map(|session| subject(session, 200))
        .unwrap_or_default();
    let room = usize::from(line.width).saturating_sub(right.width() + 4);
    // The session gives way first: the card says it again.
    let about = if room < 30 { 0 } else { (room / 3).min(30) };
    let wide = room.saturating_sub(if about > 0 { about + 2 } else { 0 });
    let words = fit(app.inbox.summary(id), wide);
    let pad = " ".repeat(wide.saturating_sub(words.width()));
    let mut left = vec![
        Span::styled(mark, theme.accent),
        danger,
        Span::styled(format!(" {words}{pad}"), theme.text),
    ];
    if about > 0 {
        left.push(Span::styled(
            format!("  {}", fit(&session, about)),
            theme.dim,
        ));
    }
    let style = row_style(theme, selected, focused);
    split_line(Line::from(left), &Line::from(right), style, line, buf);
}

/// The approvals on the rows of the pane, for the mouse.
#[must_use]
pub fn drawn(app: &App, area: Rect) -> Vec<String> {
    let rows = usize::from(area.height.saturating_sub(2));
    let shown = app.inbox.shown(&app.data);
    let rows = shown.into_iter().skip(app.inbox.offset).take(rows);
    rows.collect()
}
