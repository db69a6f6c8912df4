//! Alarms: what must not have happened and has is noticed, said, and on record.

use std::process::Command;

use serde_json::{Value, json};

use super::terminals::stand_in;
use super::{assert_a_person_decides, victim};
use crate::support::cli::signal;
use crate::support::daemon::{Daemon, wait_until};
use crate::support::scripted_agent::binary;

pub fn open_alarms(daemon: &Daemon) -> Vec<Value> {
    let listed = daemon.call("listAlarms", json!({}));
    listed["alarms"].as_array().unwrap().clone()
}

pub fn until_alarm(daemon: &Daemon, kind: &str) -> Value {
    wait_until("the alarm is raised", || {
        open_alarms(daemon)
            .into_iter()
            .find(|alarm| alarm["kind"] == kind)
    })
}

pub fn runner_of(daemon: &Daemon, session: &str) -> i32 {
    let state = wait_until("the runner has said who it is", || {
        let state = std::fs::read(daemon.session_dir(session).join("runner.json")).ok()?;
        let state: Value = serde_json::from_slice(&state).ok()?;
        state["agent_pid"].is_u64().then_some(state)
    });
    i32::try_from(state["runner_pid"].as_i64().unwrap()).unwrap()
}

fn said(daemon: &Daemon, arguments: &[&str]) -> String {
    let output = daemon.command().args(arguments).output().unwrap();
    String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
}

/// What the daemon has written itself is no other's doing for the next one.
fn restart_without_an_alarm(daemon: &mut Daemon) {
    daemon.kill_and_restart();
    let open = open_alarms(daemon);
    assert!(open.is_empty(), "{open:?}");
}

/// `humanlayer approve` in a terminal that is opened now.
pub fn approve_in_a_new_terminal(daemon: &Daemon, asked: &Value) -> String {
    let log = daemon.root().join("typescript");
    let typed = format!(
        "'{}' --daemon-socket '{}' approve {}",
        binary(),
        daemon.socket().display(),
        asked["id"].as_str().unwrap()
    );
    Command::new(stand_in(daemon, "xterm"))
        .args(["-qec", &typed])
        .arg(&log)
        .output()
        .unwrap();
    std::fs::read_to_string(log).unwrap()
}

#[test]
fn after_a_runner_was_killed_a_younger_terminal_decides_nothing_until_that_is_acknowledged() {
    let mut daemon = Daemon::start();
    let agent = daemon.launch_session("WAITFILE never");
    daemon.until_status(&agent, "running");
    signal(runner_of(&daemon, &agent), rustix::process::Signal::KILL);
    let alarm = until_alarm(&daemon, "runner_killed");
    assert_eq!(alarm["session_id"], agent);
    for words in [["daemon", "status"], ["alarms", "list"]] {
        let said = said(&daemon, &words);
        assert!(said.contains("runner was killed"), "{said}");
    }
    assert!(said(&daemon, &["doctor"]).contains("runner was killed"));
    assert_eq!(daemon.call("getOverview", json!({}))["open_alarms"], 1);
    // The next daemon knows it, too.
    daemon.kill_and_restart();
    let (session, asked) = victim(&daemon);
    let told = approve_in_a_new_terminal(&daemon, &asked);
    assert!(told.contains("younger than that session"), "{told}");
    // What is older goes on deciding.
    assert_a_person_decides(&daemon, &session, &asked);
    let id = alarm["id"].to_string();
    assert!(said(&daemon, &["alarms", "ack", &id]).contains("acknowledged"));
    assert!(open_alarms(&daemon).is_empty());
    let all = daemon.call("listAlarms", json!({"all": true}))["alarms"].clone();
    assert!(all[0]["acknowledged_by"].is_string(), "{all}");
    let _ = std::fs::remove_file(daemon.work().join("made"));
    let (session, asked) = victim(&daemon);
    let told = approve_in_a_new_terminal(&daemon, &asked);
    assert!(told.contains("approved"), "{told}");
    daemon.until_status(&session, "completed");
}

#[test]
fn a_report_that_the_agent_wrote_hides_no_killed_runner() {
    let daemon = Daemon::start();
    let agent = daemon.launch_session("WAITFILE never");
    daemon.until_status(&agent, "running");
    let runner = runner_of(&daemon, &agent);
    signal(runner, rustix::process::Signal::STOP);
    let report = json!({"format": 1, "code": 0, "signal": null, "at": "2026-01-01T00:00:00Z", "stderr_tail": ""});
    std::fs::write(
        daemon.session_dir(&agent).join("exit.json"),
        report.to_string(),
    )
    .unwrap();
    signal(runner, rustix::process::Signal::KILL);
    until_alarm(&daemon, "runner_killed");
}

#[test]
fn an_end_that_nobody_forced_is_no_alarm() {
    let daemon = Daemon::start();
    let ended = daemon.launch_session("TEXT hello");
    daemon.until_status(&ended, "completed");
    daemon.call("endSession", json!({"session_id": ended}));
    daemon.until_over(&ended);
    let failed = daemon.launch_session("WAITFILE never");
    daemon.until_status(&failed, "running");
    let state = std::fs::read(daemon.session_dir(&failed).join("runner.json")).unwrap();
    let state: Value = serde_json::from_slice(&state).unwrap();
    let agent = i32::try_from(state["agent_pid"].as_i64().unwrap()).unwrap();
    signal(agent, rustix::process::Signal::KILL);
    daemon.until_over(&failed);
    assert!(
        open_alarms(&daemon).is_empty(),
        "{:?}",
        open_alarms(&daemon)
    );
}

#[test]
fn what_another_program_wrote_into_the_database_permits_nothing_until_it_is_acknowledged() {
    let daemon = Daemon::start();
    let id = daemon.launch_session(
        "WAITFILE go\nTOOL Bash {\"command\": \"touch one\"}\nTOOL Bash {\"command\": \"touch two\"}\nTEXT done",
    );
    daemon.until_status(&id, "running");
    let db = rusqlite::Connection::open(daemon.database()).unwrap();
    db.busy_timeout(std::time::Duration::from_secs(5)).unwrap();
    db.execute("UPDATE sessions SET skip_permissions = 1", [])
        .unwrap();
    drop(db);
    std::fs::write(daemon.work().join("go"), "").unwrap();
    let asked = daemon.until_pending(&id);
    let alarm = until_alarm(&daemon, "foreign_writer");
    assert!(!daemon.work().join("one").exists());
    assert!(said(&daemon, &["daemon", "status"]).contains("another program has written"));
    // Who has looked at what is in force may let it be so.
    daemon.call("acknowledgeAlarm", json!({"id": alarm["id"]}));
    daemon.approve(&asked);
    daemon.until_status(&id, "completed");
    assert!(daemon.work().join("two").exists());
    assert!(open_alarms(&daemon).is_empty());
}

#[test]
fn what_was_written_while_no_daemon_ran_permits_nothing_either() {
    let mut daemon = Daemon::start();
    let script = "WAITFILE go\nTOOL Bash {\"command\": \"touch one\"}\nTEXT done";
    let id = daemon.launch_session(script);
    daemon.until_status(&id, "running");
    let over = daemon.launch_session("TEXT over");
    daemon.until_status(&over, "completed");
    daemon.call("endSession", json!({"session_id": over}));
    daemon.until_over(&over);
    let accepting = json!({"session_id": id, "auto_accept_edits": true});
    daemon.call("updateSessionSettings", accepting);
    daemon.call("createKey", json!({"name": "mine"}));
    restart_without_an_alarm(&mut daemon);
    daemon.kill();
    let db = rusqlite::Connection::open(daemon.database()).unwrap();
    db.execute_batch(
        "UPDATE sessions SET skip_permissions = 1, config = json_set(config, '$.allowed_tools', json_array('Bash'));
         INSERT INTO places (kind, name, program, added_by, created_at) VALUES ('unit', 'x.service', 'x', 'me', 1);
         INSERT INTO api_keys (name, hash, may_decide, created_at) VALUES ('theirs', zeroblob(32), 1, 1);",
    )
    .unwrap();
    drop(db);
    daemon.launch(&[]);
    let alarm = until_alarm(&daemon, "foreign_writer");
    let detail = alarm["detail"].as_str().unwrap();
    assert!(detail.contains("while no daemon ran"), "{detail}");
    for named in ["place ", "key theirs", &format!("session {}", &id[..8])] {
        assert!(detail.contains(named), "{named}: {detail}");
    }
    assert!(!detail.contains("key mine"), "{detail}");
    let in_force = || {
        let keys = daemon.call("listKeys", json!({}));
        let places = daemon.call("listPlaces", json!({}));
        (keys["keys"].to_string(), places["places"].to_string())
    };
    let (keys, places) = in_force();
    assert!(keys.contains("mine") && !keys.contains("theirs"), "{keys}");
    assert!(!places.contains("x.service"), "{places}");
    std::fs::write(daemon.work().join("go"), "").unwrap();
    let asked = daemon.until_pending(&id);
    assert!(!daemon.work().join("one").exists());
    let told = json!({"session_id": over, "message": "TEXT again"});
    daemon.call("sendMessage", told);
    let waits = || {
        daemon.session(&over)["waiting_for"]
            .as_str()
            .map(str::to_owned)
    };
    let reason = wait_until("the session waits", waits);
    assert!(reason.contains("humanlayer alarms"), "{reason}");
    // Who has looked may let it be so, for the next daemon too.
    daemon.call("acknowledgeAlarm", json!({"id": alarm["id"]}));
    let (keys, places) = in_force();
    assert!(keys.contains("theirs"), "{keys}");
    assert!(places.contains("x.service"), "{places}");
    daemon.approve(&asked);
    daemon.until_status(&id, "completed");
    wait_until("the session goes on", || waits().is_none().then_some(()));
    restart_without_an_alarm(&mut daemon);
}

#[test]
fn a_tool_that_ran_although_nobody_approved_it_is_an_alarm() {
    let daemon = Daemon::start();
    let id = daemon.launch_session("TEXT first");
    daemon.until_status(&id, "completed");
    daemon.call(
        "createApproval",
        json!({"run_id": id, "tool_name": "Bash", "tool_input": {"command": "x"}, "tool_use_id": "toolu_1"}),
    );
    let call = json!({"type": "assistant", "message": {"role": "assistant", "content": [
        {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"command": "x"}},
    ]}, "parent_tool_use_id": null});
    let result = json!({"type": "user", "message": {"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": "toolu_1", "content": "ran", "is_error": false},
    ]}, "parent_tool_use_id": null});
    daemon.call(
        "sendMessage",
        json!({"session_id": id, "message": format!("UNKNOWN {call}\nUNKNOWN {result}\nTEXT second")}),
    );
    let alarm = until_alarm(&daemon, "ran_unapproved");
    let detail = alarm["detail"].as_str().unwrap();
    assert!(detail.contains("nobody had approved it"), "{detail}");
    // It forbids nothing, and stays until it is acknowledged.
    daemon.call("acknowledgeAlarm", json!({"id": alarm["id"]}));
    assert!(open_alarms(&daemon).is_empty());
}

#[test]
fn a_rule_that_another_program_wrote_to_be_granted_is_an_alarm_and_one_that_a_person_did_is_none() {
    let mut daemon = Daemon::start();
    let (session, asked) = victim(&daemon);
    let rule = json!([{"type": "addRules", "behavior": "allow", "destination": "session",
        "rules": [{"toolName": "Bash", "ruleContent": "touch made"}]}]);
    daemon.decide(
        &asked,
        json!({"decision": "approve", "updated_permissions": rule}),
    );
    daemon.until_status(&session, "completed");
    restart_without_an_alarm(&mut daemon);
    daemon.kill();
    let db = rusqlite::Connection::open(daemon.database()).unwrap();
    let changed = db
        .execute(
            "UPDATE approvals SET updated_permissions = replace(updated_permissions, 'touch made', '*')",
            [],
        )
        .unwrap();
    assert_eq!(changed, 1);
    drop(db);
    daemon.launch(&[]);
    let alarm = until_alarm(&daemon, "foreign_writer");
    let detail = alarm["detail"].as_str().unwrap();
    assert!(detail.contains("approval "), "{detail}");
}
