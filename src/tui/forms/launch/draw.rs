//! The form that starts a session.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use crate::tui::forms::launch::{Inner, Launching, Slot};
use crate::tui::memory::ASKS_NOTHING;
use crate::tui::state::App;
use crate::tui::view::widgets::{fit, form_hints, offset, popup, row_style, split_line};
use crate::tui::view::{completion, typed};

/// Columns of the names beside the fields.
const LABELS: u16 = 25;

pub fn draw(app: &App, form: &Launching, screen: Rect, buf: &mut Buffer) -> Option<Position> {
    let theme = &app.theme;
    let heights = heights(screen.height);
    let rows: u16 = heights.iter().map(|(_, rows)| rows).sum();
    let title = Line::styled(" New session ", theme.accent);
    let inside = popup(theme, title, 92, rows + 5, screen, buf);
    if inside.height < 3 || inside.width < LABELS + 4 {
        return None;
    }
    let body = Rect {
        height: inside.height - 2,
        ..inside
    };
    let cursor = fields(app, form, &heights, body, buf);
    foot(app, form, inside, buf);
    match &form.inner {
        Inner::Fields => {
            if let Some(cursor) = cursor {
                completion::draw(theme, &form.completion, cursor, screen, buf);
            }
            cursor
        }
        Inner::SaveAs(name) => {
            let title = Line::styled(" Save as template ", theme.accent);
            let area = popup(theme, title, 50, 3, screen, buf);
            typed::draw(name, theme.text, true, area, buf)
        }
        Inner::Templates(selected) => {
            templates(app, *selected, screen, buf);
            None
        }
    }
}

/// How many rows each field has on a screen of this height.
fn heights(screen: u16) -> [(Slot, u16); Slot::ALL.len()] {
    Slot::ALL.map(|slot| {
        let rows = match slot {
            Slot::Query => screen.saturating_sub(18).clamp(2, 10),
            Slot::System if screen >= 24 => 2,
            _ => 1,
        };
        (slot, rows)
    })
}

/// The fields, so that the one with the keys is in sight; gives the cursor's place.
fn fields(
    app: &App,
    form: &Launching,
    heights: &[(Slot, u16)],
    body: Rect,
    buf: &mut Buffer,
) -> Option<Position> {
    let mut end = 0;
    for (slot, rows) in heights {
        end += rows;
        if *slot == form.at {
            break;
        }
    }
    let mut skip = end.saturating_sub(body.height);
    let mut y = body.y;
    let mut cursor = None;
    for (slot, rows) in heights {
        if skip >= *rows {
            skip -= rows;
            continue;
        }
        let rows = (*rows - std::mem::take(&mut skip)).min(body.bottom().saturating_sub(y));
        if rows == 0 {
            break;
        }
        let area = Rect {
            y,
            height: rows,
            ..body
        };
        let at = field(app, form, *slot, area, buf);
        cursor = cursor.or(at);
        y += rows;
    }
    cursor
}

/// One field with its name.
fn field(
    app: &App,
    form: &Launching,
    slot: Slot,
    area: Rect,
    buf: &mut Buffer,
) -> Option<Position> {
    let theme = &app.theme;
    let has_keys = form.at == slot && matches!(form.inner, Inner::Fields);
    let is_wrong = form.problem.as_ref().is_some_and(|(at, _)| *at == slot);
    let (mark, style) = match (has_keys, is_wrong) {
        (_, true) => ("✗ ", theme.bad),
        (true, false) => ("▸ ", theme.accent),
        (false, false) => ("  ", theme.dim),
    };
    let label = format!("{mark}{}", slot.label());
    buf.set_stringn(area.x, area.y, label, usize::from(LABELS), style);
    let value = Rect {
        x: area.x + LABELS,
        width: area.width - LABELS,
        ..area
    };
    if has_keys {
        buf.set_style(value, theme.selected_idle);
    }
    if slot.is_chosen() {
        choice(app, form, slot, has_keys, value, buf);
        return has_keys.then_some(Position::new(value.x, value.y));
    }
    let field = form.field(slot);
    if field.is_blank() && !has_keys {
        let words = match slot {
            Slot::Directory => app.relative_to_home(&app.directory),
            Slot::Model => "default".to_owned(),
            Slot::Turns => "no limit".to_owned(),
            _ => String::new(),
        };
        let words = fit(&words, usize::from(value.width));
        buf.set_string(value.x, value.y, words, theme.dim);
        return None;
    }
    typed::draw(field, theme.text, has_keys, value, buf)
}

/// The values of a field side by side; where there is no room, the chosen one.
fn choice(app: &App, form: &Launching, slot: Slot, has_keys: bool, area: Rect, buf: &mut Buffer) {
    let theme = &app.theme;
    let chosen = form.line(slot);
    let look = |mode: &str| match (mode == chosen, mode == ASKS_NOTHING) {
        (true, true) => theme.danger,
        (true, false) if has_keys => theme.accent,
        (true, false) => theme.text,
        (false, _) => theme.dim,
    };
    let modes = form.values(slot);
    let mut spans: Vec<Span<'_>> = modes
        .iter()
        .map(|mode| {
            let words = if *mode == chosen {
                format!("[{mode}]")
            } else {
                format!(" {mode} ")
            };
            Span::styled(words, look(mode))
        })
        .collect();
    let mut line = Line::from(spans.clone());
    if !modes.contains(&chosen) || line.width() > usize::from(area.width) {
        let words = fit(&chosen, usize::from(area.width).saturating_sub(4));
        spans.clear();
        spans.push(Span::styled("← ", theme.dim));
        spans.push(Span::styled(words, look(&chosen)));
        spans.push(Span::styled(" →", theme.dim));
        line = Line::from(spans);
    }
    buf.set_line(area.x, area.y, &line, area.width);
}

/// What is wrong, or what the field is for, and the keys.
fn foot(app: &App, form: &Launching, inside: Rect, buf: &mut Buffer) {
    let theme = &app.theme;
    let y = inside.bottom() - 2;
    let width = usize::from(inside.width.saturating_sub(2));
    let asks_nothing = form.line(Slot::Mode) == ASKS_NOTHING;
    let (words, style) = match &form.problem {
        Some((slot, why)) => (format!("{}: {why}", slot.label()), theme.bad),
        None if asks_nothing && matches!(form.at, Slot::Mode | Slot::Query) => (
            "Permissions bypassed: everything runs without asking.".to_owned(),
            theme.danger,
        ),
        None => (form.at.help().to_owned(), theme.dim),
    };
    buf.set_string(inside.x + 2, y, fit(&words, width), style);
    let keys = form_hints(
        theme,
        &[
            ("enter", "start"),
            ("tab ↑↓", "fields"),
            ("ctrl-s", "save"),
            ("ctrl-t", "templates"),
            ("esc", "cancel"),
        ],
    );
    buf.set_line(inside.x + 2, y + 1, &keys, inside.width.saturating_sub(2));
}

/// The list of templates.
fn templates(app: &App, selected: usize, screen: Rect, buf: &mut Buffer) {
    let theme = &app.theme;
    let templates = &app.launch.memory.templates;
    let height = u16::try_from(templates.len().min(12)).unwrap_or(12) + 3;
    let title = Line::styled(" Templates ", theme.accent);
    let inside = popup(theme, title, 70, height, screen, buf);
    let rows = inside.height.saturating_sub(1);
    let first = offset(0, Some(selected), templates.len(), rows);
    let entries = templates.iter().enumerate().skip(first);
    for ((index, (name, template)), y) in entries.zip(inside.y..inside.y + rows) {
        let line = Rect {
            y,
            height: 1,
            ..inside
        };
        let what = [
            app.relative_to_home(&template.directory),
            template.model.clone(),
            template.permission_mode.clone(),
            template.isolation.map_or_else(String::new, |on| {
                if on { "isolated" } else { "not isolated" }.to_owned()
            }),
        ];
        let what: Vec<String> = what.into_iter().filter(|part| !part.is_empty()).collect();
        let room = usize::from(inside.width) / 2;
        let left = Line::styled(format!(" {}", fit(name, room)), theme.text);
        let right = Line::styled(format!("{} ", fit(&what.join(" · "), room)), theme.dim);
        let style = row_style(theme, index == selected, true);
        split_line(left, &right, style, line, buf);
    }
    let keys = [("enter", "use"), ("d", "delete"), ("esc", "cancel")];
    if inside.height > 0 {
        let y = inside.bottom() - 1;
        buf.set_line(inside.x + 1, y, &form_hints(theme, &keys), inside.width);
    }
}
