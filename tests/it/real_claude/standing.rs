//! Permissions that stand: none, for edits, for a time.

use serde_json::json;

use super::Rig;
use crate::support::daemon::wait_until;

fn write_call(rig: &Rig, name: &str) -> String {
    let path = rig.daemon.work().join(name);
    format!(
        "TOOL Write {}",
        json!({"file_path": path, "content": "hello\n"})
    )
}

#[test]
fn without_a_prompt_claude_code_denies_by_itself() {
    let rig = Rig::start();
    let id = rig.launch_with(json!({
        "query": "TOOL Bash {\"command\": \"touch made\"}\nTEXT gave up", "approvals": false,
    }));
    rig.until_result(&id, "gave up");
    assert!(!rig.exists("made"));
    assert!(rig.approvals().is_empty());
    assert_eq!(rig.pieces(&id, "tool_result")[0]["is_error"], true);
}

#[test]
fn accepted_edits_are_decided_by_the_rule_and_commands_still_ask() {
    let rig = Rig::start();
    let script = format!(
        "{}\nTEXT now a command\nTOOL Bash {{\"command\": \"touch made\"}}\nTEXT done",
        write_call(&rig, "written")
    );
    let id = rig.launch_with(json!({"query": script, "auto_accept_edits": true}));
    let command = rig.daemon.until_pending(&id);
    assert_eq!(command["tool_name"], "Bash");
    assert_eq!(rig.lines("written"), ["hello"]);
    rig.daemon.approve(&command);
    rig.until_result(&id, "done");
    let all = rig.approvals();
    assert_eq!(all.len(), 2);
    assert_eq!(all[0]["tool_name"], "Write");
    assert_eq!(all[0]["outcome"], "approved");
    assert_eq!(
        all[0]["decided_by"],
        json!({"kind": "rule", "rule": "auto_accept_edits"})
    );
    assert_eq!(all[1]["decided_by"]["kind"], "person");
}

#[test]
fn skipped_permissions_are_recorded_with_their_end_and_end() {
    let rig = Rig::start();
    let id = rig.launch_with(json!({
        "query": "TOOL Bash {\"command\": \"touch made\"}\nTEXT done",
        "dangerously_skip_permissions": true,
        "dangerously_skip_permissions_timeout": 3_600_000,
    }));
    let session = rig.until_result(&id, "done");
    assert!(rig.exists("made"));
    let until = &session["dangerously_skip_permissions_expires_at"];
    assert!(until.is_string());
    let decided = &rig.approvals()[0]["decided_by"];
    assert_eq!(decided["kind"], "rule");
    assert_eq!(decided["rule"], "dangerously_skip_permissions");
    assert_eq!(&decided["expires_at"], until);

    rig.daemon.call(
        "updateSessionSettings",
        json!({
            "session_id": id, "dangerously_skip_permissions": true,
            "dangerously_skip_permissions_timeout_ms": 50,
        }),
    );
    wait_until("the permission is over", || {
        let session = rig.daemon.session(&id);
        (session["dangerously_skip_permissions"] == false).then_some(())
    });
    rig.say(&id, "TOOL Bash {\"command\": \"touch second\"}\nTEXT asked");
    let approval = rig.daemon.until_pending(&id);
    assert!(!rig.exists("second"));
    rig.daemon.approve(&approval);
    rig.until_result(&id, "asked");
}

#[test]
fn a_permission_given_later_answers_what_is_pending() {
    let rig = Rig::start();
    let script = format!("{}\nTEXT done", write_call(&rig, "written"));
    let id = rig.launch(&script);
    let approval = rig.daemon.until_pending(&id);
    rig.daemon.call(
        "updateSessionSettings",
        json!({"session_id": id, "auto_accept_edits": true}),
    );
    rig.until_result(&id, "done");
    assert_eq!(
        rig.approval(&approval)["decided_by"]["rule"],
        "auto_accept_edits"
    );
}
