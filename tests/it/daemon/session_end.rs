//! Ends of sessions: of agents that do not want to, and of what they leave behind.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::json;

use crate::support::daemon::{Daemon, wait_until};

/// Whether a process is there and no zombie.
fn lives(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    let state = stat.rsplit_once(") ").map(|(_, rest)| rest.as_bytes()[0]);
    state.is_some_and(|state| state != b'Z')
}

fn pid_in(file: &Path) -> String {
    wait_until("a process id is written", || {
        std::fs::read_to_string(file)
            .ok()
            .filter(|text| text.ends_with('\n'))
    })
}

#[test]
fn an_agent_that_ignores_everything_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("deaf");
    let script = "#!/bin/sh\ntrap '' INT TERM HUP\necho $$ > pid\nwhile :; do sleep 1; done\n";
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
    let daemon = Daemon::with(&[("HUMANLAYER_CLAUDE_PATH", program.to_str().unwrap())]);
    let id = daemon.launch_session("anything");
    let pid = pid_in(&daemon.work().join("pid"));
    assert!(lives(&pid));
    daemon.call("endSession", json!({"session_id": id}));
    let session = daemon.until_over(&id);
    assert!(!lives(&pid));
    assert_eq!(session["live"], false);
    assert_eq!(session["status"], "interrupted");
}

#[test]
fn what_a_session_leaves_running_is_killed_at_its_end() {
    let daemon = Daemon::start();
    let (plain, escaped) = (daemon.work().join("plain"), daemon.work().join("escaped"));
    let command = format!(
        "(echo $BASHPID > '{}'; exec sleep 1000) > /dev/null 2>&1 & \
         setsid bash -c 'trap \"\" TERM HUP; echo $$ > {}; while :; do sleep 1; done' > /dev/null 2>&1 < /dev/null &",
        plain.display(),
        escaped.display()
    );
    let call = json!({"command": format!("bash -c {}", quoted(&command))});
    let id = daemon.launch_session(&format!("TOOL Bash {call}\nTEXT done"));
    daemon.approve(&daemon.until_pending(&id));
    let pids = [pid_in(&plain), pid_in(&escaped)];
    daemon.until_status(&id, "completed");
    assert!(
        pids.iter().all(|pid| lives(pid)),
        "they end with the session, not with the turn"
    );
    daemon.call("endSession", json!({"session_id": id}));
    daemon.until_over(&id);
    assert!(!pids.iter().any(|pid| lives(pid)));
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[test]
fn an_agent_whose_runner_is_killed_does_not_go_on_alone() {
    let daemon = Daemon::start();
    let id = daemon.launch_session("TOOL Bash {\"command\": \"touch made\"}");
    let question = daemon.until_pending(&id);
    let state = std::fs::read(daemon.session_dir(&id).join("runner.json")).unwrap();
    let state: serde_json::Value = serde_json::from_slice(&state).unwrap();
    let (runner, agent) = (&state["runner_pid"], state["agent_pid"].to_string());
    // The agent would see the end of its input a moment before the system kills it too, and could
    // say something more.
    for (pid, signal) in [
        (&state["agent_pid"], rustix::process::Signal::STOP),
        (runner, rustix::process::Signal::KILL),
    ] {
        let pid = i32::try_from(pid.as_i64().unwrap()).unwrap();
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }
    let session = daemon.until_over(&id);
    assert_eq!(session["status"], "failed");
    assert!(
        session["error_message"]
            .as_str()
            .unwrap()
            .contains("runner")
    );
    assert!(!lives(&agent));
    let params = json!({"approval_id": question["id"]});
    let question = daemon.call("getApproval", params)["approval"].clone();
    assert_eq!(question["outcome"], "abandoned");
}

#[test]
fn an_agent_that_crashes_fails_its_session_with_its_last_words() {
    let daemon = Daemon::start();
    let id = daemon.launch_session("TEXT so far\nSTDERR the disk is on fire\nEXIT 7");
    let session = daemon.until_over(&id);
    assert_eq!(session["status"], "failed");
    let told = session["error_message"].as_str().unwrap();
    assert!(
        told == "the agent exited with code 7 during a turn: the disk is on fire",
        "{told}"
    );
    let notes = daemon.conversation(&id);
    let note = notes.iter().find(|note| note["content"] == told).unwrap();
    assert_eq!(note["event_type"], "system");
}

#[test]
fn an_idle_session_is_parked_and_its_outcome_stays() {
    let daemon = Daemon::with(&[("HUMANLAYER_SESSION_IDLE_MINUTES", "0.001")]);
    let id = daemon.launch_session("TEXT all");
    let session = daemon.until_over(&id);
    assert_eq!(
        (&session["status"], &session["result"]),
        (&json!("completed"), &json!("all"))
    );
    // A session that waits for a person is not idle, however long it does.
    let asking = daemon.launch_session("TOOL Bash {\"command\": \"true\"}\nTEXT done");
    let question = daemon.until_pending(&asking);
    let other = daemon.launch_session("TEXT later");
    daemon.until_over(&other);
    assert_eq!(daemon.pending(&asking)[0]["id"], question["id"]);
    assert_eq!(daemon.session(&asking)["live"], true);
    daemon.approve(&question);
    daemon.until_over(&asking);
}

#[test]
fn an_agent_that_does_not_get_going_failed_at_startup() {
    let daemon = Daemon::start();
    let program = daemon.root().join("claude");
    std::fs::remove_file(&program).unwrap();
    std::fs::write(&program, "#!/bin/sh\necho 'no license' >&2\nexit 1\n").unwrap();
    std::fs::set_permissions(
        &program,
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .unwrap();
    let id = daemon.launch_session("TEXT hi");
    let session = daemon.until_over(&id);
    assert_eq!(session["status"], "failed");
    assert_eq!(
        session["error_message"],
        "the agent exited with code 1 at startup: no license"
    );
    // A program that says nothing of its modes is not asked for more.
    let params = json!({"query": "TEXT hi", "permission_mode": "nonsense"});
    daemon.until_over(&daemon.launch_session_with(params));
}
