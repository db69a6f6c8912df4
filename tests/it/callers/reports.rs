//! How a runner ended is taken from the kernel, or from what that runner signed: nobody else says it in its name.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixListener;

use serde_json::{Value, json};

use super::alarms::{open_alarms, runner_of, until_alarm};
use crate::support::cli::signal;
use crate::support::daemon::{Daemon, wait_until};

/// A session whose runner and daemon were killed, as an agent would that wants to leave both behind.
fn escaped() -> (Daemon, String) {
    let mut daemon = Daemon::start();
    let session = daemon.launch_session("WAITFILE never");
    daemon.until_status(&session, "running");
    let runner = runner_of(&daemon, &session);
    daemon.kill();
    signal(runner, rustix::process::Signal::KILL);
    let alive = std::path::PathBuf::from(format!("/proc/{runner}"));
    wait_until("the runner is gone", || (!alive.exists()).then_some(()));
    (daemon, session)
}

fn report() -> Value {
    json!({
        "format": 1, "code": 0, "signal": null, "at": "2026-01-01T00:00:00Z", "stderr_tail": "",
        "delivered": [], "signature": "00".repeat(64),
    })
}

fn write_report(daemon: &Daemon, session: &str) {
    let path = daemon.session_dir(session).join("exit.json");
    std::fs::write(path, report().to_string() + "\n").unwrap();
}

/// Changes what the runner wrote about itself.
fn change_state(daemon: &Daemon, session: &str, change: impl FnOnce(&mut Value)) {
    let path = daemon.session_dir(session).join("runner.json");
    let mut state: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    change(&mut state);
    std::fs::write(path, state.to_string()).unwrap();
}

fn assert_alarm(daemon: &Daemon, session: &str) {
    let alarm = until_alarm(daemon, "runner_killed");
    assert_eq!(alarm["session_id"], session, "{alarm}");
    daemon.until_over(session);
}

#[test]
fn a_report_that_was_left_in_the_place_of_a_killed_runners_hides_nothing() {
    let (mut daemon, session) = escaped();
    write_report(&daemon, &session);
    daemon.launch(&[]);
    assert_alarm(&daemon, &session);
    let said = daemon.session(&session)["error_message"].to_string();
    assert!(said.contains("runner was killed"), "{said}");
}

#[test]
fn neither_another_run_of_the_system_nor_a_later_start_can_be_claimed_for_a_killed_runner() {
    let (mut daemon, session) = escaped();
    write_report(&daemon, &session);
    change_state(&daemon, &session, |state| {
        state["boot_id"] = "another".into();
        state["runner_start_time"] = u64::MAX.into();
    });
    daemon.launch(&[]);
    assert_alarm(&daemon, &session);
    // What has started since the session has, is refused.
    let (victim, asked) = super::victim(&daemon);
    let told = super::alarms::approve_in_a_new_terminal(&daemon, &asked);
    assert!(told.contains("younger than that session"), "{told}");
    super::assert_a_person_decides(&daemon, &victim, &asked);
}

#[test]
fn a_killed_runner_whose_files_are_gone_is_an_alarm() {
    let (mut daemon, session) = escaped();
    for file in ["runner.json", "s", "runner.lock"] {
        std::fs::remove_file(daemon.session_dir(&session).join(file)).unwrap();
    }
    write_report(&daemon, &session);
    daemon.launch(&[]);
    assert_alarm(&daemon, &session);
}

#[test]
fn who_listens_in_the_place_of_a_killed_runner_is_not_believed() {
    let (mut daemon, session) = escaped();
    let own = std::process::id();
    let started = humanlayer::platform::process_start_time(own);
    change_state(&daemon, &session, |state| {
        state["runner_pid"] = own.into();
        state["runner_start_time"] = started.into();
    });
    let socket = daemon.session_dir(&session).join("s");
    std::fs::remove_file(&socket).unwrap();
    // A short name: the path may be too long to bind.
    let directory = std::fs::File::open(socket.parent().unwrap()).unwrap();
    let number = std::os::fd::AsRawFd::as_raw_fd(&directory);
    let listener = UnixListener::bind(format!("/proc/self/fd/{number}/s")).unwrap();
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let mut line = String::new();
            let mut reader = BufReader::new(client);
            let _ = reader.read_line(&mut line);
            let hello = json!({
                "v": 1, "type": "hello", "format": 1, "version": "0.1.0", "runner_pid": own,
                "agent_pid": own, "exited": true, "signature": "00".repeat(64),
            });
            let _ = writeln!(reader.get_mut(), "{hello}");
            let _ = reader.read_line(&mut line);
        }
    });
    daemon.launch(&[]);
    assert_alarm(&daemon, &session);
}

#[test]
fn a_session_that_another_program_wrote_to_be_over_is_an_alarm() {
    let (mut daemon, session) = escaped();
    let over = daemon.database();
    let db = rusqlite::Connection::open(over).unwrap();
    db.execute(
        "UPDATE sessions SET process = 'gone', status = 'completed', phase = 'completed'",
        [],
    )
    .unwrap();
    drop(db);
    daemon.launch(&[]);
    let alarm = until_alarm(&daemon, "runner_killed");
    let detail = alarm["detail"].as_str().unwrap();
    assert!(detail.contains("on record of runners"), "{detail}");
    let shown = daemon.session(&session);
    assert_eq!(shown["id"], session, "{shown}");
}

#[test]
fn an_agent_that_ended_while_no_daemon_ran_is_no_alarm() {
    let mut daemon = Daemon::start();
    let session = daemon.launch_session("WAITFILE never");
    daemon.until_status(&session, "running");
    let state = std::fs::read(daemon.session_dir(&session).join("runner.json")).unwrap();
    let state: Value = serde_json::from_slice(&state).unwrap();
    daemon.kill();
    let agent = i32::try_from(state["agent_pid"].as_i64().unwrap()).unwrap();
    signal(agent, rustix::process::Signal::KILL);
    let exit = daemon.session_dir(&session).join("exit.json");
    wait_until("the runner has reported", || exit.exists().then_some(()));
    daemon.launch(&[]);
    daemon.until_over(&session);
    let said = daemon.session(&session)["error_message"].to_string();
    assert!(said.contains("signal 9"), "{said}");
    assert!(open_alarms(&daemon).is_empty());
}
