//! What is pending is bounded, and however much it is, it can be listed.

use serde_json::json;

use super::{crowd, verb};
use crate::support::daemon::Daemon;

#[test]
fn an_agent_that_asks_over_mcp_on_and_on_is_refused_at_a_bound() {
    let daemon = Daemon::unprivileged();
    let (session, told) = crowd(&daemon, "questions");
    assert_eq!(told["asked"], 200, "{told}");
    let error = &told["last"]["error"];
    assert_eq!(error["data"]["kind"], "unavailable", "{told}");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("200 requests of this session"), "{told}");
    // An answer makes room, and another session is not concerned.
    assert_eq!(daemon.pending(&session).len(), 200);
    let other = daemon.launch_session("TOOL Bash {\"command\": \"touch made\"}\nTEXT done");
    let asked = daemon.until_pending(&other);
    daemon.approve(&asked);
    daemon.until_status(&other, "completed");
}

#[test]
fn questions_that_an_agent_writes_itself_are_denied_beyond_a_bound() {
    let daemon = Daemon::start();
    let ask = |number: usize| {
        json!({"type": "control_request", "request_id": format!("r{number}"), "request":
            {"subtype": "can_use_tool", "tool_name": "Bash", "input": {"command": "true"},
             "tool_use_id": format!("t{number}")}})
    };
    let lines = daemon.work().join("lines");
    let text: String = (0..1_010)
        .map(|number| format!("{}\n", ask(number)))
        .collect();
    std::fs::write(&lines, text).unwrap();
    let command = format!(
        "cat '{}' >> \"$(ls '{}'/*/journal.jsonl)\"",
        lines.display(),
        daemon.state().join("sessions").display()
    );
    let session = daemon.launch_session_with(json!({
        "query": format!("TOOL Bash {}\nWAITFILE never", json!({"command": command})),
        "dangerously_skip_permissions": false,
    }));
    let first = daemon.until_pending(&session);
    daemon.approve(&first);
    let counts = crate::support::daemon::wait_until("all are recorded", || {
        let all = daemon.call("getOverview", json!({}));
        (all["pending_total"] == 1_000).then_some(all)
    });
    assert_eq!(counts["pending_approvals"].as_array().unwrap().len(), 500);
    let denied = crate::support::daemon::wait_until("the rest is denied", || {
        let all = daemon.call("listApprovals", json!({"all": true, "limit": 20}));
        let all = all["approvals"].as_array().unwrap().clone();
        let denied: Vec<_> = all
            .into_iter()
            .filter(|one| one["outcome"] == "denied")
            .collect();
        (denied.len() == 10).then_some(denied)
    });
    assert_eq!(denied[0]["decided_by"]["rule"], "too_many_pending");
}

#[test]
fn however_many_large_requests_are_pending_all_can_be_listed() {
    let daemon = Daemon::start();
    let large = "x".repeat(7 * 1024 * 1024);
    for asker in ["a", "b", "c"] {
        for number in 0..4 {
            daemon.call(
                "createApproval",
                json!({
                    "external": {"name": asker, "cwd": "/", "pid": 1}, "tool_name": "Write",
                    "tool_input": {"file_path": "/x", "content": large}, "call_id": format!("{asker}{number}"),
                }),
            );
        }
    }
    let refused = daemon.connect().fail(
        "createApproval",
        json!({
            "external": {"name": "a", "cwd": "/", "pid": 1}, "tool_name": "Write",
            "tool_input": {"file_path": "/x", "content": large}, "call_id": "one more",
        }),
    );
    let message = refused["message"].as_str().unwrap();
    assert!(message.contains("32 MiB of requests"), "{message}");
    let overview = daemon.call("getOverview", json!({}));
    assert_eq!(overview["pending_total"], 12);
    assert_eq!(overview["pending_approvals"].as_array().unwrap().len(), 2);
    let page = daemon.call("listApprovals", json!({}));
    assert_eq!(page["has_more"], true);
    let listed = verb(&daemon, &["approvals", "--quiet"]);
    assert_eq!(listed.lines().count(), 12, "{listed}");
}
