//! `backup`, `restore` and `doctor --repair`: what is kept can be copied, put back and mended.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rusqlite::Connection;
use serde_json::json;

use crate::support::cli::Cli;
use crate::support::daemon::{Daemon, wait_until};

const ASKS: &str = "TOOL Bash {\"command\": \"touch made\"}\nTEXT done";

fn names_in(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap().flatten();
    entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

#[test]
fn a_backup_of_a_database_in_use_is_whole_and_private_and_overwrites_nothing() {
    let cli = Cli::new();
    let session = cli.launch(ASKS);
    cli.until_pending(&session);
    let backups = cli.root().join("backups");
    fs::create_dir(&backups).unwrap();
    let path = backups.join("copy.db");
    let (copy, key) = (path.display().to_string(), backups.join("copy.db.key"));
    let said = cli.ok(&["backup", &copy]);
    assert!(said.contains("1 sessions, 1 approvals"), "{said}");
    for file in [&path, &key] {
        let mode = fs::metadata(file).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{file:?}");
    }
    let db = Connection::open(&path).unwrap();
    let count: i64 = db
        .query_row(
            "SELECT count(*) FROM approvals WHERE outcome = 'pending'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(count, 1);
    drop(db);
    assert_eq!(
        fs::read(&key).unwrap(),
        fs::read(cli.state().join("daemon.db.key")).unwrap()
    );
    let before = fs::read(&path).unwrap();
    let refused = cli.fails(1, &["backup", &copy]);
    assert!(refused.contains("--force"), "{refused}");
    assert_eq!(fs::read(&path).unwrap(), before);
    cli.ok(&["backup", "--force", &copy]);
    // Nothing that belongs to the database is overwritten, whatever is said.
    for own in ["daemon.db", "daemon.db.key", "daemon.db-wal"] {
        let own = cli.state().join(own).display().to_string();
        cli.fails(1, &["backup", "--force", &own]);
    }
    let left = names_in(&backups);
    assert!(left.iter().all(|name| !name.contains(".part")), "{left:?}");
    // The same without a daemon.
    cli.ok(&["daemon", "stop"]);
    cli.ok(&["backup", "--force", &copy]);
    assert_eq!(cli.daemon_pid(), None);
}

/// Backs up, then has a session ask that the backup does not know.
fn backed_up_before_a_question(cli: &Cli) -> (String, String, String) {
    let old = cli.launch("TEXT hello");
    cli.until_status(&old, "completed");
    let copy = cli.root().join("copy.db").display().to_string();
    cli.ok(&["backup", &copy]);
    let session = cli.launch(ASKS);
    cli.until_pending(&session);
    (copy, old, session)
}

fn assert_restored(cli: &Cli, said: &str, old: &str, session: &str) {
    assert!(said.contains("1 sessions"), "{said}");
    assert!(said.contains("humanlayer alarms"), "{said}");
    let kept = names_in(&cli.state());
    let kept: Vec<&String> = kept
        .iter()
        .filter(|name| name.contains(".before-restore-"))
        .collect();
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert_eq!(cli.session(old)["status"], "completed");
    let alarms = cli.ok(&["alarms"]);
    for what in ["foreign_writer", "session_adopted"] {
        assert!(alarms.contains(what), "{alarms}");
    }
    // A single decision works at once.
    let asked = cli.until_pending(session);
    cli.ok(&["approve", asked["id"].as_str().unwrap()]);
    cli.until_status(session, "completed");
    assert!(cli.work().join("made").exists());
}

#[test]
fn a_backup_is_put_back_while_the_daemon_runs_and_what_is_newer_is_adopted() {
    let cli = Cli::new();
    let (copy, old, session) = backed_up_before_a_question(&cli);
    let before = cli.daemon_pid();
    let said = cli.ok(&["restore", &copy]);
    assert_ne!(cli.daemon_pid(), before);
    assert_restored(&cli, &said, &old, &session);
    assert!(said.contains("1 sessions that it did not know"), "{said}");
}

#[test]
fn a_backup_is_put_back_where_the_database_is_too_damaged_for_a_daemon() {
    let cli = Cli::new();
    let (copy, old, session) = backed_up_before_a_question(&cli);
    cli.ok(&["daemon", "stop"]);
    let database = cli.state().join("daemon.db");
    let whole = fs::read(&database).unwrap();
    // What shows who is a person has to be read from it.
    let said = cli.ok(&["restore", &copy]);
    assert_restored(&cli, &said, &old, &session);
    cli.ok(&["daemon", "stop"]);
    // Without that only a login or a terminal does.
    fs::write(&database, &whole[..100]).unwrap();
    let refused = cli.fails(1, &["restore", &copy]);
    assert!(refused.contains("only a person"), "{refused}");
    assert_eq!(fs::read(&database).unwrap(), &whole[..100]);
}

#[test]
fn what_is_no_whole_database_of_ours_is_not_put_in_place() {
    let cli = Cli::new();
    let (copy, _, session) = backed_up_before_a_question(&cli);
    let bad = cli.root().join("bad.db");
    let path = bad.display().to_string();
    let edit = |sql: &str| {
        fs::copy(&copy, &bad).unwrap();
        Connection::open(&bad).unwrap().execute_batch(sql).unwrap();
    };
    let refused = |words: &str| {
        let said = cli.fails(1, &["restore", &path]);
        assert!(said.contains(words), "{said}");
    };
    edit("PRAGMA user_version = 999");
    refused("schema version 999");
    edit("PRAGMA application_id = 7");
    refused("another program");
    fs::write(&bad, "notes").unwrap();
    refused("not a database");
    let whole = fs::read(&copy).unwrap();
    fs::write(&bad, &whole[..whole.len() / 2]).unwrap();
    refused("damaged");
    fs::remove_file(&bad).unwrap();
    fs::write(&bad, "").unwrap();
    refused("empty");
    cli.ok(&["daemon", "restart"]);
    assert_eq!(cli.session(&session)["status"], "waiting_input");
}

/// Nobody writes into the pipe, and a daemon that waits for it could not even be stopped.
#[test]
fn a_pipe_and_a_copy_whose_key_is_none_are_refused_and_keep_nobody_waiting() {
    let cli = Cli::new();
    cli.launch(ASKS);
    let pipe = cli.root().join("pipe.db");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let told = cli.fails(1, &["restore", &pipe.display().to_string()]);
    assert!(told.contains("not a regular file"), "{told}");
    let copy = cli.root().join("copy.db").display().to_string();
    cli.ok(&["backup", &copy]);
    let key = fs::read(cli.state().join("daemon.db.key")).unwrap();
    fs::write(format!("{copy}.key"), "dirt\n").unwrap();
    let told = cli.fails(1, &["restore", &copy]);
    assert!(told.contains("does not hold a key"), "{told}");
    assert_eq!(fs::read(cli.state().join("daemon.db.key")).unwrap(), key);
    cli.ok(&["daemon", "stop"]);
}

fn long_ago(path: &Path) {
    let then = SystemTime::now() - Duration::from_secs(3600);
    fs::File::open(path).unwrap().set_modified(then).unwrap();
}

#[test]
fn doctor_repair_moves_aside_what_is_nobodys_and_does_it_once() {
    let daemon = Daemon::start();
    let session = daemon.launch_session(ASKS);
    daemon.until_pending(&session);
    let odd = daemon.state().join("sessions").join("odd");
    fs::create_dir(&odd).unwrap();
    fs::write(odd.join("notes"), "precious").unwrap();
    long_ago(&odd);
    // What is being launched just now is nobody's yet, and left alone.
    let new = daemon.state().join("sessions").join("new");
    fs::create_dir(&new).unwrap();
    let doctor = |arguments: &[&str]| {
        let output = daemon
            .command()
            .arg("doctor")
            .args(arguments)
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(
        !doctor(&[]).contains("repair"),
        "it repairs nothing unasked"
    );
    assert!(odd.exists());
    let said = doctor(&["--repair"]);
    assert!(
        said.contains("odd") && said.contains("quarantine"),
        "{said}"
    );
    let aside = daemon.state().join("quarantine").join("odd").join("notes");
    assert_eq!(fs::read(aside).unwrap(), b"precious");
    assert!(!odd.exists() && new.exists());
    let again = doctor(&["--repair"]);
    assert!(again.contains("nothing to repair"), "{again}");
    // The session that runs is as it was.
    daemon.approve(&daemon.until_pending(&session));
    daemon.until_status(&session, "completed");
}

#[test]
fn doctor_repair_counts_again_and_makes_indexes_anew_that_do_not_fit() {
    let mut daemon = Daemon::start();
    let session = daemon.launch_session("TEXT hello");
    daemon.until_status(&session, "completed");
    assert!(daemon.stop().success());
    let db = Connection::open(daemon.database()).unwrap();
    db.execute_batch("UPDATE session_counts SET n = n + 7")
        .unwrap();
    // An index that lacks what is in its table.
    let sql: String = db
        .query_row(
            "SELECT sql FROM sqlite_master WHERE name = 'sessions_by_dir'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    db.execute_batch(&format!(
        "PRAGMA writable_schema = ON;
         UPDATE sqlite_master SET sql = '{}' WHERE name = 'sessions_by_dir';
         PRAGMA writable_schema = RESET;
         REINDEX sessions_by_dir;
         PRAGMA writable_schema = ON;
         UPDATE sqlite_master SET sql = '{sql}' WHERE name = 'sessions_by_dir';",
        sql.replace("working_dir,", "title,"),
    ))
    .unwrap();
    drop(db);
    daemon.launch(&[]);
    let done = daemon.call("repair", json!({}))["done"].clone();
    let done = done.to_string();
    assert!(done.contains("counted the sessions again"), "{done}");
    assert!(
        done.contains("made the indexes of the database anew"),
        "{done}"
    );
    assert_eq!(daemon.call("repair", json!({}))["done"], json!([]));
}

#[test]
fn doctor_repair_puts_the_database_that_is_open_back_where_another_file_took_its_place() {
    let mut daemon = Daemon::start();
    let session = daemon.launch_session(ASKS);
    let asked = daemon.until_pending(&session);
    fs::remove_file(daemon.database()).unwrap();
    fs::write(daemon.database(), "a backup, perhaps").unwrap();
    let problem = wait_until("it is said", || {
        let health = daemon.call("health", json!({}));
        health["problem"].as_str().map(str::to_owned)
    });
    assert!(problem.contains("doctor --repair"), "{problem}");
    let done = daemon.call("repair", json!({}))["done"].to_string();
    assert!(
        done.contains("put the database that is open back"),
        "{done}"
    );
    daemon.approve(&asked);
    daemon.until_status(&session, "completed");
    let other = names_in(&daemon.state());
    let other: Vec<PathBuf> = other
        .iter()
        .filter(|name| name.contains(".other-"))
        .inspect(|name| assert!(!name.ends_with("-wal"), "the log of the open one: {name}"))
        .map(|name| daemon.state().join(name))
        .collect();
    assert_eq!(fs::read(&other[0]).unwrap(), b"a backup, perhaps");
    daemon.kill_and_restart();
    assert_eq!(daemon.session(&session)["status"], "completed");
}

#[test]
fn whose_directory_it_is_and_what_gives_it_back_is_said() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let mut daemon = Daemon::unprivileged();
    assert!(daemon.stop().success());
    std::os::unix::fs::chown(daemon.state(), Some(0), Some(0)).unwrap();
    fs::set_permissions(daemon.state(), fs::Permissions::from_mode(0o755)).unwrap();
    let output = daemon.command().arg("--headless").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success());
    let state = daemon.state().display().to_string();
    assert!(said.contains("belongs to root"), "{said}");
    assert!(
        said.contains("sudo chown -R") && said.contains(&state),
        "{said}"
    );
}
