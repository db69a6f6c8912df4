//! What the forms draw alike: what they are about, their keys, and the fields that are typed into.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::Widget;
use ratatui_textarea::{CursorMove, DataCursor, TextArea, WrapMode};
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

use crate::domain::text::is_deceptive;
use crate::tui::forms::Field;
use crate::tui::state::App;
use crate::tui::theme::Theme;
use crate::tui::view::widgets::{fit, form_hints};

/// What is drawn for a character that takes no room.
const STAND_IN: char = char::REPLACEMENT_CHARACTER;

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
    let mut area_of = with_stand_ins(&field.area).unwrap_or_else(|| field.area.clone());
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

/// The text with a stand-in for each character that takes no room, hides or reorders others and stands by itself: the
/// library would leave it out. None where there is none.
fn with_stand_ins(area: &TextArea<'static>) -> Option<TextArea<'static>> {
    let lines = area.lines();
    if !lines.iter().any(|line| line.contains(is_deceptive)) {
        return None;
    }
    let shown = lines.iter().map(|line| {
        let mut shown = String::with_capacity(line.len());
        for cluster in line.graphemes(true) {
            match cluster.width() == 0 && cluster.contains(is_deceptive) {
                true => shown.extend(cluster.chars().map(|_| STAND_IN)),
                false => shown.push_str(cluster),
            }
        }
        shown
    });
    let mut copy = TextArea::new(shown.collect());
    let DataCursor(row, column) = area.cursor();
    let place = |at: usize| u16::try_from(at).unwrap_or(u16::MAX);
    copy.move_cursor(CursorMove::Jump(place(row), place(column)));
    Some(copy)
}

/// Marks the cells of a field that hold more than they show: the library draws text as it is.
fn unmask(theme: &Theme, area: Rect, buf: &mut Buffer) {
    for y in area.top()..area.bottom() {
        for x in area.left()..area.right() {
            if let Some(cell) = buf.cell_mut((x, y))
                && (cell.symbol().contains(is_deceptive) || cell.symbol().starts_with(STAND_IN))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reorders_or_hides_in_a_field_is_marked_and_does_nothing() {
        let theme = Theme::dark();
        for text in ["rm a\u{202e}txt.b", "\u{200b}", "ls\u{feff}"] {
            let mut field = Field::default();
            field.set(text);
            let area = Rect::new(0, 0, 20, 2);
            let mut buf = Buffer::empty(area);
            draw_field(&theme, &field, area, &mut buf);
            let cells = &buf.content;
            assert!(
                !cells
                    .iter()
                    .any(|cell| cell.symbol().contains(is_deceptive)),
                "{text:?}: {buf:?}"
            );
            let marked = cells
                .iter()
                .filter(|cell| Some(cell.bg) == theme.unmasked.bg);
            assert_eq!(marked.count(), 1, "{text:?}: {buf:?}");
        }
        let mut field = Field::default();
        field.set("rm a.txt");
        let area = Rect::new(0, 0, 20, 2);
        let mut buf = Buffer::empty(area);
        draw_field(&theme, &field, area, &mut buf);
        let is_marked = |cell: &ratatui::buffer::Cell| Some(cell.bg) == theme.unmasked.bg;
        assert!(!buf.content.iter().any(is_marked));
    }
}
