//! A command of ten megabytes in the approval panel, beside one of a hundred bytes: its first drawing,
//! and each frame after.

use std::time::Duration;

use super::keys::press;
use super::terminal::Terminal;
use crate::daemon::Daemon;
use crate::table::{Row, Spread, time, times};

const LONG: usize = 10 * 1024 * 1024;
const SHORT: usize = 100;
/// Selections of each, and pairs of frames.
const ROUNDS: usize = 40;

pub fn run() -> Vec<Row> {
    [
        ("lines", "of many lines"),
        ("line", "of one line"),
        ("letters", "of letters that imitate others"),
    ]
    .into_iter()
    .flat_map(|(shape, words)| of(shape, words))
    .collect()
}

fn of(shape: &str, words: &str) -> Vec<Row> {
    let daemon = Daemon::start();
    // The oldest is first in the inbox, and each command begins with its own word.
    for (name, bytes) in [("short", SHORT), ("long", LONG)] {
        let session = daemon.session(&format!("command {name} {shape} {bytes}"));
        daemon.until_status(&session, "waiting_input");
    }
    let mut terminal = Terminal::start(&daemon.command());
    let begun = terminal.begun();
    let opened = terminal.until_shows("Allow Bash").duration_since(begun);
    terminal.press("1");
    terminal.until("the oldest is selected", |screen| {
        panel(screen, "short-command")
    });
    let mut drawn = [Vec::new(), Vec::new()];
    let mut first = None;
    for _ in 0..ROUNDS {
        for (spread, key, begins) in [(1, "j", "long-command"), (0, "k", "short-command")] {
            let took = press(&mut terminal, key, |screen| panel(screen, begins));
            if spread == 1 {
                first.get_or_insert(took);
            }
            drawn[spread].push(took);
        }
    }
    let mut frames = [Vec::new(), Vec::new()];
    for (spread, key, begins) in [(1, "j", "long-command"), (0, "k", "short-command")] {
        press(&mut terminal, key, |screen| panel(screen, begins));
        for _ in 0..ROUNDS {
            let help = |screen: &vt100::Screen| screen.contents().contains("Everywhere");
            frames[spread].push(press(&mut terminal, "?", help));
            frames[spread].push(press(&mut terminal, "\x1b", |screen| !help(screen)));
        }
    }
    let [short, long] = drawn.map(Spread::of);
    let [short_frames, long_frames] = frames.map(Spread::of);
    let row = |figure: String, taken: &Spread, beside: &Spread, limit: u64| {
        let worst = taken.at(0.99);
        let measured = format!("p50 {}, p99 {}", time(taken.median()), time(worst));
        let met = worst < Duration::from_millis(limit);
        Row::limit(&figure, measured, &format!("p99 < {limit} ms"), met).beside(
            format!(
                "of 100 bytes: p50 {}, p99 {}",
                time(beside.median()),
                time(beside.at(0.99))
            ),
            times(taken.median(), beside.median()),
        )
    };
    vec![
        row(
            format!("a key → the panel with a command of 10 MB {words}"),
            &long,
            &short,
            50,
        ),
        row(
            "… each frame after, key → screen".to_owned(),
            &long_frames,
            &short_frames,
            16,
        ),
        Row::told(
            "… opening the dashboard beside it; the first time it is selected",
            format!("{}; {}", time(opened), time(first.unwrap_or_default())),
        ),
    ]
}

/// Whether the panel, below the list, shows the command that begins so.
fn panel(screen: &vt100::Screen, begins: &str) -> bool {
    let (_, columns) = screen.size();
    // The list, in the columns on the left, names the commands too.
    let left = columns.get() * 2 / 5;
    let rows: Vec<String> = screen.rows(left, columns.get() - left).collect();
    let top = rows.iter().position(|row| row.contains("Allow Bash"));
    top.is_some_and(|top| rows[top..].iter().any(|row| row.contains(begins)))
}
