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

/// A tmux server of its own, which nobody shows to have started.
pub struct Tmux {
    socket: PathBuf,
}

impl Tmux {
    pub fn start(daemon: &Daemon, name: &str) -> Self {
        let tmux = Self {
            socket: daemon.root().join(name),
        };
        tmux.run(&["-f", "/dev/null", "new-session", "-d", "sh"]);
        tmux
    }

    fn run(&self, arguments: &[&str]) -> String {
        let output = Command::new("tmux")
            .arg("-S")
            .arg(&self.socket)
            .args(arguments)
            .env_remove("TMUX")
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn types(&self, line: &str) {
        self.run(&["send-keys", line, "Enter"]);
    }

    /// The server's process.
    pub fn pid(&self) -> String {
        let pid = self.run(&["display-message", "-p", "#{pid}"]);
        pid.trim().to_owned()
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        let _ = Command::new("tmux")
            .arg("-S")
            .arg(&self.socket)
            .arg("kill-server")
            .output();
    }
}

#[test]
fn a_person_in_tmux_decides() {
    let daemon = daemon();
    let tmux = Tmux::start(&daemon, "tmux");
    let (session, asked) = victim(&daemon);
    assert_refused(&daemon.connect().ask(
        "sendDecision",
        json!({"approval_id": asked["id"], "decision": "approve"}),
    ));
    tmux.types(&typed(&daemon, &asked));
    until_approved(&daemon, &session);
}

#[test]
fn a_tmux_that_began_while_an_agent_ran_is_confirmed_from_an_older_one() {
    let mut daemon = daemon();
    let older = Tmux::start(&daemon, "older");
    let (session, asked) = victim(&daemon);
    let younger = Tmux::start(&daemon, "younger");
    let told = daemon.root().join("told");
    let verb = |verb: &str| {
        format!(
            "'{}' --daemon-socket '{}' {verb} > '{told}.part' 2>&1; mv '{told}.part' '{told}'",
            binary(),
            daemon.socket().display(),
            told = told.display()
        )
    };
    let says = |tmux: &Tmux, line: &str| {
        let _ = std::fs::remove_file(&told);
        tmux.types(line);
        wait_until("it was told", || std::fs::read_to_string(&told).ok())
    };
    let approve = verb(&format!("approve {}", asked["id"].as_str().unwrap()));
    let confirm = verb(&format!("terminals confirm {}", younger.pid()));
    let refused = says(&younger, &approve);
    assert!(refused.contains("terminals confirm"), "{refused}");
    let refused = says(&younger, &confirm);
    assert!(refused.contains("began while an agent ran"), "{refused}");
    assert_eq!(says(&older, &confirm), "confirmed\n");
    // The next daemon knows both.
    daemon.kill_and_restart();
    let approve = verb_of(&daemon, &told, &asked);
    assert!(says(&younger, &approve).contains("approved"));
    until_approved(&daemon, &session);
    let third = Tmux::start(&daemon, "third");
    let _ = std::fs::remove_file(daemon.work().join("made"));
    let (_, asked) = victim(&daemon);
    assert!(says(&third, &verb_of(&daemon, &told, &asked)).contains("terminals confirm"));
}

fn verb_of(daemon: &Daemon, told: &std::path::Path, asked: &Value) -> String {
    let told = told.display();
    format!(
        "{} > '{told}.part' 2>&1; mv '{told}.part' '{told}'",
        typed(daemon, asked)
    )
}

/// A program under another's name with a PTY in it: `script`, which gives its command a terminal.
pub fn stand_in(daemon: &Daemon, name: &str) -> PathBuf {
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
