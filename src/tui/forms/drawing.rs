//! What the forms draw alike: what they are about, their keys, and the fields that are typed into.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::Widget;
use ratatui_textarea::WrapMode;

use crate::domain::text::is_deceptive;
use crate::tui::forms::Field;
use crate::tui::state::App;
use crate::tui::theme::Theme;
use crate::tui::view::widgets::{fit, form_hints};

/// What the form is about, on its first row; returns the room below it and above the keys.
pub fn about(app: &App, approval: &str, inside: Rect, buf: &mut Buffer) -> Rect {
    let theme = &app.theme;
    let width = usize::from(inside.width);
    let pending = app.data.pending(approval).is_some();
    let (what, style) = if pending {
        (fit(app.inbox.summary(approval), width), theme.text)
    } else {
        (fit("no longer pending", width), theme.bad)
    };
    if inside.height > 2 {
        buf.set_string(inside.x, inside.y, what, style);
    }
    Rect {
        y: inside.y + 2.min(inside.height),
        height: inside.height.saturating_sub(4),
        ..inside
    }
}

/// The looks of a form's keys that decide: dim as long as they do nothing.
pub fn guarded(app: &App) -> Theme {
    let mut theme = app.theme;
    if app.is_guarded() {
        theme.key = theme.dim;
    }
    theme
}

/// The form's keys on its last row: as many as there is room for, the last one in any case.
pub fn keys_at_foot(theme: &Theme, keys: &[(&str, &str)], inside: Rect, buf: &mut Buffer) {
    if inside.height == 0 {
        return;
    }
    let (mut first, last) = match keys.split_last() {
        Some((last, first)) => (first.to_vec(), *last),
        None => return,
    };
    let line = loop {
        let shown: Vec<(&str, &str)> = first.iter().copied().chain([last]).collect();
        let line = form_hints(theme, &shown);
        if line.width() <= usize::from(inside.width) || first.pop().is_none() {
            break Line::from(line.spans);
        }
    };
    buf.set_line(inside.x, inside.y + inside.height - 1, &line, inside.width);
}

/// Draws a field; the library keeps its cursor in sight. Gives the cursor's place, for the terminal's own
/// one: an input method shows its candidates there.
pub fn draw_field(theme: &Theme, field: &Field, area: Rect, buf: &mut Buffer) -> Option<Position> {
    let mut area_of = field.area.clone();
    area_of.set_style(theme.text);
    area_of.set_cursor_line_style(Style::new());
    area_of.set_cursor_style(Style::new().add_modifier(Modifier::REVERSED));
    area_of.set_wrap_mode(WrapMode::WordOrGlyph);
    area_of.render(area, buf);
    let cursor = reversed(area, buf);
    unmask(theme, area, buf);
    cursor
}

/// The first reversed cell: the library draws its cursor as one, and does not say where it is.
fn reversed(area: Rect, buf: &Buffer) -> Option<Position> {
    let is_reversed = |at: &Position| {
        let cell = buf.cell(*at);
        cell.is_some_and(|cell| cell.modifier.contains(Modifier::REVERSED))
    };
    area.intersection(buf.area).positions().find(is_reversed)
}

/// Marks the cells of a field that hold more than they show: the library draws text as it is.
fn unmask(theme: &Theme, area: Rect, buf: &mut Buffer) {
    for y in area.top()..area.bottom() {
        for x in area.left()..area.right() {
            if let Some(cell) = buf.cell_mut((x, y))
                && cell.symbol().contains(is_deceptive)
            {
                let kept: String = cell
                    .symbol()
                    .chars()
                    .filter(|c| !is_deceptive(*c))
                    .collect();
                cell.set_symbol(if kept.is_empty() { "?" } else { &kept });
                cell.set_style(theme.unmasked);
            }
        }
    }
}
