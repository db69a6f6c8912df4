//! The status line and the line of keys.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::widgets::{fit, hints, split_line};
use crate::format::{dollars, span};
use crate::tui::keymap::Action;
use crate::tui::state::notice::Tone;
use crate::tui::state::{App, Connection, Pane};

/// Draws both.
pub fn draw(app: &App, status: Rect, keys: Rect, buf: &mut Buffer) {
    draw_status(app, status, buf);
    draw_keys(app, keys, buf);
}

fn draw_status(app: &App, area: Rect, buf: &mut Buffer) {
    let theme = &app.theme;
    let mut left = vec![Span::styled(" humanlayer ", theme.accent)];
    if app.wishes.demo {
        left.push(Span::styled(" demo: scripted agents ", theme.danger));
        left.push(Span::raw(" "));
    }
    match &app.connection {
        Connection::Connecting => left.push(Span::styled("connecting…", theme.dim)),
        Connection::Up {
            version,
            current,
            problem,
        } => {
            left.push(Span::styled("● ", theme.good));
            if !current {
                let key = app.keymap.key(Action::RestartDaemon);
                left.push(Span::styled(
                    format!(
                        "daemon {}: another version; {key} restarts it, safely ",
                        fit(version, 20)
                    ),
                    theme.waiting,
                ));
            }
            if let Some(problem) = problem {
                left.push(Span::styled(format!("{} ", fit(problem, 60)), theme.bad));
            }
        }
        Connection::Lost {
            why,
            since,
            stopped,
        } => {
            let waited = (app.now.as_second() - since.as_second()).max(0);
            let words = if *stopped {
                let key = app.keymap.key(Action::RestartDaemon);
                format!("✗ no daemon for {}; {key} starts it ", span(waited))
            } else {
                format!(
                    "✗ connection lost for {}, trying again: {} ",
                    span(waited),
                    fit(why, 60)
                )
            };
            left.push(Span::styled(words, theme.bad));
        }
    }
    let waiting = app.data.pending.len();
    if waiting > 0 {
        left.push(Span::styled(format!("{waiting} waiting "), theme.waiting));
    }
    left.push(Span::styled(
        format!("{} running ", app.data.running()),
        theme.working,
    ));
    let cost = app.data.cost_last_day(app.now);
    let right = Line::from(vec![Span::styled(
        format!("{} today ", dollars(Some(cost))),
        theme.dim,
    )]);
    split_line(Line::from(left), &right, theme.bar, area, buf);
}

fn draw_keys(app: &App, area: Rect, buf: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    let theme = &app.theme;
    if let Some(notice) = &app.notice {
        let style = match notice.tone {
            Tone::Good => theme.good,
            Tone::Plain => theme.accent,
            Tone::Bad => theme.bad,
        };
        let words = fit(&notice.text, usize::from(area.width.saturating_sub(1)));
        buf.set_stringn(area.x + 1, area.y, words, usize::from(area.width), style);
        return;
    }
    let mut actions: Vec<(Action, &str)> = Vec::new();
    match app.focus {
        Pane::Inbox => actions.extend([
            (Action::Approve, "approve"),
            (Action::Deny, "deny"),
            (Action::Mark, "mark"),
            (Action::ApproveMany, "all yes"),
            (Action::DenyMany, "all no"),
        ]),
        Pane::Sessions => actions.extend([
            (Action::NewSession, "new"),
            (Action::Open, "open"),
            (Action::Reply, "reply"),
            (Action::Interrupt, "stop"),
            (Action::Filter, "filter"),
            (Action::Archive, "archive"),
        ]),
        Pane::Conversation => actions.extend([
            (Action::Fold, "unfold"),
            (Action::NextTurn, "next turn"),
            (Action::Reply, "reply"),
            (Action::Filter, "search"),
            (Action::Pager, "pager"),
            (Action::Back, "back"),
        ]),
        Pane::Prompt => {
            let line = super::widgets::form_hints(
                theme,
                &[
                    ("enter", "start"),
                    ("alt-enter", "new line"),
                    ("@", "file"),
                    ("↑↓", "earlier ones"),
                    ("ctrl-e", "editor"),
                    ("esc", "back"),
                ],
            );
            buf.set_line(area.x + 1, area.y, &line, area.width.saturating_sub(1));
            return;
        }
    }
    actions.extend([
        (Action::Palette, "commands"),
        (Action::Help, "keys"),
        (Action::Quit, "quit"),
    ]);
    let line = hints(theme, &app.keymap, &actions);
    buf.set_line(area.x + 1, area.y, &line, area.width.saturating_sub(1));
}
