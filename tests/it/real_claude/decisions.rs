//! What is recorded of a decision is what the real Claude Code does with it.

use rstest::rstest;
use serde_json::{Value, json};

use super::ClaudeHarness;
use crate::support::daemon::wait_until;

/// An empty object is taken for no edit by 2.1, which runs the original then; 2.0 fails.
#[rstest]
fn an_edit_that_would_not_run_as_it_is_is_refused_and_a_good_one_runs(
    #[values("2.0.37", "2.1.133", "2.1.330", "2.1.332")] version: &str,
) {
    let rig = ClaudeHarness::of_version(version);
    let id = rig.launch("TOOL Bash {\"command\": \"echo original >> ran\"}\nTEXT done");
    let approval = rig.daemon.until_pending(&id);
    let mut client = rig.daemon.connect();
    for input in [
        json!({}),
        json!({"__proto__": {"command": "echo no >> ran"}}),
        json!({"description": "without a command"}),
        json!({"command": ["echo", "no"]}),
    ] {
        let error = client.fail(
            "sendDecision",
            json!({"approval_id": approval["id"], "decision": "approve", "updated_input": input}),
        );
        assert_eq!(error["data"]["field"], "updated_input", "{error}");
    }
    assert_eq!(rig.approval(&approval)["outcome"], "pending");
    let edited = json!({"command": "echo edited >> ran"});
    rig.daemon.decide(
        &approval,
        json!({"decision": "approve", "updated_input": edited}),
    );
    rig.until_result(&id, "done");
    assert_eq!(rig.lines("ran"), ["edited"]);
    assert_eq!(rig.approval(&approval)["updated_input"], edited);
    let call = &rig.pieces(&id, "tool_call")[0];
    let told: Value = serde_json::from_str(call["edited_input_json"].as_str().unwrap()).unwrap();
    assert_eq!(told, edited);
    assert!(
        call["tool_input_json"]
            .as_str()
            .unwrap()
            .contains("original")
    );
}

#[test]
fn an_edit_that_changes_nothing_is_none() {
    let rig = ClaudeHarness::start();
    let id = rig.launch("TOOL Bash {\"command\": \"touch made\"}\nTEXT done");
    let approval = rig.daemon.until_pending(&id);
    let same = approval["tool_input"].clone();
    rig.daemon.decide(
        &approval,
        json!({"decision": "approve", "updated_input": same}),
    );
    rig.until_result(&id, "done");
    assert!(rig.approval(&approval)["updated_input"].is_null());
}

#[test]
fn a_rule_granted_with_one_request_decides_the_others_that_it_covers() {
    let rig = ClaudeHarness::start();
    // Claude Code asks about these at the same time; nothing is reached under this name.
    let fetch = |host: &str, page: &str| {
        let url = format!("https://{host}/{page}");
        format!("TOOL WebFetch {}", json!({"url": url, "prompt": "x"}))
    };
    let script = [
        fetch("one.invalid", "a"),
        fetch("one.invalid", "b"),
        fetch("two.invalid", "c"),
        "TEXT done".to_owned(),
    ];
    let id = rig.launch(&script.join("\n"));
    let pending = wait_until("all three are asked", || {
        let pending = rig.daemon.pending(&id);
        (pending.len() == 3).then_some(pending)
    });
    let rule = pending[0]["permission_suggestions"][0].clone();
    assert_eq!(rule["type"], "addRules");
    rig.daemon.decide(
        &pending[0],
        json!({"decision": "approve", "updated_permissions": [rule]}),
    );
    let covered = rig.approval(&pending[1]);
    assert_eq!(covered["outcome"], "approved");
    assert_eq!(covered["decided_by"]["kind"], "rule");
    assert_eq!(
        covered["decided_by"]["rule"],
        "WebFetch(domain:one.invalid)"
    );
    assert_eq!(covered["decided_by"]["granted_by"]["kind"], "person");
    assert_eq!(rig.approval(&pending[2])["outcome"], "pending");
    rig.daemon
        .decide(&pending[2], json!({"decision": "deny", "comment": "no"}));
    rig.until_result(&id, "done");
    assert!(rig.approval(&pending[1])["delivered_at"].is_string());
}

#[test]
fn a_rule_alone_does_not_accept_edits_or_open_directories() {
    let rig = ClaudeHarness::start();
    let write = rig.daemon.work().join("written");
    let script = format!(
        "TOOL Bash {{\"command\": \"touch made\"}}\nTEXT next\nTOOL Write {}\nTEXT done",
        json!({"file_path": write, "content": "x\n"})
    );
    let id = rig.launch(&script);
    let touch = rig.daemon.until_pending(&id);
    let suggestions = touch["permission_suggestions"].as_array().unwrap();
    let rules: Vec<&Value> = suggestions
        .iter()
        .filter(|update| update["type"] == "addRules")
        .collect();
    assert!(
        suggestions.len() > rules.len(),
        "more is suggested than a rule"
    );
    rig.daemon.decide(
        &touch,
        json!({"decision": "approve", "updated_permissions": rules}),
    );
    let asked = wait_until("the file is asked about", || {
        let pending = rig.daemon.pending(&id);
        pending.into_iter().find(|one| one["tool_name"] == "Write")
    });
    assert!(!write.exists());
    rig.daemon.approve(&asked);
    rig.until_result(&id, "done");
}
