//! Launching, once and only once, and messages to sessions that cannot take them.

use serde_json::json;
use uuid::Uuid;

use crate::support::daemon::{Daemon, wait_until};

#[test]
fn the_same_launch_twice_is_one_session() {
    let daemon = Daemon::start();
    let id = Uuid::new_v4().to_string();
    let params = json!({
        "query": "TOOL Bash {\"command\": \"echo ran >> ran\"}\nTEXT done", "session_id": id,
        "working_dir": daemon.work(), "approvals": true,
    });
    let first = daemon.call("launchSession", params.clone());
    assert_eq!(first["session_id"], id.as_str());
    assert_eq!(daemon.call("launchSession", params.clone()), first);
    let question = daemon.until_pending(&id);
    assert_eq!(daemon.call("launchSession", params), first);
    daemon.approve(&question);
    daemon.until_status(&id, "completed");
    let ran = std::fs::read_to_string(daemon.work().join("ran")).unwrap();
    assert_eq!(ran, "ran\n");
    let sessions = daemon.call("listSessions", json!({}))["sessions"].clone();
    assert_eq!(sessions.as_array().unwrap().len(), 1);
}

#[test]
fn many_at_once_with_one_id_are_one_session() {
    let daemon = Daemon::start();
    let id = Uuid::new_v4().to_string();
    let params = json!({
        "query": "TOOL Bash {\"command\": \"echo ran >> ran\"}\nTEXT done", "session_id": id,
        "working_dir": daemon.work(), "approvals": true,
    });
    let answers: Vec<_> = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..6)
            .map(|_| scope.spawn(|| daemon.call("launchSession", params.clone())))
            .collect();
        callers
            .into_iter()
            .map(|caller| caller.join().unwrap())
            .collect()
    });
    assert!(
        answers.iter().all(|answer| *answer == answers[0]),
        "{answers:?}"
    );
    daemon.approve(&daemon.until_pending(&id));
    daemon.until_status(&id, "completed");
    let ran = std::fs::read_to_string(daemon.work().join("ran")).unwrap();
    assert_eq!(ran, "ran\n");
}

#[test]
fn a_launch_repeated_after_the_end_starts_and_leaves_nothing() {
    let daemon = Daemon::start();
    let id = Uuid::new_v4().to_string();
    let params = json!({
        "query": "TEXT once", "session_id": id, "working_dir": daemon.work(),
        "env": {"PATH": std::env::var("PATH").unwrap(), "TOKEN": "very-secret"},
    });
    let first = daemon.call("launchSession", params.clone());
    daemon.until_status(&id, "completed");
    daemon.call("endSession", json!({"session_id": id}));
    daemon.until_over(&id);
    assert_eq!(daemon.call("launchSession", params), first);
    assert_eq!(daemon.session(&id)["live"], false);
    assert!(
        !daemon.session_dir(&id).exists(),
        "the spec with its secrets lies around"
    );
}

#[test]
fn what_has_ended_is_neither_ended_nor_interrupted_again() {
    let daemon = Daemon::start();
    let id = daemon.launch_session("TEXT hi");
    daemon.until_status(&id, "completed");
    daemon.call("endSession", json!({"session_id": id}));
    daemon.until_over(&id);
    let mut client = daemon.connect();
    for (method, params) in [
        ("endSession", json!({"session_id": id})),
        ("interruptSession", json!({"session_id": id})),
    ] {
        let error = client.fail(method, params);
        assert_eq!(error["data"]["kind"], "conflict", "{method}: {error}");
        assert_eq!(error["code"], -32004);
    }
}

#[test]
fn a_message_during_a_turn_is_taken_up_after_it() {
    let daemon = Daemon::start();
    let id = daemon.launch_session("WAITFILE go\nTEXT first");
    daemon.until_status(&id, "running");
    daemon.call(
        "sendMessage",
        json!({"session_id": id, "message": "TEXT second"}),
    );
    std::fs::write(daemon.work().join("go"), "").unwrap();
    wait_until("both turns are over", || {
        (daemon.session(&id)["result"] == "second").then_some(())
    });
    let said: Vec<_> = daemon
        .conversation(&id)
        .into_iter()
        .filter(|piece| piece["role"] == "assistant")
        .map(|piece| piece["content"].clone())
        .collect();
    assert_eq!(said, ["first", "second"]);
}

#[test]
fn continuing_a_running_session_stops_it_first() {
    let daemon = Daemon::start();
    let id = daemon.launch_session("TOOL Bash {\"command\": \"touch made\"}\nTEXT never");
    let question = daemon.until_pending(&id);
    let answer = daemon.call(
        "continueSession",
        json!({"session_id": id, "query": "TEXT instead"}),
    );
    let child = answer["session_id"].as_str().unwrap();
    assert_eq!(daemon.until_status(child, "completed")["result"], "instead");
    let parent = daemon.session(&id);
    assert_eq!(
        (&parent["status"], &parent["live"]),
        (&json!("interrupted"), &json!(false))
    );
    let params = json!({"approval_id": question["id"]});
    let question = daemon.call("getApproval", params)["approval"].clone();
    assert_eq!(question["status"], "resolved");
    assert!(!daemon.work().join("made").exists());
}

#[test]
fn clients_are_served_while_a_launch_waits_for_a_slow_disk() {
    let daemon = Daemon::start();
    let id = uuid::Uuid::new_v4().to_string();
    let directory = daemon.session_dir(&id);
    std::fs::create_dir(&directory).unwrap();
    // Whoever opens it to write waits until somebody reads.
    let slow = directory.join("mcp.json");
    rustix::fs::mkfifoat(rustix::fs::CWD, &slow, rustix::fs::Mode::RWXU).unwrap();
    let servers = json!({"mcpServers": {"one": {"command": "true"}}});
    std::thread::scope(|scope| {
        let launch = scope.spawn(|| {
            let params = json!({"query": "TEXT hi", "session_id": id, "mcp_config": servers});
            daemon.launch_session_with(params)
        });
        let mut client = daemon.connect();
        for _ in 0..200 {
            client.call("health", json!({}));
        }
        assert!(!launch.is_finished());
        let written = std::fs::read_to_string(&slow).unwrap();
        assert!(written.contains("\"one\""), "{written}");
        assert_eq!(launch.join().unwrap(), id);
    });
}
