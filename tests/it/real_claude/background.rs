//! Subagents and work that goes on after a turn's result.

use serde_json::{Value, json};

use super::ClaudeHarness;

fn subagent(command: &str, background: bool) -> String {
    let prompt = format!(
        "TOOL Bash {}\nTEXT sub is done",
        json!({"command": command})
    );
    let call = json!({
        "description": "sub", "prompt": prompt, "subagent_type": "general-purpose",
        "run_in_background": background,
    });
    format!("TOOL Task {call}")
}

/// A subagent's question and words name the call that started it.
fn assert_linked(rig: &ClaudeHarness, id: &str, approval: &Value) {
    let calls = rig.pieces(id, "tool_call");
    let task = calls
        .iter()
        .find(|call| call["tool_name"] == "Task")
        .unwrap();
    let inner = calls
        .iter()
        .find(|call| call["tool_name"] == "Bash")
        .unwrap();
    assert!(task.get("parent_tool_use_id").is_none());
    assert_eq!(inner["parent_tool_use_id"], task["tool_id"]);
    assert_eq!(inner["tool_id"], approval["tool_use_id"]);
    assert_eq!(inner["approval_id"], approval["id"]);
}

#[test]
fn a_subagent_asks_under_its_own_call() {
    let rig = ClaudeHarness::start();
    let id = rig.launch(&format!(
        "{}\nTEXT main is done",
        subagent("touch made", false)
    ));
    let approval = rig.daemon.until_pending(&id);
    assert!(approval["agent_id"].is_string(), "{approval}");
    assert_linked(&rig, &id, &approval);
    rig.daemon.approve(&approval);
    rig.until_result(&id, "main is done");
    assert!(rig.exists("made"));
    assert_linked(&rig, &id, &approval);
}

#[test]
fn background_work_asks_after_the_result_and_the_session_is_not_over() {
    let rig = ClaudeHarness::start();
    let id = rig.launch(&format!(
        "{}\nTEXT main is done",
        subagent("sleep 0.1; touch made", true)
    ));
    let approval = rig.daemon.until_pending(&id);
    assert!(approval["agent_id"].is_string(), "{approval}");
    // The turn ends by itself while the question waits.
    crate::support::daemon::wait_until("the turn has its result", || {
        let session = rig.daemon.session(&id);
        (session["result"] == "main is done").then_some(())
    });
    let session = rig.daemon.session(&id);
    assert_eq!(session["status"], "waiting_input");
    assert_eq!(session["background_tasks"], 1);
    assert!(!rig.exists("made"));
    rig.daemon.approve(&approval);
    crate::support::daemon::wait_until("the background work is done", || {
        let session = rig.daemon.session(&id);
        (session["status"] == "completed" && session["background_tasks"] == 0).then_some(())
    });
    assert!(rig.exists("made"));
    assert_linked(&rig, &id, &approval);
}
