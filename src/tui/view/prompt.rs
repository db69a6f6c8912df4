//! The prompt line at the foot of the list.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

use super::widgets::{fit, frame};
use crate::domain::text::sanitize_line;
use crate::tui::keymap::Action;
use crate::tui::state::{App, Pane};

/// Draws it.
pub fn draw(app: &App, area: Rect, buf: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    let theme = &app.theme;
    let focused = app.focus == Pane::Prompt && app.form.is_none();
    let title = Line::styled(
        " New session ",
        if focused { theme.accent } else { theme.dim },
    );
    let inside = frame(theme, title, focused, area, buf);
    let width = usize::from(inside.width);
    if app.launch.prompt.is_blank() && !focused {
        let key = app.keymap.key(Action::NewSession);
        let line = Line::from(vec![
            Span::styled(format!(" {key}"), theme.key),
            Span::styled("  what shall be done?", theme.dim),
        ]);
        buf.set_line(inside.x, inside.y, &line, inside.width);
        return;
    }
    let (before, after) = around_cursor(app);
    // The cursor stays in sight: what is left of it gives way.
    let mut shown = before.as_str();
    while shown.width() + 3 > width && !shown.is_empty() {
        let mut rest = shown.chars();
        rest.next();
        shown = rest.as_str();
    }
    let room = width.saturating_sub(shown.width() + 2);
    let line = Line::from(vec![
        Span::styled("› ", theme.accent),
        Span::styled(shown.to_owned(), theme.text),
        Span::styled(fit(&after, room), theme.text),
    ]);
    buf.set_line(inside.x, inside.y, &line, inside.width);
}

/// Where the cursor is, while the line has the keys.
#[must_use]
pub fn cursor(app: &App, area: Rect) -> Option<Position> {
    if app.focus != Pane::Prompt || area.height < 3 || app.form.is_some() {
        return None;
    }
    let (before, _) = around_cursor(app);
    let width = usize::from(area.width.saturating_sub(2));
    let column = (before.width() + 2).min(width.saturating_sub(1));
    Some(Position::new(
        area.x + 1 + u16::try_from(column).unwrap_or(0),
        area.y + 1,
    ))
}

/// What is typed before and behind the cursor, on one line.
fn around_cursor(app: &App) -> (String, String) {
    let area = &app.launch.prompt.area;
    let (row, column) = (area.cursor().0, area.cursor().1);
    let lines = area.lines();
    let mut before: Vec<String> = lines.iter().take(row).cloned().collect();
    let here = lines.get(row).map(String::as_str).unwrap_or_default();
    let split = here
        .char_indices()
        .nth(column)
        .map_or(here.len(), |(index, _)| index);
    before.push(here[..split].to_owned());
    let mut after = vec![here[split..].to_owned()];
    after.extend(lines.iter().skip(row + 1).cloned());
    (
        sanitize_line(&before.join("⏎ ")).into_owned(),
        sanitize_line(&after.join("⏎ ")).into_owned(),
    )
}
