//! From a key to the changed screen while fifty agents speak.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use vt100::Screen;

use super::terminal::Terminal;
use crate::daemon::{Daemon, wait_until};
use crate::table::{Row, Spread, time, times};

const SESSIONS: usize = 50;
/// Lines in a second of each, and how many seconds they speak at most.
const RATE: u32 = 20;
const SECONDS: u32 = 60;
/// Rounds of four keys each.
const ROUNDS: usize = 75;

pub fn run() -> Vec<Row> {
    let bare = echoes();
    let daemon = Daemon::start();
    let gate = daemon.root().join("gate");
    let task = format!("tick {} {} {}", 1000 / RATE, RATE * SECONDS, gate.display());
    let sessions: Vec<String> = (0..SESSIONS).map(|_| daemon.session(&task)).collect();
    wait_until("all agents run", || daemon.processes().len() == SESSIONS);
    sessions
        .iter()
        .for_each(|session| daemon.until_status(session, "running"));
    let mut terminal = Terminal::start(&daemon.command());
    terminal.until_shows(&format!("Sessions {SESSIONS} "));
    terminal.press("2");
    terminal.until("a session is selected", |screen| selected(screen).is_some());
    fs::write(&gate, "").unwrap();
    terminal.until_shows("written ");
    let mut taken = Vec::new();
    for _ in 0..ROUNDS {
        for key in ["j", "k"] {
            let before = selected(terminal.screen());
            taken.push(press(&mut terminal, key, |screen| {
                selected(screen) != before
            }));
        }
        let help = |screen: &Screen| screen.contents().contains("Everywhere");
        taken.push(press(&mut terminal, "?", help));
        taken.push(press(&mut terminal, "\x1b", |screen| !help(screen)));
    }
    let taken = Spread::of(taken);
    let (worst, reference) = (taken.at(0.99), bare.at(0.99));
    vec![
        Row::limit(
            &format!("key → changed screen, {SESSIONS} sessions at {RATE} lines/s"),
            format!(
                "p50 {}, p99 {}, max {}",
                time(taken.median()),
                time(worst),
                time(taken.at(1.0))
            ),
            "p99 < 16 ms",
            worst < Duration::from_millis(16),
        )
        .beside(
            format!(
                "echo of `cat`, before the agents speak: p50 {}, p99 {}",
                time(bare.median()),
                time(reference)
            ),
            times(worst, reference),
        ),
    ]
}

/// From a key to the screen that it leads to.
pub fn press(terminal: &mut Terminal, key: &str, changed: impl Fn(&Screen) -> bool) -> Duration {
    // A person presses the next key when the last one has been seen.
    terminal.settle();
    let pressed = Instant::now();
    terminal.press(key);
    let at = terminal.until(&format!("{key:?} changes the screen"), changed);
    at.saturating_duration_since(pressed)
}

/// The row of the selected session.
pub fn selected(screen: &Screen) -> Option<usize> {
    let (_, columns) = screen.size();
    screen
        .rows(0, columns.get())
        .position(|row| row.contains('▸'))
}

/// What a key costs by way of the terminal alone.
fn echoes() -> Spread {
    let mut command = Command::new("cat");
    command.stdin(Stdio::inherit());
    let mut terminal = Terminal::start(&command);
    let mut taken = Vec::new();
    for round in 1..=ROUNDS {
        let wanted = "x".repeat(round);
        taken.push(press(&mut terminal, "x", |screen| {
            screen.contents().contains(&wanted)
        }));
    }
    Spread::of(taken)
}
