//! What it costs to have a daemon and some sessions that wait.

use std::time::Duration;

use super::daemon::{Daemon, wait_until};
use super::process::{self, megabytes};
use super::table::Row;

const PARKED: usize = 20;

pub fn run() -> Vec<Row> {
    let daemon = Daemon::start();
    let (empty, empty_own) = process::memory(daemon.pid());
    let sessions: Vec<String> = (0..PARKED).map(|_| daemon.session("park")).collect();
    sessions
        .iter()
        .for_each(|session| daemon.until_status(session, "completed"));
    wait_until("all agents run", || daemon.processes().len() == PARKED);
    let runners: Vec<u32> = daemon
        .processes()
        .into_iter()
        .map(|(runner, _)| runner)
        .collect();
    let ticks = || {
        let all = runners
            .iter()
            .map(|runner| process::ticks(*runner))
            .sum::<u64>();
        (process::ticks(daemon.pid()), all)
    };
    // Whatever follows a turn is done in a second.
    std::thread::sleep(Duration::from_secs(1));
    let before = ticks();
    std::thread::sleep(Duration::from_secs(5));
    let after = ticks();
    let used = (after.0 - before.0, after.1 - before.1);
    let (parked, parked_own) = process::memory(daemon.pid());
    let largest = runners.iter().map(|runner| process::memory(*runner)).max();
    let (runner, runner_own) = largest.unwrap();
    let share = runners.iter().map(|runner| process::share(*runner)).max();
    let share = share.unwrap();
    let own = |all: u64, own: u64| format!("{} ({} its own)", megabytes(all), megabytes(own));
    vec![
        Row::limit(
            "idle daemon, no sessions: memory",
            own(empty, empty_own),
            "< 15 MB",
            empty < 15 * 1024,
        ),
        Row::limit(
            &format!("idle daemon, {PARKED} parked sessions: memory"),
            own(parked, parked_own),
            "< 15 MB",
            parked < 15 * 1024,
        ),
        Row::limit(
            "runner (the largest of them): resident memory",
            own(runner, runner_own),
            "< 3 MB",
            runner < 3 * 1024,
        ),
        Row::limit(
            "… what it adds: its own, and its part of what all share",
            megabytes(share),
            "< 3 MB",
            share < 3 * 1024,
        ),
        Row::limit(
            "5 s of rest: processor time of daemon and runners",
            format!("{} and {} ticks", used.0, used.1),
            "0",
            used == (0, 0),
        ),
    ]
}
