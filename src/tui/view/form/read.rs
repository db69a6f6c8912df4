//! The whole of an approval, however long.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

use crate::format::{bytes, span, subject};
use crate::protocol::approval::Approval;
use crate::tui::keymap::Action;
use crate::tui::state::App;
use crate::tui::state::form::read::Read;
use crate::tui::state::guard::TextView;
use crate::tui::state::offered;
use crate::tui::view::card::{self, fitting, heading};
use crate::tui::view::inbox::age_style;
use crate::tui::view::widgets::{fit, form_hints, popup, split_line};

/// Lays it out for a screen and keeps its scrolling within what there is.
pub fn arrange(app: &App, form: &mut Read, screen: Rect) {
    let Some(approval) = app.data.pending(&form.approval) else {
        return;
    };
    let width = screen.width.saturating_sub(2);
    let mut laid = std::mem::take(&mut form.laid);
    card::lay(app, approval, width, form.budget, &mut laid);
    form.laid = laid;
    form.height = usize::from(screen.height.saturating_sub(3));
    let most = form.laid.rows.len().saturating_sub(form.height);
    form.scroll = form.scroll.min(most);
}

/// Which rows of the text are on the screen.
#[must_use]
pub fn view(app: &App, form: &Read, screen: Rect) -> Option<TextView> {
    let approval = app.data.pending(&form.approval)?;
    let width = screen.width.saturating_sub(2);
    let room = usize::from(screen.height.saturating_sub(3));
    Some(card::view_of(
        app,
        approval,
        &form.laid,
        form.scroll,
        room,
        width,
    ))
}

/// Draws it over the whole screen.
pub fn draw(app: &App, form: &Read, screen: Rect, buf: &mut Buffer) {
    let theme = &app.theme;
    let approval = app.data.pending(&form.approval);
    let title = match approval {
        Some(approval) => title(app, approval, usize::from(screen.width)),
        None => Line::styled(" Approval ", theme.dim),
    };
    let inside = popup(theme, title, screen.width, screen.height, screen, buf);
    if inside.height == 0 {
        return;
    }
    let Some(approval) = approval else {
        let how = app.data.recent(&form.approval).map_or_else(
            || "No longer pending.".to_owned(),
            |ended| format!("No longer pending: {}.", crate::format::outcome(ended)),
        );
        let width = usize::from(inside.width);
        buf.set_stringn(inside.x, inside.y, fit(&how, width), width, theme.text);
        return;
    };
    let room = inside.height.saturating_sub(1);
    let rows = &form.laid.rows;
    for (row, y) in rows.iter().skip(form.scroll).zip(0..room) {
        buf.set_line(inside.x, inside.y + y, row, inside.width);
        highlight(app, &form.search, inside.x, inside.y + y, inside.width, buf);
    }
    let foot = Rect {
        y: inside.y + room,
        height: 1,
        ..inside
    };
    let right = place(app, form, usize::from(room), screen);
    if form.typing {
        let line = Line::from(vec![
            Span::styled(format!("/{}▏  ", fit(&form.search, 40)), theme.accent),
            Span::styled("enter", theme.key),
            Span::styled(" done", theme.dim),
        ]);
        split_line(line, &right, ratatui::style::Style::new(), foot, buf);
        return;
    }
    let wide = usize::from(foot.width).saturating_sub(right.width() + 2);
    let unread = view(app, form, screen)
        .map(|text| app.guard.unread(&text))
        .unwrap_or_default();
    let mut actions = offered::actions_until_read(approval, unread);
    actions.retain(|(action, _)| *action != Action::ReadApproval);
    actions.extend([(Action::Filter, "search"), (Action::Copy, "copy")]);
    let mut keys = fitting(app, &actions, wide.saturating_sub(10));
    keys.spans.push(Span::raw("  "));
    keys.spans
        .extend(form_hints(theme, &[("esc", "back")]).spans);
    split_line(keys, &right, ratatui::style::Style::new(), foot, buf);
}

fn title(app: &App, approval: &Approval, width: usize) -> Line<'static> {
    let theme = &app.theme;
    let what = heading(app, approval, width / 2);
    let waited = app.now.as_second() - approval.created_at.as_second();
    let session = app.data.session(&approval.session_id);
    let session = session.map(|session| subject(session, 200));
    let room = width.saturating_sub(what.width() + 20);
    Line::from(vec![
        Span::styled(format!(" {what} "), theme.waiting),
        Span::styled(
            format!("{} · waiting ", fit(&session.unwrap_or_default(), room)),
            theme.dim,
        ),
        Span::styled(
            format!("{} ", span(waited.max(0))),
            age_style(theme, waited),
        ),
    ])
}

/// Where one is in it.
fn place(app: &App, form: &Read, room: usize, screen: Rect) -> Line<'static> {
    let theme = &app.theme;
    let rows = form.laid.rows.len();
    if rows <= room && form.laid.left_out == 0 {
        return Line::default();
    }
    let last = (form.scroll + room).min(rows);
    let mut words = format!("{last} of {rows} lines");
    if form.laid.left_out > 0 {
        words = format!("{words} and {} more", bytes(form.laid.left_out));
    }
    let unread = view(app, form, screen).map(|text| app.guard.unread(&text));
    if let Some(unread) = unread.filter(|unread| !unread.is_nothing()) {
        words = format!("{words}, {}", unread.describe());
    }
    Line::styled(words, theme.waiting)
}

/// Marks what is searched for in a row that is drawn.
fn highlight(app: &App, search: &str, x: u16, y: u16, width: u16, buf: &mut Buffer) {
    if search.is_empty() {
        return;
    }
    let needle = search.to_lowercase();
    // A cell's symbol may be several characters: matches are counted in bytes of the whole row.
    let mut row = String::new();
    let mut starts = Vec::new();
    for column in x..x + width {
        starts.push(row.len());
        if let Some(cell) = buf.cell((column, y)) {
            row.push_str(&cell.symbol().to_lowercase());
        }
    }
    for (at, _) in row.match_indices(&needle) {
        for (start, column) in starts.iter().zip(x..) {
            if (at..at + needle.len()).contains(start)
                && let Some(cell) = buf.cell_mut((column, y))
            {
                cell.set_style(app.theme.matched);
            }
        }
    }
}
