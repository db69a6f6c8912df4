//! The reason of a denial.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;

use super::{about, keys_at_foot, offers};
use crate::tui::state::App;
use crate::tui::state::form::deny::{Deny, NO_REASON};
use crate::tui::view::widgets::popup;

/// Draws it.
pub fn draw(app: &App, form: &Deny, screen: Rect, buf: &mut Buffer) -> Option<Position> {
    let theme = &app.theme;
    let title = Line::styled(" Deny: reason ", theme.bad);
    let height = offers::height(&form.reason).saturating_add(6);
    let inside = popup(theme, title, 76, height, screen, buf);
    let rest = about(app, &form.approval, inside, buf);
    let nothing = match form.reason.option() {
        Some(_) => "optional: adds to the chosen option",
        None => NO_REASON,
    };
    let cursor = offers::draw(theme, &form.reason, nothing, rest, buf);
    let stop = if form.interrupt {
        "also interrupt ✓"
    } else {
        "also interrupt"
    };
    let mut keys = vec![("enter", "deny")];
    if !form.reason.list.is_empty() {
        keys.push(("↑↓", "reasons"));
    }
    if form.can_interrupt {
        keys.push(("tab", stop));
    }
    keys.extend([("alt-enter", "new line"), ("esc", "cancel")]);
    keys_at_foot(theme, &keys, inside, buf);
    cursor
}
