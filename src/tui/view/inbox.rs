//! What waits for a decision, oldest first.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::widgets::{fit, frame, offset, row_style, split_line};
use crate::format::{span, subject};
use crate::tui::state::{App, Pane};
use crate::tui::transcript::summary_line;

/// Draws the pane.
pub fn draw(app: &mut App, area: Rect, buf: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    let theme = app.theme;
    let focused = app.focus == Pane::Inbox && app.form.is_none();
    let shown = app.inbox.shown(&app.data);
    let mut title = vec![
        Span::styled(" Inbox ", theme.heading),
        Span::styled(format!("{} ", app.data.pending.len()), theme.waiting),
    ];
    if !app.inbox.marked.is_empty() {
        title.push(Span::styled(
            format!("{} marked ", app.inbox.marked.len()),
            theme.accent,
        ));
    }
    let inside = frame(&theme, Line::from(title), focused, area, buf);
    let position = app
        .inbox
        .selected
        .as_ref()
        .and_then(|id| shown.iter().position(|other| other == id));
    app.inbox.offset = offset(app.inbox.offset, position, shown.len(), inside.height);
    for (row, id) in shown.iter().skip(app.inbox.offset).enumerate() {
        let Ok(y) = u16::try_from(row) else { break };
        if y >= inside.height {
            break;
        }
        let Some(approval) = app.data.pending(id) else {
            continue;
        };
        let selected = app.inbox.selected.as_ref() == Some(id);
        let mark = match (app.inbox.marked.contains(id), selected) {
            (true, _) => "✚ ",
            (false, true) => "▸ ",
            (false, false) => "  ",
        };
        let waited = app.now.as_second() - approval.created_at.as_second();
        let session = app
            .data
            .session(&approval.session_id)
            .map(|session| subject(session, 60))
            .unwrap_or_default();
        let words = summary_line(&approval.tool_name, &approval.tool_input);
        let width = usize::from(inside.width);
        let age = match app.inbox.sending.get(id) {
            Some(word) => format!("{word}…"),
            None => span(waited.max(0)),
        };
        let room = width.saturating_sub(age.chars().count() + 3);
        let about = room / 3;
        let left = Line::from(vec![
            Span::styled(mark, theme.accent),
            Span::styled(fit(&words, room.saturating_sub(about + 3)), theme.text),
            Span::styled(format!("  {}", fit(&session, about)), theme.dim),
        ]);
        let line = Rect {
            y: inside.y + y,
            height: 1,
            ..inside
        };
        let right = Line::from(Span::styled(age, theme.waiting));
        split_line(
            left,
            &right,
            row_style(&theme, selected, focused),
            line,
            buf,
        );
    }
}

/// The approvals on the rows of the pane, for the mouse.
#[must_use]
pub fn drawn(app: &App, area: Rect) -> Vec<String> {
    let rows = usize::from(area.height.saturating_sub(2));
    let shown = app.inbox.shown(&app.data);
    let rows = shown.into_iter().skip(app.inbox.offset).take(rows);
    rows.collect()
}
