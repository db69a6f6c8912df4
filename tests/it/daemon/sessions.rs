//! A session from its launch to its end.

use serde_json::json;

use crate::support::daemon::Daemon;

#[test]
fn a_question_becomes_an_approval_and_the_answer_reaches_the_agent() {
    let daemon = Daemon::start();
    let id =
        daemon.launch_session("TEXT hello\nTOOL Bash {\"command\": \"touch made\"}\nTEXT done");
    let approval = daemon.until_pending(&id);
    assert_eq!(approval["tool_name"], "Bash");
    assert_eq!(approval["tool_input"], json!({"command": "touch made"}));
    assert_eq!(daemon.session(&id)["status"], "waiting_input");
    assert!(!daemon.work().join("made").exists());
    daemon.approve(&approval);
    let session = daemon.until_status(&id, "completed");
    assert_eq!(session["result"], "done");
    assert_eq!(session["pending_approvals"], 0);
    assert!(daemon.work().join("made").exists());
    let kinds: Vec<String> = daemon
        .conversation(&id)
        .iter()
        .map(|event| event["event_type"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        kinds,
        ["message", "message", "tool_call", "tool_result", "message"]
    );
}

#[test]
fn a_decision_stands_and_the_second_decider_learns_who_was_first() {
    let daemon = Daemon::start();
    let id = daemon.launch_session("TOOL Bash {\"command\": \"touch made\"}");
    let approval = daemon.until_pending(&id);
    let denied = daemon.decide(
        &approval,
        json!({"decision": "deny", "comment": "not today"}),
    );
    assert_eq!(denied["approval"]["outcome"], "denied");
    let second = daemon.decide(&approval, json!({"decision": "approve"}));
    assert_eq!(second["success"], false);
    assert_eq!(second["error_kind"], "already_resolved");
    assert_eq!(second["approval"]["decided_by"]["kind"], "person");
    daemon.until_status(&id, "completed");
    assert!(!daemon.work().join("made").exists());
    let result = daemon
        .conversation(&id)
        .into_iter()
        .find(|event| event["event_type"] == "tool_result")
        .unwrap();
    assert_eq!(result["is_error"], true);
    assert!(
        result["tool_result_content"]
            .as_str()
            .unwrap()
            .contains("not today")
    );
}
