//! «Really?»

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::tui::state::App;
use crate::tui::state::form::confirm::Confirm;
use crate::tui::transcript::text::{Row, lines};
use crate::tui::view::widgets::{form_hints, popup};

/// Draws it.
pub fn draw(app: &App, form: &Confirm, screen: Rect, buf: &mut Buffer) {
    let theme = &app.theme;
    let width = 68.min(screen.width);
    let rows: Vec<Line<'static>> = lines(&form.question)
        .flat_map(|line| {
            let row = Row::foreign_of(line, theme.text, theme);
            row.words(
                usize::from(width.saturating_sub(2)),
                &Row::new(),
                &Row::of("  ", theme.text),
            )
        })
        .collect();
    let height = u16::try_from(rows.len())
        .unwrap_or(u16::MAX)
        .saturating_add(4);
    let title = Line::styled(" Really? ", theme.waiting);
    let inside = popup(theme, title, width, height, screen, buf);
    for (row, y) in rows.iter().zip(0..inside.height.saturating_sub(1)) {
        buf.set_line(inside.x, inside.y + y, row, inside.width);
    }
    let keys = form_hints(theme, &[("y", "yes"), ("n", "no")]);
    if inside.height > 0 {
        buf.set_line(inside.x, inside.y + inside.height - 1, &keys, inside.width);
    }
}
