//! The prompt line at the foot of the list.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use super::widgets::{fit, fit_tail, frame, short_model};
use super::{completion, typed};
use crate::tui::keymap::Action;
use crate::tui::memory::Template;
use crate::tui::state::{App, Pane};

/// Rows of text that it grows to.
const MAX_ROWS: usize = 5;

/// How many rows it takes at a width, its frame included.
#[must_use]
pub fn height(app: &App, width: u16) -> u16 {
    let columns = usize::from(width.saturating_sub(4));
    let rows = if app.focus == Pane::Prompt {
        let rows = typed::typed(&app.launch.prompt, columns).rows.len();
        rows.clamp(1, MAX_ROWS)
    } else {
        1
    };
    u16::try_from(rows + 2).unwrap_or(3)
}

pub fn draw(app: &App, area: Rect, buf: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    let theme = &app.theme;
    let focused = app.focus == Pane::Prompt && app.form.is_none();
    let style = if focused { theme.accent } else { theme.dim };
    let mut title = vec![Span::styled(" New session ", style)];
    if focused || !app.launch.prompt.is_blank() {
        let room = usize::from(area.width).saturating_sub(18);
        let settings = settings(app, &app.launch.settings(&app.directory), room);
        title.push(Span::styled(format!("{settings} "), theme.dim));
    }
    let inside = frame(theme, Line::from(title), focused, area, buf);
    if app.launch.prompt.is_blank() && !focused {
        let key = app.keymap.key(Action::NewSession);
        let form = app.keymap.key(Action::LaunchForm);
        let line = Line::from(vec![
            Span::styled(format!(" {key}"), theme.key),
            Span::styled("  What should Claude do?  ", theme.dim),
            Span::styled(form, theme.key),
            Span::styled("  with options", theme.dim),
        ]);
        buf.set_line(inside.x, inside.y, &line, inside.width);
        return;
    }
    buf.set_string(inside.x, inside.y, "› ", theme.accent);
    typed::draw(
        &app.launch.prompt,
        theme.text,
        focused,
        text_area(area),
        buf,
    );
}

/// Draws what can complete it, over everything else; gives the cursor's place.
pub fn finish(app: &App, area: Rect, screen: Rect, buf: &mut Buffer) -> Option<Position> {
    if app.focus != Pane::Prompt || area.height < 3 || app.form.is_some() {
        return None;
    }
    let cursor = typed::draw(
        &app.launch.prompt,
        app.theme.text,
        true,
        text_area(area),
        buf,
    )?;
    completion::draw(&app.theme, &app.launch.completion, cursor, screen, buf);
    Some(cursor)
}

/// Inside the frame, behind the mark.
fn text_area(area: Rect) -> Rect {
    let inside = area.inner(ratatui::layout::Margin::new(1, 1));
    Rect {
        x: inside.x + 2.min(inside.width),
        width: inside.width.saturating_sub(2),
        ..inside
    }
}

/// Where a session would run, with which model and in which mode.
fn settings(app: &App, template: &Template, room: usize) -> String {
    let mode = fit(&template.permission_mode, 20);
    let model = fit(short_model(&template.model), 20);
    let rest = match (model.as_str(), mode.as_str()) {
        ("", "") => " · defaults".to_owned(),
        ("", mode) => format!(" · default model · {mode}"),
        (model, "") => format!(" · {model} · default"),
        (model, mode) => format!(" · {model} · {mode}"),
    };
    let rest = match template.isolation {
        Some(true) => format!("{rest} · isolated"),
        Some(false) => format!("{rest} · not isolated"),
        None => rest,
    };
    let directory = app.relative_to_home(&template.directory);
    let room = room.saturating_sub(rest.chars().count()).max(8);
    format!("{}{rest}", fit_tail(&directory, room))
}
