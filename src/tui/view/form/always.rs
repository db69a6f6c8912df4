//! Approve and make it last.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::{about, keys_at_foot};
use crate::tui::state::App;
use crate::tui::state::form::always::Always;
use crate::tui::state::form::yes::{NO, Yes};
use crate::tui::transcript::text::Row;
use crate::tui::view::widgets::{popup, row_style};

/// Draws it.
pub fn draw(app: &App, form: &Always, screen: Rect, buf: &mut Buffer) {
    let theme = &app.theme;
    let title = Line::styled(" Approve and always allow ", theme.good);
    let width = usize::from(84.min(screen.width).saturating_sub(2));
    let mut rows: Vec<(Line<'static>, bool)> = Vec::new();
    for (index, choice) in form.choices.iter().enumerate() {
        let selected = index == form.at;
        let mark = if choice.chosen { "☑ " } else { "☐ " };
        let style = if choice.chosen {
            theme.good
        } else {
            theme.text
        };
        let mut first = Row::of(if selected { "▸ " } else { "  " }, theme.accent);
        first.own(&format!("{} ", index + 1), theme.key);
        first.own(mark, style);
        let rest = Row::of("      ", theme.text);
        let meaning = Row::foreign_of(&choice.what.meaning(), style, theme);
        let reach = Row::foreign_of(&choice.what.reach(), theme.dim, theme);
        let lines = meaning.words(width, &first, &rest);
        let reach = reach.words(width, &rest, &rest);
        rows.extend(lines.into_iter().chain(reach).map(|line| (line, selected)));
    }
    let height = u16::try_from(rows.len())
        .unwrap_or(u16::MAX)
        .saturating_add(6);
    let inside = popup(theme, title, 84, height, screen, buf);
    let rest = about(app, &form.approval, inside, buf);
    let room = usize::from(rest.height);
    // The chosen row stays in sight.
    let last = rows
        .iter()
        .rposition(|(_, selected)| *selected)
        .unwrap_or(0);
    let skip = (last + 1).saturating_sub(room);
    for ((line, selected), y) in rows.iter().skip(skip).zip(0..rest.height) {
        let area = Rect {
            y: rest.y + y,
            height: 1,
            ..rest
        };
        buf.set_style(area, row_style(theme, *selected, true));
        buf.set_line(area.x, area.y, line, area.width);
    }
    let chosen = form.choices.iter().any(|choice| choice.chosen);
    let approve = if chosen {
        "approve and grant"
    } else {
        "approve once"
    };
    let mut keys = vec![(Yes::Letter.label(), approve), ("space", "toggle")];
    if form.can_reach() {
        keys.push(("←→", "scope"));
    }
    keys.push((NO, "cancel"));
    keys_at_foot(&super::guarded(app), &keys, inside, buf);
}
