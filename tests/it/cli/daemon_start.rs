//! That a daemon is started when one is needed: once, where it may be, or with the reason why not.

use std::collections::HashSet;
use std::fs;

use serde_json::Value;

use crate::support::cli::{Cli, Running, finish};
use crate::support::daemon::wait_until;

fn start_at_once(count: usize) {
    let cli = Cli::new();
    let starting: Vec<Running> = (0..count).map(|_| cli.start(&["rpc", "health"])).collect();
    let pids: HashSet<i64> = starting
        .into_iter()
        .map(|one| {
            let said = one.wait();
            assert_eq!(said.stderr, "");
            let health: Value = serde_json::from_str(&said.ok()).unwrap();
            health["pid"].as_i64().unwrap()
        })
        .collect();
    let living = i64::from(cli.daemon_pid().unwrap());
    assert_eq!(pids, HashSet::from([living]));
    // None came up and went away beside it either.
    let log = cli.ok(&["daemon", "logs"]);
    assert_eq!(log.matches(" serving ").count(), 1, "{log}");
    assert!(!log.contains("ERROR"), "{log}");
}

#[test]
fn two_first_commands_start_one_daemon() {
    start_at_once(2);
}

#[test]
fn eight_first_commands_start_one_daemon() {
    start_at_once(8);
}

#[test]
fn the_older_daemons_database_is_left_alone_and_the_reason_told() {
    let cli = Cli::new();
    fs::create_dir(cli.state()).unwrap();
    let database = cli.state().join("daemon.db");
    let older = rusqlite::Connection::open(&database).unwrap();
    older
        .execute_batch(
            "CREATE TABLE schema_version (version INTEGER); CREATE TABLE sessions (id TEXT);",
        )
        .unwrap();
    drop(older);
    let before = fs::read(&database).unwrap();
    let complaint = cli.fails(5, &["sessions"]);
    for part in ["hld", "HUMANLAYER_DATABASE_PATH", "humanlayer doctor"] {
        assert!(
            complaint.contains(part),
            "{part:?} is missing in {complaint}"
        );
    }
    assert_eq!(fs::read(&database).unwrap(), before);
    // What it had to say was read before it was gone.
    wait_until("the daemon is gone", || {
        cli.daemon_pid().is_none().then_some(())
    });
    let told = cli.run(&["doctor"]);
    assert_eq!(told.code, 1, "{told:?}");
    assert!(told.stdout.contains("FAIL database"), "{told:?}");
    // Another file is all it takes.
    let mut command = cli.command(&["sessions"]);
    command.env("HUMANLAYER_DATABASE_PATH", cli.state().join("other.db"));
    finish(command, "").ok();
}

#[test]
fn a_socket_path_that_is_too_long_is_told_at_once() {
    let cli = Cli::new();
    let long = cli.root().join("x".repeat(120));
    let long = long.to_str().unwrap();
    let complaint = cli.fails(5, &["sessions", "--daemon-socket", long]);
    assert!(complaint.contains("humanlayer doctor"), "{complaint}");
    let told = cli.run(&["doctor", "--daemon-socket", long]);
    assert_eq!(told.code, 1, "{told:?}");
    assert!(told.stdout.contains("bytes; the system takes"), "{told:?}");
}

#[test]
fn from_inside_a_session_none_is_started() {
    let cli = Cli::new();
    let inside = |arguments: &[&str]| {
        let mut command = cli.command(arguments);
        command.env("HUMANLAYER_SESSION_ID", "some-session");
        finish(command, "")
    };
    for arguments in [
        &["sessions"][..],
        &["daemon", "start"],
        &["launch", "x"],
        &[],
    ] {
        let complaint = inside(arguments).failed(5);
        assert!(complaint.contains("inside a session"), "{complaint}");
    }
    assert_eq!(cli.daemon_pid(), None);
    // One that runs may be asked.
    cli.ok(&["daemon", "start"]);
    assert_eq!(inside(&["sessions"]).ok(), "");
}

#[test]
fn the_state_is_for_the_user_alone() {
    use std::os::unix::fs::PermissionsExt;
    let cli = Cli::new();
    cli.launch("TEXT x");
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(cli.state()), 0o700);
    assert_eq!(mode(cli.socket()), 0o600);
    assert_eq!(mode(cli.state().join("daemon.db")), 0o600);
}

#[test]
fn a_killed_daemons_socket_does_not_stand_in_the_way() {
    let cli = Cli::new();
    cli.ok(&["daemon", "start"]);
    cli.kill_daemon();
    assert!(cli.socket().exists());
    assert_eq!(cli.ok(&["sessions"]), "");
    assert!(cli.daemon_pid().is_some());
}
