//! A calendar that leaps, forward and back: nothing is deleted on its word.

use std::fs;
use std::path::{Path, PathBuf};

use rstest::rstest;
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

/// Sets the calendar, and how long the machine has slept.
fn set(daemon: &Daemon, ahead: i64, slept: i64) -> PathBuf {
    let leap = daemon.root().join("leap");
    fs::write(daemon.root().join("leap.new"), format!("{ahead} {slept}")).unwrap();
    fs::rename(daemon.root().join("leap.new"), &leap).unwrap();
    leap
}

fn start(daemon: &mut Daemon, ahead: i64) {
    let leap = set(daemon, ahead, 0);
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

/// The sessions as they are listed, by their titles.
fn listed(daemon: &Daemon) -> Vec<String> {
    let of = |method: &str, params| {
        let all = daemon.call(method, params)["sessions"].clone();
        let all = all
            .as_array()
            .unwrap()
            .iter()
            .map(|session| session["title"].clone());
        all.map(|title| title.as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let listed = of("listSessions", json!({}));
    assert_eq!(of("getOverview", json!({})), listed);
    let output = daemon
        .command()
        .args(["sessions", "--json"])
        .output()
        .unwrap();
    let printed: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let printed = printed.as_array().unwrap().iter();
    let printed: Vec<_> = printed.map(|session| session["title"].clone()).collect();
    assert_eq!(printed, listed);
    listed
}

#[test]
fn sessions_stand_in_the_order_of_what_happened_whatever_the_calendar_said() {
    let mut daemon = with_a_leaping_clock();
    let begin = |daemon: &Daemon, title: &str| {
        let params = json!({"query": "TEXT hello", "title": title});
        let id = daemon.launch_session_with(params);
        daemon.until_status(&id, "completed");
        id
    };
    start(&mut daemon, 400 * DAY);
    let future = begin(&daemon, "future");
    assert!(daemon.stop().success());
    start(&mut daemon, 0);
    begin(&daemon, "now");
    assert_eq!(listed(&daemon), ["now", "future"]);
    // Set back while it runs.
    set(&daemon, -3 * 3_600, 0);
    begin(&daemon, "earlier");
    assert_eq!(listed(&daemon), ["earlier", "now", "future"]);
    let say = json!({"session_id": future, "message": "TEXT again"});
    daemon.call("sendMessage", say);
    wait_until("it has answered", || {
        (listed(&daemon) == ["future", "earlier", "now"]).then_some(())
    });
    daemon.until_status(&future, "completed");
}

#[rstest]
#[case::ahead(400 * DAY)]
#[case::behind(-3 * 3_600)]
fn a_session_that_rests_is_not_ended_by_a_calendar_that_leapt(#[case] leap: i64) {
    let mut daemon = with_a_leaping_clock();
    start(&mut daemon, 0);
    let id = daemon.launch_session("TEXT hello");
    daemon.until_status(&id, "completed");
    assert!(daemon.stop().success());
    start(&mut daemon, leap);
    // By then it would have been.
    let other = daemon.launch_session("TEXT hello");
    daemon.until_status(&other, "completed");
    assert_eq!(daemon.session(&id)["live"], true);
    assert!(!daemon_log(daemon.root()).contains("ending the session's process"));
}

#[test]
fn a_permission_for_a_time_ends_while_the_machine_sleeps_whatever_the_calendar_says() {
    let mut daemon = with_a_leaping_clock();
    start(&mut daemon, 0);
    let id = daemon.launch_session_with(json!({
        "query": "TOOL Bash {\"command\": \"touch one\"}\nWAITFILE go\nTOOL Bash {\"command\": \"touch two\"}",
        "dangerously_skip_permissions": true, "dangerously_skip_permissions_timeout": 600_000,
    }));
    wait_until("it is permitted", || {
        daemon.work().join("one").exists().then_some(())
    });
    // The calendar stood still meanwhile.
    set(&daemon, 0, 3_600);
    fs::write(daemon.work().join("go"), "").unwrap();
    let asked = daemon.until_pending(&id);
    assert!(!daemon.work().join("two").exists(), "{asked}");
}
