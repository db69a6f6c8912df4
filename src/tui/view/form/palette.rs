//! All commands, found by typing.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use super::draw_field;
use crate::tui::state::App;
use crate::tui::state::form::palette::Palette;
use crate::tui::view::widgets::{offset, popup, row_style, split_line};

/// Draws it.
pub fn draw(app: &App, form: &Palette, screen: Rect, buf: &mut Buffer) -> Option<Position> {
    let theme = &app.theme;
    let inside = popup(
        theme,
        Line::styled(" Commands ", theme.accent),
        64,
        20,
        screen,
        buf,
    );
    draw_field(
        theme,
        &form.filter,
        Rect {
            height: 1,
            ..inside
        },
        buf,
    );
    let rows = Rect {
        y: inside.y + 2,
        height: inside.height.saturating_sub(2),
        ..inside
    };
    let found = form.found();
    let selected = form.selected.min(found.len().saturating_sub(1));
    let first = offset(0, Some(selected), found.len(), rows.height);
    for ((index, action), y) in found.iter().enumerate().skip(first).zip(0..rows.height) {
        let line = Rect {
            y: rows.y + y,
            height: 1,
            ..rows
        };
        let left = Line::from(Span::styled(format!(" {}", action.words()), theme.text));
        let right = Line::from(Span::styled(app.keymap.key(*action), theme.key));
        split_line(
            left,
            &right,
            row_style(theme, index == selected, true),
            line,
            buf,
        );
    }
    None
}
