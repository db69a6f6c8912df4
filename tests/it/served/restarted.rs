//! A daemon that dies is there again, and one that is stopped is not.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::cli::{Cli, parent_of_daemon, signal};
use crate::support::daemon::wait_until;

fn is_there(pid: i32) -> bool {
    std::path::Path::new(&format!("/proc/{pid}")).exists()
}

#[test]
fn a_daemon_that_is_killed_is_back_within_a_second_and_its_sessions_go_on() {
    let cli = Cli::new();
    // What a start takes on this machine now; the figures themselves are a benchmark's.
    let begun = Instant::now();
    cli.ok(&["daemon", "start"]);
    let start = begun.elapsed();
    let mut shortest = Duration::MAX;
    let session = cli.launch("TOOL Bash {\"command\": \"touch made\"}\nTEXT done");
    let asked = cli.until_pending(&session);
    let mut daemon = cli.daemon_pid().unwrap();
    let parent = parent_of_daemon(daemon).expect("it has a parent that watches it");
    for _ in 0..3 {
        signal(daemon, Signal::KILL);
        let begun = Instant::now();
        // Nobody else is there to start one.
        let next = wait_until("another one is there", || {
            cli.daemon_pid().filter(|pid| *pid != daemon)
        });
        shortest = shortest.min(begun.elapsed());
        assert_eq!(parent_of_daemon(next), Some(parent));
        daemon = next;
    }
    assert!(
        shortest < start * 3 + Duration::from_millis(300),
        "{shortest:?} beside a start of {start:?}"
    );
    cli.ok(&["approve", asked["id"].as_str().unwrap()]);
    cli.until_status(&session, "completed");
    assert!(cli.work().join("made").exists());
    // Stopped is stopped, and nothing is left behind.
    cli.ok(&["daemon", "stop"]);
    wait_until("its parent ends too", || (!is_there(parent)).then_some(()));
    assert_eq!(cli.daemon_pid(), None);
}

#[test]
fn a_daemon_outlives_its_parent_and_a_restart_gives_it_a_new_one() {
    let cli = Cli::new();
    cli.ok(&["daemon", "start"]);
    let daemon = cli.daemon_pid().unwrap();
    let parent = parent_of_daemon(daemon).unwrap();
    signal(parent, Signal::KILL);
    wait_until("the parent is gone", || (!is_there(parent)).then_some(()));
    cli.ok(&["daemon", "status"]);
    assert_eq!(cli.daemon_pid(), Some(daemon));
    cli.ok(&["daemon", "restart"]);
    let next = cli.daemon_pid().unwrap();
    assert_ne!(next, daemon);
    assert!(parent_of_daemon(next).is_some());
}

/// Kills daemons until the next one is started only after a pause of seconds; gives the parent that pauses.
fn kill_until_its_parent_pauses(cli: &Cli) -> i32 {
    let mut daemon = cli.daemon_pid().unwrap();
    let parent = parent_of_daemon(daemon).unwrap();
    for _ in 0..7 {
        signal(daemon, Signal::KILL);
        daemon = wait_until("another one is there", || {
            cli.daemon_pid().filter(|pid| *pid != daemon)
        });
        assert_eq!(parent_of_daemon(daemon), Some(parent));
    }
    signal(daemon, Signal::KILL);
    wait_until("it is gone", || (!is_there(daemon)).then_some(()));
    parent
}

#[test]
fn a_daemon_that_is_killed_again_and_again_is_brought_back_by_whoever_needs_it() {
    let cli = Cli::new();
    cli.ok(&["daemon", "start"]);
    let parent = kill_until_its_parent_pauses(&cli);
    cli.ok(&["daemon", "start"]);
    let daemon = cli.daemon_pid().unwrap();
    assert_ne!(parent_of_daemon(daemon), Some(parent));
    wait_until("the old parent ends", || (!is_there(parent)).then_some(()));
    assert_eq!(cli.daemon_pid(), Some(daemon));
    // Who stops it while there is none wants none.
    let parent = kill_until_its_parent_pauses(&cli);
    cli.run(&["daemon", "stop"]);
    wait_until("its parent ends too", || (!is_there(parent)).then_some(()));
    assert_eq!(cli.daemon_pid(), None);
}

#[test]
fn a_hung_daemon_is_restarted_once() {
    let cli = Cli::new();
    cli.ok(&["daemon", "start"]);
    let daemon = cli.daemon_pid().unwrap();
    let parent = parent_of_daemon(daemon).unwrap();
    signal(daemon, Signal::STOP);
    cli.ok(&["daemon", "restart"]);
    wait_until("the old parent ends", || (!is_there(parent)).then_some(()));
    let next = cli.daemon_pid().unwrap();
    assert_ne!(next, daemon);
    let own = parent_of_daemon(next).unwrap();
    assert_ne!(own, parent);
    cli.ok(&["daemon", "status"]);
}
