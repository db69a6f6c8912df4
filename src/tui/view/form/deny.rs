//! The reason of a denial.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use super::draw_field;
use crate::tui::state::App;
use crate::tui::state::form::deny::Deny;
use crate::tui::transcript::summary_line;
use crate::tui::view::widgets::{fit, form_hints, popup};

/// Draws it.
pub fn draw(app: &App, form: &Deny, screen: Rect, buf: &mut Buffer) -> Option<Position> {
    let theme = &app.theme;
    let height = u16::try_from(app.wishes.deny_reasons.len()).map_or(24, |count| count.min(12) + 9);
    let title = Line::styled(" Deny: why? ", theme.bad);
    let inside = popup(theme, title, 76, height, screen, buf);
    let width = usize::from(inside.width);
    let what = app
        .data
        .pending(&form.approval)
        .map_or("it is no longer pending".to_owned(), |approval| {
            summary_line(&approval.tool_name, &approval.tool_input)
        });
    buf.set_stringn(inside.x, inside.y, fit(&what, width), width, theme.text);
    let field = Rect {
        y: inside.y + 2,
        height: 3.min(inside.height.saturating_sub(2)),
        ..inside
    };
    draw_field(theme, &form.reason, field, buf);
    for (index, reason) in app.wishes.deny_reasons.iter().enumerate() {
        let y = inside.y + 5 + u16::try_from(index).unwrap_or(0);
        if y + 2 > inside.y + inside.height {
            break;
        }
        let chosen = form.quick == Some(index);
        let line = Line::from(vec![
            Span::styled(if chosen { "▸ " } else { "  " }, theme.accent),
            Span::styled(
                fit(reason, width.saturating_sub(2)),
                if chosen { theme.text } else { theme.dim },
            ),
        ]);
        buf.set_line(inside.x, y, &line, inside.width);
    }
    let stop = if form.interrupt {
        "also stops it ✓"
    } else {
        "also stop it"
    };
    let keys = form_hints(
        theme,
        &[
            ("enter", "deny"),
            ("↑↓", "quick reasons"),
            ("tab", stop),
            ("esc", "take it back"),
        ],
    );
    if inside.height > 0 {
        buf.set_line(inside.x, inside.y + inside.height - 1, &keys, inside.width);
    }
    None
}
