//! The daemon is killed without mercy; the real agent does not notice, and what was approved runs
//! exactly once.

use serde_json::json;

use super::ClaudeHarness;
use crate::support::daemon::wait_until;

/// Adds a line to a file each time that it runs.
const ONCE: &str = "TOOL Bash {\"command\": \"echo ran >> ran\"}\nTEXT done";

fn assert_ran_once(rig: &ClaudeHarness, id: &str) {
    let session = rig.until_result(id, "done");
    assert_eq!(session["pending_approvals"], 0);
    assert_eq!(rig.lines("ran"), ["ran"]);
    let asked = rig.approvals();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert_eq!(asked[0]["outcome"], "approved");
    assert_eq!(rig.pieces(id, "tool_call").len(), 1);
    assert_eq!(rig.pieces(id, "tool_result").len(), 1);
}

#[test]
fn killed_before_the_question_arrives() {
    let mut rig = ClaudeHarness::start();
    let id = rig.launch(&format!("SLEEP 0.5\n{ONCE}"));
    wait_until("the model is thinking", || {
        rig.model.heard().contains("echo ran").then_some(())
    });
    rig.daemon.kill();
    // The question comes while nobody is there to hear it.
    let journal = rig.daemon.session_dir(&id).join("journal.jsonl");
    wait_until("the agent asks", || {
        let text = std::fs::read_to_string(&journal).unwrap_or_default();
        text.contains("can_use_tool").then_some(())
    });
    rig.daemon.launch(&[]);
    let approval = rig.daemon.until_pending(&id);
    assert!(!rig.exists("ran"));
    rig.daemon.approve(&approval);
    assert_ran_once(&rig, &id);
}

#[test]
fn killed_while_the_question_is_pending() {
    let mut rig = ClaudeHarness::start();
    let id = rig.launch(ONCE);
    let before = rig.daemon.until_pending(&id);
    rig.daemon.kill_and_restart();
    let after = rig.daemon.until_pending(&id);
    assert_eq!(before["id"], after["id"]);
    assert_eq!(before["created_at"], after["created_at"]);
    assert_eq!(rig.daemon.session(&id)["status"], "waiting_input");
    rig.daemon.kill_and_restart();
    rig.daemon.approve(&before);
    assert_ran_once(&rig, &id);
}

#[test]
fn killed_right_after_the_decision() {
    let mut rig = ClaudeHarness::start();
    let id = rig.launch(ONCE);
    let approval = rig.daemon.until_pending(&id);
    rig.daemon.approve(&approval);
    rig.daemon.kill();
    rig.daemon.launch(&[]);
    assert_ran_once(&rig, &id);
    // Where it was written before the daemon died, the next one is told so once it has sent it again.
    wait_until("it is known to have been delivered", || {
        rig.approval(&approval)["delivered_at"]
            .is_string()
            .then_some(())
    });
}

#[test]
fn killed_between_the_delivery_and_its_record() {
    let mut rig = ClaudeHarness::start();
    let id = rig.launch(ONCE);
    let approval = rig.daemon.until_pending(&id);
    rig.daemon.kill();
    rig.daemon
        .launch(&[("HUMANLAYER_FAILPOINT", "outbox.delivered")]);
    rig.daemon.approve_ignoring_crash(&approval);
    rig.daemon.wait();
    rig.daemon.launch(&[]);
    assert_ran_once(&rig, &id);
}

#[test]
fn a_turn_that_ended_without_a_daemon_is_there_later() {
    let mut rig = ClaudeHarness::start();
    let id = rig.launch("SLEEP 0.5\nTEXT said to nobody");
    wait_until("the model is thinking", || {
        rig.model.heard().contains("said to nobody").then_some(())
    });
    rig.daemon.kill();
    let journal = rig.daemon.session_dir(&id).join("journal.jsonl");
    wait_until("the turn ends", || {
        let text = std::fs::read_to_string(&journal).unwrap_or_default();
        text.contains("\"type\":\"result\"").then_some(())
    });
    rig.daemon.launch(&[]);
    rig.until_result(&id, "said to nobody");
    rig.daemon.call("endSession", json!({"session_id": id}));
    rig.daemon.until_over(&id);
}
