//! No agent stops the daemon, and nobody has another process stopped in its name.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};

use rustix::process::Signal;
use serde_json::json;

use super::alarms::until_alarm;
use crate::support::cli::{Cli, signal};
use crate::support::daemon::{Daemon, wait_until};
use crate::support::scripted_agent::binary;

#[test]
fn an_agent_that_tells_the_daemon_to_stop_is_an_alarm_and_not_obeyed() {
    let mut daemon = Daemon::start();
    let told = daemon.work().join("told");
    let command = format!(
        "kill -TERM {pid}; kill -INT {pid}; '{}' --daemon-socket '{}' daemon stop > {told} 2>&1; echo over >> {told}; while [ ! -e seen ]; do sleep 0.05; done",
        binary(),
        daemon.socket().display(),
        pid = daemon.pid(),
        told = told.display(),
    );
    let session = daemon.launch_session_with(json!({
        "query": format!("TOOL Bash {}\nTEXT done", json!({"command": command})),
        "dangerously_skip_permissions": true,
    }));
    let alarm = until_alarm(&daemon, "daemon_signalled");
    let detail = alarm["detail"].as_str().unwrap();
    assert!(detail.contains(&session[..8]), "{detail}");
    // Who sent it was there to be looked at.
    std::fs::write(daemon.work().join("seen"), "").unwrap();
    daemon.until_status(&session, "completed");
    let said = std::fs::read_to_string(&told).unwrap();
    assert!(said.contains("an agent may not stop the daemon"), "{said}");
    assert!(said.contains("over"));
    assert!(daemon.try_wait().is_none());
    // A person's word holds.
    assert!(daemon.stop().success());
}

#[test]
fn an_agent_that_does_not_say_who_it_is_does_not_stop_the_daemon_either() {
    let mut daemon = Daemon::start();
    let script = format!(
        "import ctypes; ctypes.CDLL(None).sigqueue({}, 15, ctypes.c_void_p(0))",
        daemon.pid()
    );
    let command = format!("/usr/bin/python3 -c '{script}'");
    let session = daemon.launch_session_with(json!({
        "query": format!("TOOL Bash {}\nTEXT done", json!({"command": command})),
        "dangerously_skip_permissions": true,
    }));
    let alarm = until_alarm(&daemon, "daemon_signalled");
    let detail = alarm["detail"].as_str().unwrap();
    assert!(detail.contains("did not say who it is"), "{detail}");
    daemon.until_status(&session, "completed");
    assert!(daemon.try_wait().is_none());
    assert!(daemon.stop().success());
}

#[test]
fn a_process_that_is_gone_when_the_daemon_is_told_to_stop_is_not_obeyed_while_agents_run() {
    let cli = Cli::new();
    let session = cli.launch("WAITFILE never");
    cli.until_status(&session, "running");
    let daemon = cli.daemon_pid().unwrap();
    // The daemon is not there to look who it was before that has ended.
    signal(daemon, Signal::STOP);
    let sent = Command::new("/bin/sh")
        .args(["-c", &format!("kill -TERM {daemon}")])
        .status();
    assert!(sent.unwrap().success());
    signal(daemon, Signal::CONT);
    wait_until("it is said", || {
        let said = cli.run(&["daemon", "status"]).stdout;
        said.contains("gone when that was looked at").then_some(())
    });
    assert_eq!(cli.daemon_pid(), Some(daemon));
    cli.ok(&["daemon", "stop"]);
    assert_eq!(cli.daemon_pid(), None);
}

#[test]
fn a_process_that_another_program_names_is_not_stopped_for_the_daemon() {
    let cli = Cli::new();
    cli.ok(&["daemon", "start"]);
    let daemon = cli.daemon_pid().unwrap();
    let mut victim = Command::new("sleep")
        .arg("600")
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let named = victim.id();
    // It would bind its socket again.
    signal(daemon, Signal::STOP);
    let socket = cli.home().join(".humanlayer/daemon.sock");
    std::fs::remove_file(&socket).unwrap();
    let listener = UnixListener::bind(&socket).unwrap();
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || {
                let mut reader = BufReader::new(client);
                let mut line = String::new();
                while reader.read_line(&mut line).is_ok_and(|read| read > 0) {
                    let call: serde_json::Value = serde_json::from_str(&line).unwrap();
                    let health = json!({
                        "status": "ok", "version": "0.1.0", "protocol": 1, "pid": named, "database": "",
                        "live_sessions": 0, "places": [], "alarms": [],
                    });
                    let answer = json!({"jsonrpc": "2.0", "id": call["id"], "result": health});
                    let _ = writeln!(reader.get_mut(), "{answer}");
                    line.clear();
                }
            });
        }
    });
    let said = cli.run(&["daemon", "stop"]);
    assert_ne!(said.code, 0, "{said:?}");
    assert!(
        said.stderr.contains("is not the daemon that holds"),
        "{said:?}"
    );
    assert_eq!(victim.try_wait().unwrap(), None, "it lives");
    signal(daemon, Signal::CONT);
    victim.kill().unwrap();
    victim.wait().unwrap();
}
