//! Who locks what is the daemon's is named, whatever they hold: the database, or a lock by which daemons know each other.

use std::fs::File;
use std::path::PathBuf;
use std::process::Child;
use std::time::{Duration, Instant};

use serde_json::json;

use super::{until_alarm, verb};
use crate::support::cli::Cli;
use crate::support::daemon::{Daemon, wait_until};

/// This test's process, as messages name it.
fn this_process() -> String {
    format!("process {}", std::process::id())
}

#[test]
fn who_holds_the_database_locked_is_named_and_permits_nothing_by_it() {
    let daemon = Daemon::start();
    let session = daemon.launch_session("TOOL Bash {\"command\": \"touch made\"}\nTEXT done");
    let asked = daemon.until_pending(&session);
    let db = rusqlite::Connection::open(daemon.database()).unwrap();
    db.busy_timeout(std::time::Duration::from_secs(5)).unwrap();
    db.execute_batch("BEGIN IMMEDIATE").unwrap();
    let id = asked["id"].as_str().unwrap();
    let refused = daemon.command().args(["approve", id]).output().unwrap();
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(
        said.contains("locked by") && said.contains(&this_process()),
        "{said}"
    );
    let problem = wait_until("the daemon says so", || {
        let health = daemon.call("health", json!({}));
        health["problem"].as_str().map(str::to_owned)
    });
    assert!(
        problem.contains("locked") && problem.contains(&this_process()),
        "{problem}"
    );
    for words in [["daemon", "status"].as_slice(), &["doctor"]] {
        let output = daemon.command().args(words).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.contains(&this_process()), "{words:?}: {said}");
    }
    db.execute_batch("ROLLBACK").unwrap();
    drop(db);
    let alarm = until_alarm(&daemon, "foreign_writer");
    let detail = alarm["detail"].as_str().unwrap();
    assert!(detail.contains(&this_process()), "{detail}");
    wait_until("all is well again", || {
        let health = daemon.call("health", json!({}));
        health["problem"].is_null().then_some(())
    });
    daemon.approve(&asked);
    daemon.until_status(&session, "completed");
}

/// A process that is killed when it is dropped.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn who_locks_the_database_again_and_again_holds_nobody_up_for_long_and_is_named() {
    let daemon = Daemon::unprivileged();
    let session = daemon.launch_session("TOOL Bash {\"command\": \"touch made\"}\nTEXT done");
    let asked = daemon.until_pending(&session);
    // Let go of for five milliseconds, in which a program that tries now and then never finds it free.
    let script = format!(
        "import sqlite3, time\n\
         db = sqlite3.connect('{}', isolation_level=None, timeout=5)\n\
         while True:\n\
         \x20   db.execute('BEGIN IMMEDIATE')\n\
         \x20   time.sleep(0.8)\n\
         \x20   db.execute('ROLLBACK')\n\
         \x20   time.sleep(0.005)\n",
        daemon.database().display()
    );
    let mut command = daemon.as_its_user("/usr/bin/python3");
    let holder = command.args(["-c", &script]).spawn().unwrap();
    let holder = Killed(holder);
    let who = format!("process {}", holder.0.id());
    let problem = wait_until("the daemon says so", || {
        let health = daemon.call("health", json!({}));
        health["problem"].as_str().map(str::to_owned)
    });
    assert!(
        problem.contains("locked again and again") && problem.contains(&who),
        "{problem}"
    );
    let begun = Instant::now();
    verb(&daemon, &["approve", asked["id"].as_str().unwrap()]);
    assert!(begun.elapsed() < Duration::from_secs(8));
    let output = daemon
        .command()
        .args(["daemon", "status"])
        .output()
        .unwrap();
    let status = String::from_utf8(output.stdout).unwrap();
    assert!(status.contains(&who), "{status}");
    daemon.until_status(&session, "completed");
    let alarm = until_alarm(&daemon, "foreign_writer");
    let detail = alarm["detail"].as_str().unwrap();
    assert!(detail.contains(&who), "{detail}");
    drop(holder);
    wait_until("all is well again", || {
        let health = daemon.call("health", json!({}));
        health["problem"].is_null().then_some(())
    });
}

/// Locks a file beside a socket of which no daemon runs; gives what starting one says then.
fn start_beside_a_lock(suffix: &str) -> String {
    let cli = Cli::new();
    cli.ok(&["daemon", "start"]);
    cli.ok(&["daemon", "stop"]);
    let path = PathBuf::from(format!(
        "{}{suffix}",
        cli.home().join(".humanlayer/daemon").display()
    ));
    let file = File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .unwrap();
    file.lock().unwrap();
    let said = cli.run(&["daemon", "start"]);
    assert_ne!(said.code, 0, "{said:?}");
    drop(file);
    cli.ok(&["daemon", "start"]);
    said.stderr
}

#[test]
fn who_holds_a_lock_that_keeps_the_daemon_from_starting_is_named() {
    for suffix in [".sock.start.lock", ".sock.lock", ".db.lock", ".db"] {
        let said = start_beside_a_lock(suffix);
        let who = this_process();
        assert!(said.contains(&who), "{suffix}: {said}");
        assert!(
            said.contains(&format!("kill {}", std::process::id())),
            "{suffix}: {said}"
        );
    }
}
