//! What is said while there are no sessions: what is missing, how to mend it, how to begin.

use ratatui::buffer::Buffer;
use ratatui::layout::{Margin, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Widget, Wrap};

use unicode_width::UnicodeWidthStr;

use super::widgets::fit;
use crate::doctor::{Finding, Level};
use crate::domain::text::sanitize_line;
use crate::tui::keymap::Action;
use crate::tui::state::{App, Connection};

/// Columns of the names of what was looked at, mark included.
const NAMES: usize = 15;

pub fn draw(app: &App, area: Rect, buf: &mut Buffer) {
    let theme = &app.theme;
    let inside = area.inner(Margin::new(
        u16::from(area.width > 50),
        u16::from(area.height > 16),
    ));
    let mut lines = Vec::new();
    match &app.connection {
        // That nothing came yet is said by the status line, once it takes long.
        Connection::Connecting => return,
        Connection::Up { .. } => {
            lines.push(Line::styled("No sessions yet.", theme.heading));
            lines.push(Line::default());
            lines.extend(beginnings(app, usize::from(inside.width)));
        }
        Connection::Lost { why, .. } => {
            lines.push(Line::styled("Not connected to the daemon.", theme.heading));
            lines.push(Line::styled(sanitize_line(why).into_owned(), theme.bad));
        }
    }
    lines.push(Line::default());
    if app.first_run.findings.is_empty() {
        lines.push(Line::styled("Checking setup…", theme.dim));
    }
    for finding in &app.first_run.findings {
        lines.extend(told(app, finding, usize::from(inside.width)));
    }
    if app.first_run.is_incomplete() && !app.first_run.findings.is_empty() {
        lines.push(Line::default());
        let words = "Rechecking automatically…";
        lines.push(Line::styled(words, theme.dim));
    }
    Paragraph::new(lines)
        .wrap(Wrap { trim: false })
        .render(inside, buf);
}

/// What can be done now.
fn beginnings(app: &App, columns: usize) -> Vec<Line<'static>> {
    let theme = &app.theme;
    [
        (Action::NewSession, "new session in this directory"),
        (Action::LaunchForm, "new session with options"),
        (Action::Demo, "try the demo"),
        (Action::Help, "all keys"),
    ]
    .into_iter()
    .filter(|(action, _)| !(app.preferences.demo && *action == Action::Demo))
    .map(|(action, words)| (app.keymap.key(action), words))
    .filter(|(key, _)| !key.is_empty())
    .map(|(key, words)| {
        Line::from(vec![
            Span::styled(format!("  {key:<3}"), theme.key),
            Span::styled(fit(words, columns.saturating_sub(5)), theme.text),
        ])
    })
    .collect()
}

/// A finding, and below it how to mend it.
fn told(app: &App, finding: &Finding, columns: usize) -> Vec<Line<'static>> {
    let theme = &app.theme;
    let (mark, style) = match finding.level {
        Level::Ok => ("✓", theme.good),
        Level::Warn => ("!", theme.waiting),
        Level::Fail => ("✗", theme.bad),
    };
    let room = columns.saturating_sub(NAMES);
    let shorter = match app.home.as_deref().filter(|home| home.len() > 1) {
        Some(home) => finding.message.replace(home, "~"),
        None => finding.message.clone(),
    };
    // What is well needs no more than a line.
    let mut message = match finding.level {
        Level::Ok => vec![fit(&shorter, room)],
        Level::Warn | Level::Fail => folded(&sanitize_line(&shorter), room),
    }
    .into_iter();
    let name = format!(" {:<width$}", finding.check, width = NAMES - 2);
    let quiet = if finding.level == Level::Ok {
        theme.dim
    } else {
        theme.text
    };
    let mut lines = vec![Line::from(vec![
        Span::styled(mark, style),
        Span::styled(name, theme.text),
        Span::styled(message.next().unwrap_or_default(), quiet),
    ])];
    let below = |text, indent: &'static str, style| {
        Line::from(vec![Span::raw(indent), Span::styled(text, style)])
    };
    lines.extend(message.map(|text| below(text, "               ", quiet)));
    if let Some(next) = &finding.next {
        let mut next = folded(&sanitize_line(next), columns.saturating_sub(4)).into_iter();
        lines.push(Line::from(vec![
            Span::styled("  → ", style),
            Span::styled(next.next().unwrap_or_default(), theme.accent),
        ]));
        lines.extend(next.map(|text| below(text, "    ", theme.accent)));
    }
    lines
}

/// A text in lines of at most so many columns; a word that is longer is left to be cut.
fn folded(text: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.width() + 1 + word.width() <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) | None => lines.push(word.to_owned()),
        }
    }
    lines
}
