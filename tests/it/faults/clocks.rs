//! A calendar that leaps, forward and back: nothing is deleted on its word.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::support::daemon::{Daemon, wait_until};
use crate::support::disk;

const DAY: i64 = 24 * 3_600;

/// A daemon whose calendar is ahead by as many seconds as are in the file `leap` beside its directories.
fn with_a_leaping_clock() -> Daemon {
    let daemon = Daemon::prepare(&[]);
    disk::build(daemon.root(), "clock/leaping.c");
    daemon
}

fn start(daemon: &mut Daemon, ahead: i64) {
    let leap = daemon.root().join("leap");
    fs::write(&leap, ahead.to_string()).unwrap();
    let library = daemon.root().join("leaping.so").display().to_string();
    let looks = || {
        daemon_log(daemon.root())
            .matches("looked for what is past its time")
            .count()
    };
    let before = looks();
    let leap = leap.display().to_string();
    daemon.launch(&[("LD_PRELOAD", &library), ("LEAP", &leap)]);
    wait_until("it has looked for what is past its time", || {
        let looks = daemon_log(daemon.root())
            .matches("looked for what is past its time")
            .count();
        (looks > before).then_some(())
    });
}

fn daemon_log(root: &Path) -> String {
    fs::read_to_string(root.join("log")).unwrap_or_default()
}

#[test]
fn a_calendar_that_is_ahead_for_one_start_deletes_nothing() {
    let mut daemon = with_a_leaping_clock();
    start(&mut daemon, 0);
    let id = daemon.launch_session("TEXT hello\nTEXT there");
    daemon.until_status(&id, "completed");
    daemon.call("endSession", json!({"session_id": id}));
    daemon.until_over(&id);
    let lines = daemon.raw_lines(&id);
    assert!(lines.len() > 2, "{lines:?}");
    let events = |daemon: &Daemon| -> i64 {
        rusqlite::Connection::open(daemon.database())
            .unwrap()
            .query_row(
                "SELECT count(*) FROM events WHERE session_key = (SELECT max(key) FROM sessions)",
                [],
                |row| row.get(0),
            )
            .unwrap()
    };
    assert!(daemon.stop().success());
    let before = events(&daemon);
    assert!(before > 0);
    for ahead in [400 * DAY, 0, -3 * 3_600, 20 * DAY, 0] {
        start(&mut daemon, ahead);
        assert_eq!(daemon.raw_lines(&id), lines, "{ahead} s ahead");
        assert!(daemon.stop().success());
        assert!(events(&daemon) >= before, "{ahead} s ahead");
    }
}
