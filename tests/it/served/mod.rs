//! The user is always served, whatever agents, files and processes do.

mod abstract_socket;
mod connections;
mod file_modes;
mod files;
mod hung;
mod idempotency;
mod locked;
mod pending;
mod restarted;
mod runner_sockets;
mod slow;
mod stopped;

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::daemon::{Daemon, wait_until};

/// A session whose agent takes what the daemon has; see `crowd.py`. Gives the session, and what it told.
fn crowd(daemon: &Daemon, how: &str) -> (String, Value) {
    let session = start_crowd(daemon, how);
    let asked = daemon.until_pending(&session);
    daemon.approve(&asked);
    let told = daemon.work().join("told");
    let told = wait_until("the agent has tried", || {
        serde_json::from_str(&std::fs::read_to_string(&told).ok()?).ok()
    });
    (session, told)
}

fn start_crowd(daemon: &Daemon, how: &str) -> String {
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/served/crowd.py");
    let told: PathBuf = daemon.work().join("told");
    let command = format!(
        "(/usr/bin/python3 '{program}' '{}' '{}' {how} < /dev/null > /dev/null 2>&1 &)",
        daemon.socket().display(),
        told.display(),
    );
    let tool = json!({"command": command});
    daemon.launch_session(&format!("TOOL Bash {tool}\nWAITFILE never"))
}

/// Sends a signal.
fn signal(pid: u32, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_raw(pid.cast_signed()).unwrap();
    rustix::process::kill_process(pid, signal).unwrap();
}

/// The open alarms of a kind, once there is one.
fn until_alarm(daemon: &Daemon, kind: &str) -> Value {
    wait_until("the alarm is raised", || {
        let alarms = daemon.call("listAlarms", json!({}))["alarms"].clone();
        let mut alarms = alarms.as_array().unwrap().clone().into_iter();
        alarms.find(|alarm| alarm["kind"] == kind)
    })
}

/// Runs a verb that must succeed; gives what it prints.
fn verb(daemon: &Daemon, arguments: &[&str]) -> String {
    let output = daemon.command().args(arguments).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{arguments:?}: {told}");
    String::from_utf8(output.stdout).unwrap()
}
