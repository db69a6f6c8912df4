//! Runners and agents that a signal has stopped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use super::{signal, until_alarm, verb};
use crate::support::daemon::{Daemon, wait_until};

/// The processes of a session: its runner and its agent.
fn processes(daemon: &Daemon, session: &str) -> (u32, u32) {
    wait_until("the agent runs", || {
        let state = std::fs::read(daemon.session_dir(session).join("runner.json")).ok()?;
        let state: Value = serde_json::from_slice(&state).ok()?;
        let pid = |name: &str| u32::try_from(state[name].as_u64()?).ok();
        Some((pid("runner_pid")?, pid("agent_pid")?))
    })
}

fn is_stopped(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')')
        .next()
        .is_some_and(|rest| rest.trim_start().starts_with('T'))
}

#[test]
fn a_runner_that_is_stopped_goes_on_and_that_is_an_alarm() {
    let daemon = Daemon::unprivileged();
    let session = daemon.launch_session("TOOL Bash {\"command\": \"touch made\"}\nTEXT done");
    let asked = daemon.until_pending(&session);
    let (runner, _) = processes(&daemon, &session);
    signal(runner, Signal::STOP);
    let alarm = until_alarm(&daemon, "runner_stopped");
    assert_eq!(alarm["session_id"], session.as_str(), "{alarm}");
    let status = daemon
        .command()
        .args(["daemon", "status"])
        .output()
        .unwrap();
    let said = String::from_utf8(status.stdout).unwrap();
    assert!(said.contains("stopped the session's runner"), "{said}");
    wait_until("it goes on", || (!is_stopped(runner)).then_some(()));
    daemon.approve(&asked);
    daemon.until_status(&session, "completed");
}

#[test]
fn a_session_whose_runner_is_stopped_again_and_again_can_be_ended() {
    let daemon = Daemon::unprivileged();
    let session = daemon.launch_session("TEXT working\nWAITFILE never");
    let (runner, agent) = processes(&daemon, &session);
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let attacker = std::thread::spawn(move || {
        let pid = rustix::process::Pid::from_raw(runner.cast_signed()).unwrap();
        while !stopped.load(Ordering::Relaxed) {
            if rustix::process::kill_process(pid, Signal::STOP).is_err() {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    verb(&daemon, &["end", &session]);
    let ended = daemon.until_over(&session);
    stop.store(true, Ordering::Relaxed);
    attacker.join().unwrap();
    assert_eq!(ended["live"], false, "{ended}");
    assert!(!std::path::Path::new(&format!("/proc/{agent}")).exists());
    let alarms = daemon.call("listAlarms", json!({}))["alarms"].clone();
    let kinds: Vec<_> = alarms
        .as_array()
        .unwrap()
        .iter()
        .map(|alarm| &alarm["kind"])
        .collect();
    assert_eq!(
        kinds,
        ["runner_stopped"],
        "ended from here, so nothing escaped"
    );
}

#[test]
fn an_agent_that_is_stopped_is_said_to_be_until_it_goes_on() {
    let daemon = Daemon::unprivileged();
    let session = daemon.launch_session("TEXT working\nWAITFILE never");
    let (_, agent) = processes(&daemon, &session);
    signal(agent, Signal::STOP);
    let problem = |daemon: &Daemon| daemon.call("health", json!({}))["problem"].clone();
    let said = wait_until("it is said", || {
        problem(&daemon).as_str().map(str::to_owned)
    });
    assert!(
        said.contains(&format!("its agent (process {agent}) is stopped")),
        "{said}"
    );
    let status = daemon
        .command()
        .args(["daemon", "status"])
        .output()
        .unwrap();
    assert!(!status.status.success());
    signal(agent, Signal::CONT);
    wait_until("it is said no more", || {
        problem(&daemon).is_null().then_some(())
    });
}
