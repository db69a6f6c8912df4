//! The whole of an approval, however long.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::tui::keymap::Action;
use crate::tui::state::App;
use crate::tui::state::form::read::Read;
use crate::tui::view::card;
use crate::tui::view::widgets::{hints, popup};

/// Draws it over the whole screen.
pub fn draw(app: &App, form: &Read, screen: Rect, buf: &mut Buffer) {
    let theme = &app.theme;
    let title = Line::styled(" The whole question ", theme.waiting);
    let inside = popup(theme, title, screen.width, screen.height, screen, buf);
    let Some(approval) = app.data.pending(&form.approval) else {
        buf.set_string(inside.x, inside.y, "It is no longer pending.", theme.dim);
        return;
    };
    let lines = card::body(app, approval, inside.width);
    let room = inside.height.saturating_sub(1);
    let most = lines.len().saturating_sub(usize::from(room));
    for (line, y) in lines.iter().skip(form.scroll.min(most)).zip(0..room) {
        buf.set_line(inside.x, inside.y + y, line, inside.width);
    }
    let keys = hints(
        theme,
        &app.keymap,
        &[
            (Action::Approve, "approve"),
            (Action::Deny, "deny"),
            (Action::Down, "scroll"),
            (Action::Cancel, "back"),
        ],
    );
    if inside.height > 0 {
        buf.set_line(inside.x, inside.y + inside.height - 1, &keys, inside.width);
    }
}
