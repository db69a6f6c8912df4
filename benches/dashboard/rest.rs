//! What an open dashboard costs while nothing happens, and while its list is very long.

use std::time::Duration;

use super::terminal::Terminal;
use crate::daemon::Daemon;
use crate::history::filled;
use crate::process::{self, megabytes};
use crate::table::Row;

const PARKED: usize = 20;
const LISTED: usize = 10_000;
const REST: Duration = Duration::from_secs(5);

/// Processor time beside sessions that wait.
pub fn idle() -> Vec<Row> {
    let daemon = Daemon::start();
    let sessions: Vec<String> = (0..PARKED).map(|_| daemon.session("park")).collect();
    sessions
        .iter()
        .for_each(|session| daemon.until_status(session, "completed"));
    let mut terminal = Terminal::start(&daemon.command());
    terminal.until_shows("park");
    // Whatever follows the first frames is done by then.
    std::thread::sleep(Duration::from_secs(2));
    let ticks = || (process::ticks(terminal.pid()), process::ticks(daemon.pid()));
    let before = ticks();
    std::thread::sleep(REST);
    let after = ticks();
    let used = (after.0 - before.0, after.1 - before.1);
    vec![Row::limit(
        &format!("5 s of rest, {PARKED} parked sessions: processor time of dashboard and daemon"),
        format!("{} and {} ticks", used.0, used.1),
        "0",
        used == (0, 0),
    )]
}

/// Memory with many sessions listed.
pub fn memory() -> Vec<Row> {
    let of = |sessions: usize| {
        let daemon = filled(sessions, &[]);
        let mut terminal = Terminal::start(&daemon.command());
        // The count in the pane's title: all pages have come.
        terminal.until_shows(&format!("Sessions {sessions} "));
        std::thread::sleep(Duration::from_secs(1));
        let (resident, own) = process::memory(terminal.pid());
        (resident, own, process::share(terminal.pid()))
    };
    let few = of(10);
    let many = of(LISTED);
    vec![
        Row::limit(
            "dashboard with 10,000 sessions listed: resident memory",
            format!(
                "{} ({} its own; PSS {})",
                megabytes(many.0),
                megabytes(many.1),
                megabytes(many.2)
            ),
            "< 60 MB",
            many.0 < 60 * 1024,
        )
        .beside(
            format!("with 10 listed: {}", megabytes(few.0)),
            f64::from(u32::try_from(many.0).unwrap()) / f64::from(u32::try_from(few.0).unwrap()),
        ),
    ]
}
