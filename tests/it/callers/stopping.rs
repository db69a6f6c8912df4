//! No agent stops the daemon, and nobody has another process stopped in its name.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};

use rustix::process::Signal;
use serde_json::json;

use super::alarms::until_alarm;
use crate::support::cli::{Cli, parent_of_daemon, signal};
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

/// The words of a daemon's verb, run by an agent without any environment but one that would have agents run
/// another program. `before` is done before it is run.
fn an_agents_verb(daemon: &mut Daemon, verb: &str, before: impl FnOnce(&mut Daemon)) -> String {
    let (told, begin) = (daemon.work().join("told"), daemon.work().join("begin"));
    let own = daemon.work().join("own");
    std::fs::write(&own, "#!/bin/sh\ntouch ran\n").unwrap();
    std::fs::set_permissions(&own, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let command = format!(
        ": > {told}.runs; while [ ! -e {begin} ]; do sleep 0.05; done; env -i HUMANLAYER_CLAUDE_PATH={own} HUMANLAYER_DATABASE_PATH={database} '{program}' --daemon-socket '{socket}' daemon {verb} > {told}.part 2>&1; mv {told}.part {told}",
        begin = begin.display(),
        own = own.display(),
        database = daemon.database().display(),
        program = binary(),
        socket = daemon.socket().display(),
        told = told.display(),
    );
    daemon.launch_session_with(json!({
        "query": format!("TOOL Bash {}\nTEXT done", json!({"command": command})),
        "dangerously_skip_permissions": true,
    }));
    // Its permission comes from the daemon.
    let runs = told.with_extension("runs");
    wait_until("the agent's command runs", || runs.exists().then_some(()));
    before(daemon);
    std::fs::write(begin, "").unwrap();
    wait_until("the agent has tried", || {
        std::fs::read_to_string(&told).ok()
    })
}

#[test]
fn an_agent_does_not_restart_the_daemon_with_an_environment_of_its_own() {
    let mut daemon = Daemon::unprivileged();
    let said = an_agents_verb(&mut daemon, "restart", |_| {});
    assert!(said.contains("an agent may not stop the daemon"), "{said}");
    assert!(daemon.try_wait().is_none());
}

#[test]
fn an_agent_does_not_start_a_daemon_where_there_is_none() {
    let mut daemon = Daemon::unprivileged();
    let said = an_agents_verb(&mut daemon, "start", Daemon::kill);
    assert!(
        said.contains("none is started from inside a session"),
        "{said}"
    );
    std::os::unix::net::UnixStream::connect(daemon.socket()).unwrap_err();
    daemon.launch(&[]);
    let next = daemon.launch_session("TEXT done");
    daemon.until_status(&next, "completed");
    assert!(!daemon.work().join("ran").exists());
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
    let parent = parent_of_daemon(daemon).unwrap();
    signal(parent, Signal::STOP);
    signal(daemon, Signal::STOP);
    let sent = Command::new("/bin/sh")
        .args(["-c", &format!("kill -TERM {daemon}")])
        .status();
    assert!(sent.unwrap().success());
    signal(daemon, Signal::CONT);
    signal(parent, Signal::CONT);
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
    // It would bind its socket again, and what watches over it would let it go on.
    let parent = parent_of_daemon(daemon);
    for process in parent.into_iter().chain([daemon]) {
        signal(process, Signal::STOP);
    }
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
    for process in parent.into_iter().chain([daemon]) {
        signal(process, Signal::CONT);
    }
    victim.kill().unwrap();
    victim.wait().unwrap();
}
