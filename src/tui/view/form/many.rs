//! One decision about many approvals: what it would be about, before it is made.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

use super::{keys_at_foot, offers};
use crate::tui::state::App;
use crate::tui::state::form::deny::NO_REASON;
use crate::tui::state::form::many::{Many, One};
use crate::tui::view::widgets::{fit, popup};

/// Draws it.
pub fn draw(app: &App, form: &mut Many, screen: Rect, buf: &mut Buffer) {
    let theme = &app.theme;
    let count = form.decided().count();
    let title = if form.yes {
        Line::styled(format!(" Approve {count}? "), theme.good)
    } else {
        Line::styled(format!(" Deny {count}: why? "), theme.bad)
    };
    let wide = 100.min(screen.width);
    let lines = lines(app, form, usize::from(wide.saturating_sub(2)));
    let reason = if form.yes {
        0
    } else {
        offers::height(&form.reason) + 1
    };
    let wanted = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    let height = wanted.saturating_add(reason).saturating_add(4);
    let inside = popup(theme, title, wide, height, screen, buf);
    let mut room = inside.height.saturating_sub(2);
    if !form.yes {
        let area = Rect {
            height: reason.min(room),
            ..inside
        };
        offers::draw(theme, &form.reason, NO_REASON, area, buf);
        room = room.saturating_sub(reason);
    }
    let top = inside.y + inside.height.saturating_sub(2 + room);
    let most = lines.len().saturating_sub(usize::from(room));
    form.scroll = form.scroll.min(most);
    let skip = form.scroll;
    for (line, y) in lines.iter().skip(skip).zip(0..room) {
        buf.set_line(inside.x, top + y, line, inside.width);
    }
    let below = lines.len().saturating_sub(skip + usize::from(room));
    let foot = inside.y + inside.height.saturating_sub(1);
    if below > 0 && inside.height > 1 {
        let words = format!("… {below} more lines");
        let (x, y) = (inside.x, foot - 1);
        buf.set_stringn(x, y, words, usize::from(inside.width), theme.waiting);
    }
    let dangerous = if form.with_dangerous {
        "leave the dangerous ones out"
    } else {
        "the dangerous ones too"
    };
    let mut keys = vec![("enter", if form.yes { "approve all" } else { "deny all" })];
    if form.yes && !form.dangerous.is_empty() {
        keys.push(("tab", dangerous));
    }
    if below > 0 || skip > 0 {
        keys.push(("pagedown", "more"));
    }
    keys.push(("esc", "back"));
    keys_at_foot(&super::guarded(app), &keys, inside, buf);
}

fn lines(app: &App, form: &Many, width: usize) -> Vec<Line<'static>> {
    let theme = &app.theme;
    let mut lines = Vec::new();
    let mut counted = |label: &'static str, counts: Vec<(String, usize)>| {
        let mut words: Vec<String> = counts
            .iter()
            .take(6)
            .map(|(name, count)| format!("{count} {}", fit(name, 40)))
            .collect();
        if counts.len() > 6 {
            words.push(format!("{} more", counts.len() - 6));
        }
        lines.push(Line::from(vec![
            Span::styled(label, theme.dim),
            Span::styled(
                fit(&words.join(" · "), width.saturating_sub(12)),
                theme.text,
            ),
        ]));
    };
    counted("by tool     ", form.counts(|one| &one.tool));
    counted("by session  ", form.counts(|one| &one.session));
    if !form.left_out.is_empty() {
        let words: Vec<String> = form
            .left_out
            .iter()
            .map(|(why, count)| format!("{why}: {count}"))
            .collect();
        lines.push(Line::from(vec![
            Span::styled("left out    ", theme.dim),
            Span::styled(
                fit(&words.join(" · "), width.saturating_sub(12)),
                theme.waiting,
            ),
        ]));
    }
    if !form.dangerous.is_empty() {
        lines.push(Line::default());
        let count = form.dangerous.len();
        let (words, style) = if form.with_dangerous {
            (format!(" {count} dangerous, approved too "), theme.danger)
        } else {
            (format!("{count} dangerous, left out:"), theme.bad)
        };
        lines.push(Line::styled(words, style));
        lines.extend(form.dangerous.iter().map(|one| row(app, one, width)));
    }
    lines.push(Line::default());
    lines.extend(form.plain.iter().map(|one| row(app, one, width)));
    lines
}

fn row(app: &App, one: &One, width: usize) -> Line<'static> {
    let theme = &app.theme;
    let gone = app.data.pending(&one.id).is_none();
    let right = match (gone, one.danger) {
        (true, _) => "no longer pending",
        (false, Some(danger)) => danger,
        (false, None) => one.session.as_str(),
    };
    let right = fit(right, width / 2);
    let room = width.saturating_sub(right.width() + 4);
    let words = fit(&one.summary, room);
    let pad = " ".repeat(room.saturating_sub(words.width()));
    let style = if gone { theme.dim } else { theme.text };
    let mark = if one.danger.is_some() { "! " } else { "  " };
    Line::from(vec![
        Span::styled(mark, theme.bad),
        Span::styled(format!("{words}{pad}  "), style),
        Span::styled(right, theme.dim),
    ])
}
