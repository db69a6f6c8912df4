//! The list of sessions, by what needs a person.

mod columns;
mod row;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

pub use columns::{thousands, tokens};

use super::first_run;
use super::layout::WIDE;
use super::widgets::{fit, frame, offset, row_style, scrollbar, spinner, split_line, typed_line};
use crate::domain::Status;
use crate::format::span;
use crate::protocol::session::SessionState;
use crate::tui::keymap::Action;
use crate::tui::state::fuzzy::Fuzzy;
use crate::tui::state::sessions::{Group, Row};
use crate::tui::state::{App, Connection, Pane};
use crate::tui::theme::Theme;
use columns::columns;

pub fn draw(app: &mut App, area: Rect, buf: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    let theme = app.theme;
    let focused = app.focus == Pane::Sessions && app.form.is_none();
    let inside = frame(&theme, title(app), focused, area, buf);
    edges(app, area, buf);
    app.sessions.height = inside.height;
    if app.data.is_empty() {
        // With two columns there is more room for it in the other one.
        if app.size.0 < WIDE {
            first_run::draw(app, inside, buf);
        }
        return;
    }
    let rows = app.sessions.rows();
    if rows.is_empty() {
        return empty(app, inside, buf);
    }
    let position = app.sessions.position(&app.data);
    let wanted = position.filter(|_| !app.sessions.scrolled_away);
    let mut first = offset(app.sessions.offset, wanted, rows.len(), inside.height);
    // The heading of the first session comes into sight with it.
    if wanted == Some(1) && first == 1 {
        first = 0;
    }
    let columns = columns(usize::from(inside.width), app.sessions.sort);
    let mut fuzzy = Fuzzy::new(&app.sessions.filter);
    let mut labels = Some(columns::labels(&columns, theme.dim));
    for ((index, row), y) in rows.iter().enumerate().skip(first).zip(0..inside.height) {
        let line = Rect {
            y: inside.y + y,
            height: 1,
            ..inside
        };
        let selected = position == Some(index);
        let style = row_style(&theme, selected, focused);
        match row {
            Row::Heading {
                group,
                count,
                folded,
            } => {
                let words = heading(&theme, *group, *count, *folded);
                let labels = Line::from(labels.take().unwrap_or_default());
                split_line(words, &labels, style, line, buf);
            }
            Row::Session { id, depth } => {
                if let Some(session) = app.data.session(id) {
                    let look = row::Look {
                        selected,
                        depth: *depth,
                        columns: &columns,
                    };
                    let (left, right) =
                        row::draw(app, session, &look, &mut fuzzy, usize::from(line.width));
                    split_line(left, &right, style, line, buf);
                }
            }
        }
    }
    scrollbar(&theme, focused, area, first, rows.len(), buf);
    app.sessions.offset = first;
    if let Some(place) = position {
        app.sessions.selected_row = place;
    }
}

/// How many there are, what is looked for among them, and how many are marked.
fn title(app: &App) -> Line<'static> {
    let theme = &app.theme;
    let counts = app.sessions.counts;
    let filtered = !app.sessions.filter.trim().is_empty();
    let mut title = vec![Span::styled(" Sessions ", theme.heading)];
    if filtered {
        let words = format!("{} of {} ", counts.fitting, counts.all);
        title.push(Span::styled(words, theme.text));
    } else if counts.all > 0 {
        title.push(Span::styled(format!("{} ", counts.all), theme.dim));
    }
    if app.sessions.typing || filtered {
        let words = match app.sessions.typing {
            true => typed_line(&app.line, &app.sessions.filter, 24),
            false => fit(&app.sessions.filter, 24),
        };
        title.push(Span::styled(format!("/{words} "), theme.accent));
        if filtered && app.sessions.is_similar_only {
            title.push(Span::styled("no exact match, similar: ", theme.bad));
        }
    }
    if let Connection::Lost { since, .. } = &app.connection {
        let ago = span((app.now.as_second() - since.as_second()).max(0));
        title.push(Span::styled(format!("as of {ago} ago "), theme.bad));
    }
    if !app.sessions.marked.is_empty() {
        let words = format!("· {} selected ", app.sessions.marked.len());
        title.push(Span::styled(words, theme.accent));
    }
    Line::from(title)
}

/// On the frame: the order at its upper edge, how many are archived at its lower one.
fn edges(app: &App, area: Rect, buf: &mut Buffer) {
    let theme = &app.theme;
    if app.data.is_empty() {
        return;
    }
    let order = format!(" by {} ", app.sessions.sort.words());
    let taken = title(app).width();
    let wide = order.chars().count();
    if taken + wide + 5 <= usize::from(area.width) {
        let x = area.right() - 2 - u16::try_from(wide).unwrap_or(0);
        buf.set_string(x, area.y, order, theme.dim);
    }
    let away = app.sessions.counts.archived;
    let words = match (away, app.keymap.key(Action::ShowArchived)) {
        (0, _) => return,
        (_, key) if key.is_empty() => format!(" {away} archived "),
        (_, key) => format!(" {away} archived · {key}: show "),
    };
    if words.chars().count() + 4 <= usize::from(area.width) {
        buf.set_string(area.x + 2, area.bottom() - 1, words, theme.dim);
    }
}

/// Why there is no row.
fn empty(app: &App, inside: Rect, buf: &mut Buffer) {
    let cancel = app.keymap.key(Action::Cancel);
    let words = match app.connection {
        Connection::Connecting => "…".to_owned(),
        Connection::Up { .. } | Connection::Lost { .. } => {
            if !app.sessions.filter.trim().is_empty() {
                format!("No matching sessions ({cancel}: clear the filter).")
            } else if app.sessions.counts.all > 0 || app.sessions.counts.archived == 0 {
                "All sessions are in the inbox.".to_owned()
            } else {
                let key = app.keymap.key(Action::ShowArchived);
                format!("All sessions are archived ({key}: show).")
            }
        }
    };
    let width = usize::from(inside.width.saturating_sub(1));
    let style = app.theme.dim;
    buf.set_stringn(inside.x + 1, inside.y, words, width, style);
}

fn heading(theme: &Theme, group: Group, count: usize, folded: bool) -> Line<'static> {
    let style = match group {
        Group::Pending => theme.waiting,
        Group::Running => theme.working,
        Group::Completed => theme.good,
        Group::Failed => theme.bad,
        Group::Archived => theme.dim,
    };
    Line::from(vec![
        Span::styled(if folded { "▸ " } else { "▾ " }, theme.dim),
        Span::styled(group.title(), style),
        Span::styled(format!(" {count}"), theme.dim),
    ])
}

/// A sign and its look for a status.
#[must_use]
pub fn status_mark(theme: &Theme, status: Status) -> (&'static str, Style) {
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

/// The same of a session: an agent that works turns while somebody looks, and one that cannot be started
/// yet waits.
#[must_use]
pub fn live_mark(app: &App, session: &SessionState) -> (&'static str, Style) {
    let status = session.status;
    if session.waiting_for.is_some() {
        ("◔", app.theme.waiting)
    } else if status == Status::Running && app.attention && app.is_connected() {
        (spinner(app.now.as_millisecond() / 200), app.theme.working)
    } else {
        status_mark(&app.theme, status)
    }
}

/// How full the context window is, in percent.
#[must_use]
pub fn context_used(session: &SessionState) -> Option<i64> {
    let (used, limit) = (session.effective_context_tokens?, session.context_limit?);
    (limit > 0).then(|| (used * 100 / limit).clamp(0, 100))
}

/// The directory from home.
#[must_use]
pub fn short_directory(app: &App, session: &SessionState) -> String {
    app.relative_to_home(session.working_dir.as_deref().unwrap_or_default())
}

#[cfg(test)]
mod tests;
