//! The real agent's own shell tries to answer the real agent's own question.

use serde_json::json;
use uuid::Uuid;

use super::ClaudeHarness;
use crate::support::agent_shell::Attempt;

#[test]
fn its_shell_cannot_approve_its_next_call() {
    let rig = ClaudeHarness::start();
    let id = Uuid::new_v4().to_string();
    let attempt = Attempt::on(&rig.daemon, &id).on_command();
    let script = format!(
        "TOOL Bash {}\nTEXT now the real one\nTOOL Bash {{\"command\": \"touch made\"}}\nTEXT done",
        json!({"command": attempt.in_background()}),
    );
    rig.launch_with(json!({"query": script, "session_id": id}));
    let first = rig.daemon.until_pending(&id);
    rig.daemon.approve(&first);
    let second = crate::support::daemon::wait_until("the next call asks", || {
        let pending = rig.daemon.pending(&id);
        pending.into_iter().find(|next| next["id"] != first["id"])
    });
    attempt.go();
    attempt.assert_refused();
    assert_eq!(rig.approval(&second)["outcome"], "pending");
    assert!(!rig.exists("made"));
    rig.daemon.approve(&second);
    rig.until_result(&id, "done");
    assert!(rig.exists("made"));
}
