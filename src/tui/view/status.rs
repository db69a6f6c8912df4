//! The status line: the daemon, what waits and what runs, the cost of the day.
//!
//! What matters least gives way first where the screen is narrow.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::widgets::{fit, spinner, split_line};
use crate::format::span;
use crate::tui::keymap::Action;
use crate::tui::state::{App, Connection, ConnectionProblem};

/// How long a connection may take before it is said that there is none yet, in milliseconds.
const PATIENCE: i64 = 150;

/// A part of the line: what to say, the longest first, each with how long it stays: the lowest gives
/// way first, to the next form or to nothing.
type Part<'a> = Vec<(u8, Span<'a>)>;

pub fn draw(app: &App, area: Rect, buf: &mut Buffer) {
    let theme = &app.theme;
    let mut parts: Vec<Part<'_>> = vec![vec![(2, Span::styled("humanlayer ", theme.accent))]];
    if app.preferences.demo {
        parts.push(vec![
            (6, Span::styled(" demo: scripted agents ", theme.danger)),
            (9, Span::styled(" demo ", theme.danger)),
        ]);
        parts.push(vec![(9, Span::raw(" "))]);
    }
    parts.extend(connection(app));
    if app.data.open_alarms > 0 {
        let count = app.data.open_alarms;
        let s = if count == 1 { "" } else { "s" };
        let forms = [
            format!("{count} alarm{s}: humanlayer alarms "),
            format!("{count} alarm{s} "),
        ];
        let forms = forms.map(|words| Span::styled(words, theme.danger));
        parts.push([8, 10].into_iter().zip(forms).collect());
    }
    let waiting = app.data.pending.len();
    if waiting > 0 {
        let words = format!("{waiting} pending ");
        parts.push(vec![(8, Span::styled(words, theme.waiting))]);
    }
    let failed = app.data.failed();
    if failed > 0 {
        let words = format!("{failed} failed ");
        parts.push(vec![(7, Span::styled(words, theme.bad))]);
    }
    let running = app.data.running();
    if running > 0 {
        let words = format!("{running} running ");
        parts.push(vec![(5, Span::styled(words, theme.working))]);
    }
    let (cost, is_least) = app.data.cost_last_day(app.now);
    parts.push(if cost > 0.0 || is_least {
        let sign = if is_least { "≥" } else { "" };
        let cost = format!("{sign}${cost:.2}");
        vec![
            (1, Span::styled(format!("{cost} last 24h "), theme.dim)),
            (3, Span::styled(format!("{cost} "), theme.dim)),
        ]
    } else {
        Vec::new()
    });
    let mut shown = shrink(parts, usize::from(area.width.saturating_sub(1)));
    let cost = shown.pop().flatten();
    let left: Vec<Span<'_>> = std::iter::once(Span::raw(" "))
        .chain(shown.into_iter().flatten())
        .collect();
    let right = Line::from(cost.into_iter().collect::<Vec<_>>());
    split_line(Line::from(left), &right, theme.bar, area, buf);
}

/// Takes shorter forms, then none, of what stays least until all fit.
fn shrink(parts: Vec<Part<'_>>, columns: usize) -> Vec<Option<Span<'_>>> {
    let mut taken: Vec<usize> = vec![0; parts.len()];
    loop {
        let shown = parts.iter().zip(&mut taken);
        let shown = shown.filter_map(|(part, form)| Some((part.get(*form)?, form)));
        let mut wide = 0;
        let next = shown
            .inspect(|((_, span), _)| wide += span.width())
            .min_by_key(|((rank, _), _)| *rank);
        match next {
            Some((_, form)) if wide > columns => *form += 1,
            Some(_) | None => break,
        }
    }
    parts
        .into_iter()
        .zip(taken)
        .map(|(part, form)| part.into_iter().nth(form).map(|(_, span)| span))
        .collect()
}

/// How the connection stands, and what to do about it.
fn connection(app: &App) -> Vec<Part<'_>> {
    let theme = &app.theme;
    let restart = app.keymap.key(Action::RestartDaemon);
    match &app.connection {
        Connection::Connecting => {
            let waited = app.now.as_millisecond() - app.opened.as_millisecond();
            if waited < PATIENCE {
                return Vec::new();
            }
            let mark = spinner(waited / 100);
            let words = format!("{mark} connecting to the daemon ");
            vec![vec![
                (7, Span::styled(words, theme.working)),
                (10, Span::styled(format!("{mark} "), theme.working)),
            ]]
        }
        Connection::Up {
            version,
            current,
            problem,
        } => {
            let mut parts = vec![vec![(4, Span::styled("● ", theme.good))]];
            if !current {
                let version = fit(version, 16);
                let own = env!("CARGO_PKG_VERSION");
                let forms = [
                    format!(
                        "daemon {version}, dashboard {own}: {restart} to restart (sessions keep running) "
                    ),
                    format!("daemon {version}: {restart} to restart "),
                    format!("{restart} to restart "),
                ];
                let ranks = [4, 6, 7].into_iter();
                let forms = forms.map(|words| Span::styled(words, theme.waiting));
                parts.push(ranks.zip(forms).collect());
            }
            if let Some(problem) = problem {
                let forms = [70, 30].map(|most| format!("{} ", fit(problem, most)));
                let forms = forms.map(|words| Span::styled(words, theme.bad));
                parts.push([9, 10].into_iter().zip(forms).collect());
            }
            parts
        }
        Connection::Lost { since, problem, .. } => {
            let ago = span((app.now.as_second() - since.as_second()).max(0));
            let (long, short) = match problem {
                ConnectionProblem::Stopped => (
                    format!("✗ daemon not running ({ago}); {restart} to start "),
                    format!("✗ no daemon; {restart} to start "),
                ),
                ConnectionProblem::NotStarted => (
                    format!("✗ daemon could not be started; {restart} to try again "),
                    format!("✗ no daemon; {restart} to start "),
                ),
                ConnectionProblem::Refused => (
                    format!("✗ daemon socket refused ({ago}); retrying "),
                    "✗ socket refused ".to_owned(),
                ),
                ConnectionProblem::Foreign => (
                    format!(
                        "✗ daemon has another version; {restart} to restart (sessions keep running) "
                    ),
                    format!("✗ other version; {restart} to restart "),
                ),
                ConnectionProblem::Silent => (
                    format!(
                        "✗ daemon does not answer ({ago}); {restart} to restart (sessions keep running) "
                    ),
                    format!("✗ no answer; {restart} to restart "),
                ),
                ConnectionProblem::Broken => (
                    format!("✗ connection lost ({ago}); reconnecting "),
                    format!("✗ lost ({ago}) "),
                ),
            };
            vec![vec![
                (7, Span::styled(long, theme.bad)),
                (10, Span::styled(short, theme.bad)),
            ]]
        }
    }
}
