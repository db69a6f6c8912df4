//! Nobody at a terminal is refused. No place is on record here, so that the terminal alone counts.

use std::path::PathBuf;
use std::process::Command;

use rstest::rstest;
use serde_json::{Value, json};

use super::{assert_refused, victim};
use crate::support::daemon::{Daemon, wait_until};
use crate::support::scripted_agent::binary;

/// A daemon that has no place on record: there was something before it.
fn daemon() -> Daemon {
    let mut daemon = Daemon::prepare(&[]);
    std::fs::create_dir_all(daemon.state().join("sessions/older")).unwrap();
    daemon.launch(&[]);
    daemon
}

/// `humanlayer approve`, as it is typed.
fn typed(daemon: &Daemon, asked: &Value) -> String {
    format!(
        "'{}' --daemon-socket '{}' approve {}",
        binary(),
        daemon.socket().display(),
        asked["id"].as_str().unwrap()
    )
}

fn until_approved(daemon: &Daemon, session: &str) {
    daemon.until_status(session, "completed");
    assert!(daemon.work().join("made").exists());
}

#[test]
fn a_person_in_tmux_decides() {
    let daemon = daemon();
    let (session, asked) = victim(&daemon);
    assert_refused(&daemon.connect().ask(
        "sendDecision",
        json!({"approval_id": asked["id"], "decision": "approve"}),
    ));
    let socket = daemon.root().join("tmux");
    let tmux = |arguments: &[&str]| {
        let status = Command::new("tmux")
            .arg("-S")
            .arg(&socket)
            .args(arguments)
            .env_remove("TMUX")
            .status()
            .unwrap();
        assert!(status.success());
    };
    tmux(&["-f", "/dev/null", "new-session", "-d", "sh"]);
    tmux(&["send-keys", &typed(&daemon, &asked), "Enter"]);
    until_approved(&daemon, &session);
    tmux(&["kill-server"]);
}

/// A program under another's name with a PTY in it: `script`, which gives its command a terminal.
fn stand_in(daemon: &Daemon, name: &str) -> PathBuf {
    let path = daemon.root().join(name);
    std::fs::copy("/usr/bin/script", &path).unwrap();
    path
}

#[rstest]
#[case::a_terminal_emulator("xterm")]
#[case::an_editor("code")]
fn a_person_in_a_terminal_decides(#[case] name: &str) {
    let daemon = daemon();
    let (session, asked) = victim(&daemon);
    let log = daemon.root().join("typescript");
    let status = Command::new(stand_in(&daemon, name))
        .args(["-qec", &typed(&daemon, &asked)])
        .arg(&log)
        .status()
        .unwrap();
    assert!(status.success(), "{:?}", std::fs::read_to_string(log));
    until_approved(&daemon, &session);
}

#[test]
fn a_person_decides_after_su() {
    let daemon = daemon();
    let (session, asked) = victim(&daemon);
    let inner = typed(&daemon, &asked);
    let inner = format!("su root -c \"{inner}\"");
    let status = Command::new(stand_in(&daemon, "xterm"))
        .args(["-qec", &inner])
        .arg(daemon.root().join("typescript"))
        .status()
        .unwrap();
    assert!(status.success());
    until_approved(&daemon, &session);
}

#[test]
fn an_editors_child_without_a_terminal_is_no_person() {
    let daemon = daemon();
    let (_, asked) = victim(&daemon);
    let editor = daemon.root().join("code");
    std::fs::copy("/usr/bin/env", &editor).unwrap();
    let told = daemon.root().join("told");
    let command = format!(
        "setsid -w {} > '{}' 2>&1; true",
        typed(&daemon, &asked),
        told.display()
    );
    // What an extension of an editor would do: the editor's own child, with no terminal.
    let program = daemon.root().join("editor.py");
    std::fs::write(
        &program,
        "import subprocess, sys\nsubprocess.run(['sh', '-c', sys.argv[1]])\n",
    )
    .unwrap();
    let python = std::fs::canonicalize("/usr/bin/python3").unwrap();
    std::fs::copy(python, &editor).unwrap();
    let status = Command::new(&editor)
        .arg(program)
        .arg(command)
        .status()
        .unwrap();
    assert!(status.success());
    let told = wait_until("it was told", || std::fs::read_to_string(&told).ok());
    assert!(told.contains("not proven"), "{told}");
}
