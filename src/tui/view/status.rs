//! The status line: the daemon, what waits and what runs, the cost of the day.
//!
//! What matters least gives way first where the screen is narrow.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::widgets::{fit, split_line};
use crate::format::{dollars, span};
use crate::tui::keymap::Action;
use crate::tui::state::{App, Connection, Trouble};

/// How long a connection may take before it is said that there is none yet, in milliseconds.
const PATIENCE: i64 = 150;
/// What turns while one is waited for.
const SPINNER: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

/// A part of the line: what to say, the longest first; how long it stays, the highest longest.
struct Part<'a> {
    rank: u8,
    forms: Vec<Span<'a>>,
}

/// Draws it.
pub fn draw(app: &App, area: Rect, buf: &mut Buffer) {
    let theme = &app.theme;
    let mut parts = vec![Part {
        rank: 2,
        forms: vec![Span::styled("humanlayer ", theme.accent)],
    }];
    if app.wishes.demo {
        parts.push(Part {
            rank: 9,
            forms: vec![
                Span::styled(" demo: scripted agents ", theme.danger),
                Span::styled(" demo ", theme.danger),
            ],
        });
        parts.push(Part {
            rank: 9,
            forms: vec![Span::raw(" ")],
        });
    }
    parts.extend(connection(app));
    let waiting = app.data.pending.len();
    if waiting > 0 {
        parts.push(Part {
            rank: 8,
            forms: vec![Span::styled(format!("{waiting} waiting "), theme.waiting)],
        });
    }
    let running = app.data.running();
    if running > 0 {
        parts.push(Part {
            rank: 5,
            forms: vec![Span::styled(format!("{running} working "), theme.working)],
        });
    }
    let cost = app.data.cost_last_day(app.now);
    let forms = if cost > 0.0 {
        let cost = dollars(Some(cost));
        vec![
            Span::styled(format!("{cost} in 24 h "), theme.dim),
            Span::styled(format!("{cost} "), theme.dim),
        ]
    } else {
        Vec::new()
    };
    parts.push(Part { rank: 3, forms });
    let mut shown = shrink(parts, usize::from(area.width.saturating_sub(1)));
    let cost = shown.pop().flatten();
    let left: Vec<Span<'_>> = std::iter::once(Span::raw(" "))
        .chain(shown.into_iter().flatten())
        .collect();
    let right = Line::from(cost.into_iter().collect::<Vec<_>>());
    split_line(Line::from(left), &right, theme.bar, area, buf);
}

/// Takes shorter forms, then none, of the parts with the lowest rank until all fit.
fn shrink(parts: Vec<Part<'_>>, columns: usize) -> Vec<Option<Span<'_>>> {
    let mut taken: Vec<usize> = vec![0; parts.len()];
    loop {
        let wide: usize = parts
            .iter()
            .zip(&taken)
            .filter_map(|(part, form)| part.forms.get(*form))
            .map(Span::width)
            .sum();
        let next = parts
            .iter()
            .zip(&mut taken)
            .filter(|(part, form)| **form < part.forms.len())
            .min_by_key(|(part, _)| part.rank);
        match next {
            Some((_, form)) if wide > columns => *form += 1,
            Some(_) | None => break,
        }
    }
    parts
        .into_iter()
        .zip(taken)
        .map(|(part, form)| part.forms.into_iter().nth(form))
        .collect()
}

/// How the connection stands, and what to do about it.
fn connection(app: &App) -> Vec<Part<'_>> {
    let theme = &app.theme;
    let restart = app.keymap.key(Action::RestartDaemon);
    let part = |rank, forms| Part { rank, forms };
    match &app.connection {
        Connection::Connecting => {
            let waited = app.now.as_millisecond() - app.opened.as_millisecond();
            if waited < PATIENCE {
                return Vec::new();
            }
            let turn = usize::try_from(waited / 100).unwrap_or(0) % SPINNER.len();
            let mark = SPINNER.get(turn).copied().unwrap_or("…");
            vec![part(
                10,
                vec![
                    Span::styled(format!("{mark} connecting to the daemon "), theme.working),
                    Span::styled(format!("{mark} "), theme.working),
                ],
            )]
        }
        Connection::Up {
            version,
            current,
            problem,
        } => {
            let mut parts = vec![part(4, vec![Span::styled("● ", theme.good)])];
            if !current {
                let version = fit(version, 16);
                parts.push(part(
                    7,
                    vec![
                        Span::styled(
                            format!(
                                "the daemon is {version}, this is {}: {restart} restarts it, sessions go on ",
                                env!("CARGO_PKG_VERSION")
                            ),
                            theme.waiting,
                        ),
                        Span::styled(
                            format!("daemon {version}: {restart} restarts it "),
                            theme.waiting,
                        ),
                        Span::styled(format!("{restart}: restart "), theme.waiting),
                    ],
                ));
            }
            if let Some(problem) = problem {
                parts.push(part(
                    6,
                    vec![
                        Span::styled(format!("{} ", fit(problem, 70)), theme.bad),
                        Span::styled(format!("{} ", fit(problem, 30)), theme.bad),
                    ],
                ));
            }
            parts
        }
        Connection::Lost { since, trouble, .. } => {
            let ago = span((app.now.as_second() - since.as_second()).max(0));
            let (long, short) = match trouble {
                Trouble::Stopped => (
                    format!("✗ no daemon for {ago}: {restart} starts it "),
                    format!("✗ no daemon: {restart} "),
                ),
                Trouble::NotStarted => (
                    format!("✗ the daemon could not be started: {restart} tries again "),
                    format!("✗ no daemon: {restart} "),
                ),
                Trouble::Refused => (
                    format!("✗ the daemon's socket cannot be used, for {ago}; trying again "),
                    "✗ socket refused ".to_owned(),
                ),
                Trouble::Foreign => (
                    format!(
                        "✗ the daemon is of another version: {restart} restarts it, sessions go on "
                    ),
                    format!("✗ other daemon: {restart} "),
                ),
                Trouble::Broken => (
                    format!("✗ connection lost for {ago}; trying again "),
                    format!("✗ lost for {ago} "),
                ),
            };
            vec![part(
                10,
                vec![
                    Span::styled(long, theme.bad),
                    Span::styled(short, theme.bad),
                ],
            )]
        }
    }
}
