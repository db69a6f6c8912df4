//! What the older daemon got wrong in the same words, and this one must not.

use serde_json::json;

use crate::support::daemon::{Daemon, wait_until};

#[test]
fn deciding_one_of_two_leaves_the_session_waiting() {
    let daemon = Daemon::start();
    let id = daemon.launch_session(
        "ASK_ALL\nTOOL Bash {\"command\": \"touch one\"}\nTOOL Bash {\"command\": \"touch two\"}\nTEXT done",
    );
    let pending = wait_until("both are pending", || {
        let pending = daemon.pending(&id);
        (pending.len() == 2).then_some(pending)
    });
    // Of the second, so that the agent cannot even go on with the first.
    daemon.approve(&pending[1]);
    let session = daemon.session(&id);
    assert_eq!(session["status"], "waiting_input");
    assert_eq!(session["pending_approvals"], 1);
    daemon.approve(&pending[0]);
    daemon.until_status(&id, "completed");
    assert!(daemon.work().join("one").exists() && daemon.work().join("two").exists());
}

#[test]
fn an_approval_from_before_its_call_is_linked_to_it() {
    let daemon = Daemon::start();
    let id = daemon.launch_session("TEXT first");
    daemon.until_status(&id, "completed");
    let created = daemon.call(
        "createApproval",
        json!({"run_id": id, "tool_name": "Bash", "tool_input": {"command": "x"}, "tool_use_id": "toolu_late"}),
    );
    assert_eq!(daemon.session(&id)["status"], "waiting_input");
    let call = json!({"type": "assistant", "message": {"role": "assistant", "content": [
        {"type": "tool_use", "id": "toolu_late", "name": "Bash", "input": {"command": "x"}},
    ]}, "parent_tool_use_id": null});
    daemon.call(
        "sendMessage",
        json!({"session_id": id, "message": format!("UNKNOWN {call}\nTEXT second")}),
    );
    let call = wait_until("the call is there", || {
        let pieces = daemon.conversation(&id);
        pieces
            .into_iter()
            .find(|piece| piece["tool_id"] == "toolu_late")
    });
    assert_eq!(call["approval_id"], created["approval_id"]);
    assert_eq!(call["approval_status"], "pending");
    daemon.decide(
        &json!({"id": created["approval_id"]}),
        json!({"decision": "deny", "comment": "no"}),
    );
    let pieces = daemon.conversation(&id);
    let call = pieces
        .iter()
        .find(|piece| piece["tool_id"] == "toolu_late")
        .unwrap();
    assert_eq!(call["approval_status"], "denied");
}

#[test]
fn a_restart_fails_no_session() {
    let mut daemon = Daemon::start();
    let waiting = daemon.launch_session("TOOL Bash {\"command\": \"touch made\"}\nTEXT done");
    let running = daemon.launch_session("TEXT on it\nWAITFILE go\nTEXT went");
    let parked = daemon.launch_session("TEXT said");
    let approval = daemon.until_pending(&waiting);
    daemon.until_status(&parked, "completed");
    daemon.until_status(&running, "running");
    assert!(daemon.stop().success());
    daemon.launch(&[]);
    assert_eq!(daemon.session(&waiting)["status"], "waiting_input");
    assert_eq!(daemon.session(&running)["status"], "running");
    assert_eq!(daemon.session(&parked)["status"], "completed");
    daemon.approve(&approval);
    std::fs::write(daemon.work().join("go"), "").unwrap();
    daemon.until_status(&waiting, "completed");
    assert_eq!(daemon.until_status(&running, "completed")["result"], "went");
    daemon.call(
        "sendMessage",
        json!({"session_id": parked, "message": "TEXT again"}),
    );
    wait_until("the parked one answers", || {
        (daemon.session(&parked)["result"] == "again").then_some(())
    });
}
