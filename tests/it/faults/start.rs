//! Starting where something is in the way: sockets, other daemons, databases that are not ours.

use std::fs;
use std::os::unix::net::UnixListener;
use std::path::Path;

use rstest::rstest;
use rusqlite::Connection;
use serde_json::json;

use crate::support::daemon::{Daemon, wait_until};

/// Starts a daemon that must not start; gives what it said.
fn refusal(daemon: &mut Daemon, environment: &[(&str, &str)]) -> String {
    let before = daemon.log().len();
    daemon.spawn(environment);
    let status = daemon.wait();
    let said = daemon.log()[before..].to_owned();
    assert!(
        status.code().is_some_and(|code| code != 0),
        "{status}: {said}"
    );
    said
}

#[test]
fn a_socket_path_that_is_too_long_is_told() {
    let mut daemon = Daemon::prepare(&[]);
    let long = daemon.state().join("d".repeat(120)).join("daemon.sock");
    let said = refusal(
        &mut daemon,
        &[("HUMANLAYER_DAEMON_SOCKET", long.to_str().unwrap())],
    );
    assert!(said.contains("choose a shorter one"), "{said}");
    assert!(said.contains("daemon.sock"), "{said}");
}

/// Deeper than the address of a socket can be.
#[test]
fn a_state_directory_may_be_as_deep_as_it_likes() {
    let mut daemon = Daemon::prepare(&[]);
    let state = daemon.state().join("d".repeat(120)).join("e".repeat(120));
    let deep = state.join("daemon.db");
    let place = [("HUMANLAYER_DATABASE_PATH", deep.to_str().unwrap())];
    daemon.launch(&place);
    let id = daemon.launch_session("TOOL Bash {\"command\": \"touch made\"}\nTEXT done");
    daemon.until_pending(&id);
    // The next daemon finds the runner there too.
    daemon.kill();
    daemon.launch(&place);
    daemon.approve(&daemon.until_pending(&id));
    daemon.until_status(&id, "completed");
    assert!(daemon.work().join("made").exists());
    daemon.call("endSession", json!({"session_id": id}));
    wait_until("its directory is gone", || {
        let left = fs::read_dir(state.join("sessions")).unwrap().count();
        (left == 0).then_some(())
    });
}

#[test]
fn a_file_in_the_sockets_place_is_left_alone() {
    let mut daemon = Daemon::prepare(&[]);
    fs::write(daemon.socket(), "precious").unwrap();
    let said = refusal(&mut daemon, &[]);
    assert!(said.contains("not a socket"), "{said}");
    assert_eq!(fs::read_to_string(daemon.socket()).unwrap(), "precious");
}

#[test]
fn a_socket_that_a_dead_process_left_is_replaced() {
    let mut daemon = Daemon::prepare(&[]);
    drop(UnixListener::bind(daemon.socket()).unwrap());
    assert!(daemon.socket().exists());
    daemon.launch(&[]);
    assert_eq!(daemon.call("health", json!({}))["status"], "ok");
    // The same after a death of its own.
    daemon.kill_and_restart();
    assert_eq!(daemon.call("health", json!({}))["status"], "ok");
}

#[test]
fn a_socket_that_somebody_else_serves_is_left_alone() {
    let mut daemon = Daemon::prepare(&[]);
    let other = UnixListener::bind(daemon.socket()).unwrap();
    let said = refusal(&mut daemon, &[]);
    assert!(said.contains("another process serves it"), "{said}");
    drop(other);
    assert!(daemon.socket().exists());
}

#[rstest]
#[case("the same of everything", None)]
#[case("another database", Some("HUMANLAYER_DATABASE_PATH"))]
#[case("another socket", Some("HUMANLAYER_DAEMON_SOCKET"))]
fn a_second_daemon_refuses_and_the_first_is_unharmed(
    #[case] what: &str,
    #[case] other: Option<&str>,
) {
    let daemon = Daemon::start();
    let id = daemon.launch_session("TOOL Bash {\"command\": \"echo x >> one\"}");
    let pending = daemon.until_pending(&id);
    let elsewhere = daemon.root().join("other");
    let mut command = daemon.command();
    command.arg("--headless");
    if let Some(name) = other {
        command.env(name, &elsewhere);
    }
    let second = command.output().unwrap();
    assert!(!second.status.success(), "{what}");
    let said = String::from_utf8_lossy(&second.stderr).into_owned()
        + &String::from_utf8_lossy(&second.stdout);
    assert!(said.contains("another daemon"), "{what}: {said}");
    assert_eq!(daemon.pending(&id), std::slice::from_ref(&pending));
    daemon.approve(&pending);
    daemon.until_status(&id, "completed");
}

/// A real database of ours, at rest.
fn real(path: &Path) {
    let mut daemon = Daemon::start();
    let id = daemon.launch_session("TEXT hello");
    daemon.until_status(&id, "completed");
    daemon.call("endSession", json!({"session_id": id}));
    daemon.until_over(&id);
    assert!(daemon.stop().success());
    fs::copy(daemon.database(), path).unwrap();
}

fn no_database(path: &Path) {
    fs::write(
        path,
        "this is not a database, but somebody's notes\n".repeat(200),
    )
    .unwrap();
}

fn header_only(path: &Path) {
    real(path);
    let mut bytes = fs::read(path).unwrap();
    bytes.truncate(100);
    fs::write(path, bytes).unwrap();
}

fn broken_schema(path: &Path) {
    real(path);
    let mut bytes = fs::read(path).unwrap();
    bytes[100..4096].fill(0xa5);
    fs::write(path, bytes).unwrap();
}

fn broken_tables(path: &Path) {
    real(path);
    let mut bytes = fs::read(path).unwrap();
    bytes[4096..].fill(0xa5);
    fs::write(path, bytes).unwrap();
}

fn newer(path: &Path) {
    real(path);
    let db = Connection::open(path).unwrap();
    db.pragma_update(None, "user_version", 999).unwrap();
}

fn newer_with_a_log(path: &Path) {
    newer(path);
    leave_a_log(
        path,
        "CREATE TABLE future (x); INSERT INTO future VALUES (1)",
    );
}

fn newer_only_in_its_log(path: &Path) {
    real(path);
    leave_a_log(path, "PRAGMA user_version = 998");
}

fn hlds(path: &Path) {
    let db = Connection::open(path).unwrap();
    db.execute_batch(
        "PRAGMA journal_mode = WAL;
         CREATE TABLE schema_version (version INTEGER, applied_at TEXT);
         INSERT INTO schema_version VALUES (1, 'then'), (21, 'now');
         CREATE TABLE sessions (id TEXT PRIMARY KEY, query TEXT);
         INSERT INTO sessions VALUES ('a', 'fix it')",
    )
    .unwrap();
}

fn hlds_with_a_log(path: &Path) {
    hlds(path);
    leave_a_log(path, "INSERT INTO sessions VALUES ('b', 'fix that')");
}

fn another_programs(path: &Path) {
    let db = Connection::open(path).unwrap();
    db.execute_batch("CREATE TABLE bookmarks (url TEXT)")
        .unwrap();
}

/// As if the program that owns the database had been killed: what it wrote last is in its log.
fn leave_a_log(path: &Path, sql: &str) {
    let db = Connection::open(path).unwrap();
    db.pragma_update(None, "journal_mode", "WAL").unwrap();
    db.pragma_update(None, "wal_autocheckpoint", 0).unwrap();
    db.execute_batch(sql).unwrap();
    let log = with_suffix(path, "-wal");
    let (base, written) = (fs::read(path).unwrap(), fs::read(&log).unwrap());
    drop(db);
    fs::write(path, base).unwrap();
    fs::write(&log, written).unwrap();
}

fn with_suffix(path: &Path, suffix: &str) -> std::path::PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

const IN_THE_LOG: &str = "schema version 998";

#[rstest]
#[case::no_database(no_database, "not a database")]
#[case::header_only(header_only, "damaged")]
#[case::broken_schema(broken_schema, "damaged")]
#[case::broken_tables(broken_tables, "damaged")]
#[case::newer(newer, "schema version 999")]
#[case::newer_with_a_log(newer_with_a_log, "schema version 999")]
#[case::newer_only_in_its_log(newer_only_in_its_log, IN_THE_LOG)]
#[case::hlds(hlds, "hld")]
#[case::hlds_with_a_log(hlds_with_a_log, "hld")]
#[case::another_programs(another_programs, "another program")]
fn a_database_that_cannot_be_ours_is_left_exactly_as_it_is(
    #[case] make: fn(&Path),
    #[case] words: &str,
) {
    let mut daemon = Daemon::prepare(&[]);
    let path = daemon.database();
    make(&path);
    let files = || -> Vec<(String, Vec<u8>)> {
        // What is read through a log leaves an index of it, which belongs to nobody.
        let logged = words == IN_THE_LOG;
        ["", "-wal", "-shm"]
            .iter()
            .filter(|suffix| !(logged && **suffix == "-shm"))
            .filter_map(|suffix| {
                let bytes = fs::read(with_suffix(&path, suffix)).ok()?;
                Some(((*suffix).to_owned(), bytes))
            })
            .collect()
    };
    let before = files();
    let said = refusal(&mut daemon, &[]);
    assert!(said.contains(words), "{said}");
    assert!(said.contains("daemon.db"), "{said}");
    let after = files();
    let names = |files: &[(String, Vec<u8>)]| -> Vec<(String, usize)> {
        files
            .iter()
            .map(|(name, bytes)| (name.clone(), bytes.len()))
            .collect()
    };
    assert!(
        before == after,
        "{:?} became {:?}",
        names(&before),
        names(&after)
    );
    assert!(!daemon.socket().exists());
}
