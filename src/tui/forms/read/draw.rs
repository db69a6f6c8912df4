//! The whole of an approval, however long.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

use crate::format::{bytes, short_age, subject};
use crate::protocol::approval::Approval;
use crate::tui::forms::read::Read;
use crate::tui::keymap::Action;
use crate::tui::state::guard::{LeftOut, TextView};
use crate::tui::state::{App, offered};
use crate::tui::view::card::{self, fitting, heading};
use crate::tui::view::inbox::age_style;
use crate::tui::view::typed;
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
    // More of the text may have been laid out for the search.
    if form.look() && form.at.is_none() {
        form.step(true);
        form.scroll = form.scroll.min(most);
    }
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
pub fn draw(app: &App, form: &Read, screen: Rect, buf: &mut Buffer) -> Option<Position> {
    let theme = &app.theme;
    let approval = app.data.pending(&form.approval);
    let title = match approval {
        Some(approval) => title(app, approval, usize::from(screen.width)),
        None => Line::styled(" Approval ", theme.dim),
    };
    let inside = popup(theme, title, screen.width, screen.height, screen, buf);
    if inside.height == 0 {
        return None;
    }
    let Some(approval) = approval else {
        let how = app.data.recent(&form.approval).map_or_else(
            || "No longer pending.".to_owned(),
            |ended| format!("No longer pending: {}.", crate::format::outcome(ended)),
        );
        let width = usize::from(inside.width);
        buf.set_stringn(inside.x, inside.y, fit(&how, width), width, theme.text);
        return None;
    };
    let room = inside.height.saturating_sub(1);
    let rows = &form.laid.rows;
    let needle = form.needle();
    for (row, y) in rows.iter().skip(form.scroll).zip(0..room) {
        buf.set_line(inside.x, inside.y + y, row, inside.width);
        highlight(app, &needle, inside.x, inside.y + y, inside.width, buf);
    }
    let foot = Rect {
        y: inside.y + room,
        height: 1,
        ..inside
    };
    let right = place(app, form, usize::from(room), screen);
    if let (false, Some(notice)) = (form.typing, &app.notice) {
        // The line below is covered.
        let words = fit(&notice.text, usize::from(foot.width));
        buf.set_stringn(foot.x, foot.y, words, usize::from(foot.width), theme.accent);
        return None;
    }
    if form.is_searching() {
        return search(app, form, &right, foot, buf);
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
    None
}

/// The search: its words with the cursor, which match one has come to, and the keys that step.
fn search(
    app: &App,
    form: &Read,
    right: &Line<'_>,
    foot: Rect,
    buf: &mut Buffer,
) -> Option<Position> {
    let theme = &app.theme;
    let place = match form.place() {
        _ if form.needle().is_empty() => String::new(),
        (_, 0) => "not found".to_owned(),
        (at, count) => format!("{at} of {count}"),
    };
    let mut keys = if form.typing {
        form_hints(theme, &[("enter", "apply"), ("esc", "clear")])
    } else {
        let key = |action| app.keymap.key(action);
        let (next, previous) = (key(Action::NextMatch), key(Action::PreviousMatch));
        let keys = [
            (next.as_str(), "next match"),
            (previous.as_str(), "previous"),
            ("esc", "end search"),
        ];
        let spans = form_hints(theme, &keys).spans.into_iter();
        Line::from_iter(spans.map(|span| Span::styled(span.content.into_owned(), span.style)))
    };
    keys.spans
        .insert(0, Span::styled(format!("{place}  "), theme.accent));
    let wide = u16::try_from(keys.width()).unwrap_or(u16::MAX);
    let field = Rect {
        x: foot.x + 1,
        width: foot.width.saturating_sub(wide + 3).min(20),
        ..foot
    };
    // Where one is in the text matters less than the keys.
    let taken = usize::from(field.width) + keys.width() + 5;
    let none = Line::default();
    let right = match taken + right.width() <= usize::from(foot.width) {
        true => right,
        false => &none,
    };
    let whole = Line::from(
        std::iter::once(Span::raw(" ".repeat(usize::from(field.width) + 3)))
            .chain(keys.spans)
            .collect::<Vec<_>>(),
    );
    split_line(whole, right, ratatui::style::Style::new(), foot, buf);
    buf.set_string(foot.x, foot.y, "/", theme.accent);
    let cursor = typed::draw(&form.search, theme.text, form.typing, field, buf);
    cursor.filter(|_| form.typing)
}

fn title(app: &App, approval: &Approval, width: usize) -> Line<'static> {
    let theme = &app.theme;
    let what = heading(app, approval, width / 2);
    let waited = short_age(approval.created_at, app.now);
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
            format!("{waited} "),
            age_style(theme, approval.created_at, app.now),
        ),
    ])
}

/// Where one is in it.
fn place(app: &App, form: &Read, room: usize, screen: Rect) -> Line<'static> {
    let theme = &app.theme;
    let rows = form.laid.rows.len();
    if rows <= room && form.laid.left_out.is_nothing() {
        return Line::default();
    }
    let last = (form.scroll + room).min(rows);
    let mut words = format!("{last} of {rows} lines");
    if let LeftOut::Bytes(more) = form.laid.left_out {
        words = format!("{words} and {} more", bytes(more));
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
