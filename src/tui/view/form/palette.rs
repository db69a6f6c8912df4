//! All commands, found by typing.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use unicode_width::UnicodeWidthStr;

use super::{draw_field, keys_at_foot};
use crate::tui::keymap::Action;
use crate::tui::state::App;
use crate::tui::state::form::palette::{Command, Palette};
use crate::tui::state::fuzzy::Fuzzy;
use crate::tui::view::widgets::{fit, matched, offset, popup, row_style, split_line};

/// From this width on it is said to which pane a command belongs.
const ROOMY: usize = 60;

/// Draws it.
pub fn draw(app: &App, form: &Palette, screen: Rect, buf: &mut Buffer) -> Option<Position> {
    let theme = &app.theme;
    let title = Line::styled(" Commands ", theme.accent);
    let inside = popup(theme, title, 76, 22, screen, buf);
    if inside.height < 2 {
        return None;
    }
    buf.set_string(inside.x, inside.y, "›", theme.accent);
    let field = Rect {
        x: inside.x + 2.min(inside.width),
        width: inside.width.saturating_sub(2),
        height: 1,
        ..inside
    };
    let cursor = draw_field(theme, &form.filter, field, buf);
    let rows = Rect {
        y: inside.y + 1,
        height: inside.height.saturating_sub(2),
        ..inside
    };
    let found = form.found();
    let mut fuzzy = Fuzzy::new(&form.filter.text());
    let selected = form.selected.min(found.len().saturating_sub(1));
    let first = offset(0, Some(selected), found.len(), rows.height);
    for ((index, command), y) in found.iter().enumerate().skip(first).zip(0..rows.height) {
        let line = Rect {
            y: rows.y + y,
            height: 1,
            ..rows
        };
        let chosen = index == selected;
        let (left, right) = row(app, form, *command, chosen, (&mut fuzzy, rows.width));
        split_line(left, &right, row_style(theme, chosen, true), line, buf);
    }
    if found.is_empty() && rows.height > 0 {
        buf.set_string(rows.x + 2, rows.y, "No command fits.", theme.dim);
    }
    keys_at_foot(
        theme,
        &[("enter", "do it"), ("↑↓", "choose"), ("esc", "back")],
        inside,
        buf,
    );
    cursor
}

fn row<'a>(
    app: &App,
    form: &Palette,
    command: Command,
    chosen: bool,
    (fuzzy, columns): (&mut Fuzzy, u16),
) -> (Line<'a>, Line<'a>) {
    let theme = &app.theme;
    let columns = usize::from(columns);
    let mut right = Vec::new();
    let place = match (form.is_recent(command), command.pane()) {
        (true, _) => Some("used lately"),
        (false, Some(pane)) => Some(pane.title()),
        (false, None) => None,
    };
    if let Some(place) = place.filter(|_| columns >= ROOMY) {
        right.push(Span::styled(format!("{place}  "), theme.dim));
    }
    let key = match command {
        Command::Action(action) => app.keymap.key(action),
        Command::Theme(name) if name == app.theme.name => "now".to_owned(),
        Command::Sort(sort) if sort == app.sessions.sort => "now".to_owned(),
        Command::Theme(_) | Command::Sort(_) => String::new(),
    };
    right.push(Span::styled(format!("{key:>6} "), theme.key));
    let right = Line::from(right);
    let room = columns.saturating_sub(right.width() + 3);
    let words = fit(&command.words(), room);
    let mut left = vec![Span::styled(if chosen { "▸ " } else { "  " }, theme.accent)];
    left.extend(matched(&words, fuzzy, theme.text, theme.matched));
    let rest = room.saturating_sub(words.width() + 2);
    if let (Command::Action(action), Some(about)) = (command, &form.about)
        && decides(action)
        && rest > 6
    {
        let what = fit(app.inbox.summary(about), rest);
        left.push(Span::styled(format!("  {what}"), theme.dim));
    }
    (Line::from(left), right)
}

/// Whether it is about the approval that was on the screen.
fn decides(action: Action) -> bool {
    matches!(
        action,
        Action::Approve
            | Action::Deny
            | Action::Edit
            | Action::Always
            | Action::Answer
            | Action::ReadApproval
    )
}
