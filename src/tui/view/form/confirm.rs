//! «Really?»

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Paragraph, Widget, Wrap};

use crate::domain::text::sanitize;
use crate::tui::state::App;
use crate::tui::state::form::confirm::Confirm;
use crate::tui::view::widgets::{form_hints, popup};

/// Draws it.
pub fn draw(app: &App, form: &Confirm, screen: Rect, buf: &mut Buffer) {
    let theme = &app.theme;
    let inside = popup(
        theme,
        Line::styled(" Really? ", theme.waiting),
        64,
        8,
        screen,
        buf,
    );
    Paragraph::new(sanitize(&form.question).into_owned())
        .style(theme.text)
        .wrap(Wrap { trim: true })
        .render(inside, buf);
    let keys = form_hints(theme, &[("y", "yes"), ("n", "no")]);
    if inside.height > 0 {
        buf.set_line(inside.x, inside.y + inside.height - 1, &keys, inside.width);
    }
}
