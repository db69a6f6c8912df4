//! A directory whose file system never answers, as one on a network drive whose server is gone: what needs that
//! directory waits, and everything else goes on.

#![allow(clippy::print_stderr, reason = "a failed test says how far it came")]

use serde_json::{Value, json};

use super::harness::FaultHarness;
use crate::support::daemon::{Client, wait_until};
use crate::support::disk::in_own_mounts;
use crate::support::hung_directory::{HungDirectory, may_serve};

/// Asks without waiting for the answer.
fn ask_of(rig: &FaultHarness, method: &str, params: &Value) -> Client {
    let mut client = rig.daemon.connect();
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    client.send(&request.to_string());
    client
}

#[test]
fn a_directory_that_never_answers_keeps_up_nothing_but_what_needs_it() {
    if !in_own_mounts(
        "faults::hung_directory::a_directory_that_never_answers_keeps_up_nothing_but_what_needs_it",
    ) {
        return;
    }
    if let Err(error) = may_serve() {
        eprintln!("no file system can be served here: /dev/fuse: {error}");
        return;
    }
    let mut rig = FaultHarness::start();
    let directory = rig.daemon.root().join("hung");
    std::fs::create_dir(&directory).unwrap();
    let launch = |query: &str| {
        let params = json!({"query": query, "working_dir": directory});
        rig.daemon.launch_session_with(params)
    };
    let ended = launch("TEXT hello");
    let over = launch("TEXT hello");
    let resting = launch("TEXT hello\nMESSAGE");
    let accepting = launch("TEXT hello\nMESSAGE");
    let asking = launch("TOOL Bash {\"command\": \"true\"}\nTEXT over");
    for id in [&ended, &over, &resting, &accepting] {
        rig.daemon.until_status(id, "completed");
    }
    for id in [&ended, &over] {
        rig.daemon.call("endSession", json!({"session_id": id}));
        rig.daemon.until_over(id);
    }
    rig.daemon.until_pending(&asking);
    let accepts = json!({"session_id": accepting, "auto_accept_edits": true});
    rig.daemon.call("updateSessionSettings", accepts);
    let hung = HungDirectory::mount(&directory);
    let in_hung = directory.join("below");
    let path = format!("{}:/usr/bin", directory.display());
    let needs_it = [
        (
            "launchSession",
            json!({"query": "TEXT new", "working_dir": directory}),
        ),
        (
            "launchSession",
            json!({"query": "TEXT new", "working_dir": in_hung}),
        ),
        (
            "launchSession",
            json!({"query": "TEXT new", "working_dir": rig.daemon.work(), "additional_directories": [directory]}),
        ),
        (
            "sendMessage",
            json!({"session_id": ended, "message": "go on"}),
        ),
        (
            "sendMessage",
            json!({"session_id": resting, "message": "go on"}),
        ),
        (
            "sendMessage",
            json!({"session_id": accepting, "message": "go on"}),
        ),
        (
            "continueSession",
            json!({"session_id": ended, "query": "fork", "fork": true}),
        ),
        (
            "moveSession",
            json!({"session_id": over, "working_dir": in_hung}),
        ),
        ("restartSession", json!({"session_id": resting})),
        ("getAgentInfo", json!({"path": path})),
        ("deleteSessions", json!({"session_ids": [over]})),
        ("getSessionSnapshots", json!({"session_id": ended})),
    ];
    let mut waiting = Vec::new();
    for (method, params) in &needs_it {
        waiting.push(ask_of(&rig, method, params));
        // Tells a reader of a failed test which of them kept up everything.
        eprintln!("{method} {params}");
        rig.daemon.call("getOverview", json!({}));
    }
    // Each question of the others is asked, shown, answered and carried out meanwhile.
    let questions = 20;
    let script = "TOOL Bash {\"command\": \"echo x >> runs\"}\n".repeat(questions);
    let other = rig.launch(&format!("{script}TEXT over"));
    for _ in 0..questions {
        let approval = rig.daemon.until_pending(&other.id);
        rig.daemon.approve(&approval);
    }
    rig.daemon.until_status(&other.id, "completed");
    let runs = std::fs::read_to_string(rig.daemon.work().join("runs")).unwrap();
    assert_eq!(runs.lines().count(), questions);
    // What only shows something needs no directory.
    for (method, params) in [
        ("health", json!({})),
        ("getOverview", json!({})),
        ("listSessions", json!({})),
        ("getRecentPaths", json!({})),
        ("getSessionState", json!({"session_id": resting})),
        ("getConversation", json!({"session_id": ended})),
        ("listApprovals", json!({"all": true})),
    ] {
        rig.daemon.call(method, params);
    }
    wait_until("it is said that the agent there is stopped", || {
        let said = rig.daemon.conversation(&asking);
        let says = |item: &Value| item.to_string().contains("The agent is stopped");
        said.iter().any(says).then_some(())
    });
    // A session there can be ended.
    rig.daemon
        .call("endSession", json!({"session_id": accepting}));
    rig.daemon.until_over(&accepting);
    // And the daemon can be stopped and started.
    drop(waiting);
    rig.daemon.stop();
    rig.daemon.launch(&[]);
    rig.daemon.call("health", json!({}));
    drop(hung);
    wait_until("the question of the session there is answered", || {
        let pending = rig.daemon.pending(&asking);
        let approval = pending.first()?;
        let mut client = rig.daemon.connect();
        let decision = json!({"approval_id": approval["id"], "decision": "approve"});
        client
            .ask("sendDecision", decision)
            .get("error")
            .is_none()
            .then_some(())
    });
}
