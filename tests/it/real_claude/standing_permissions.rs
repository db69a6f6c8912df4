//! Permissions that stand: none, for edits, for a time.

use rstest::rstest;
use serde_json::json;

use super::ClaudeHarness;
use crate::support::daemon::wait_until;

fn write_call(rig: &ClaudeHarness, name: &str) -> String {
    let path = rig.daemon.work().join(name);
    format!(
        "TOOL Write {}",
        json!({"file_path": path, "content": "hello\n"})
    )
}

#[test]
fn without_a_prompt_claude_code_denies_by_itself() {
    let rig = ClaudeHarness::start();
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
    let rig = ClaudeHarness::start();
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
    let rig = ClaudeHarness::start();
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
    let rig = ClaudeHarness::start();
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

#[rstest]
#[case("2.0.37")]
#[case("2.1.133")]
#[case("2.1.330")]
fn accepted_edits_are_not_those_that_set_something_up_nor_those_elsewhere(#[case] version: &str) {
    let rig = ClaudeHarness::of_version(version);
    let (work, root) = (rig.daemon.work(), rig.daemon.root().to_owned());
    std::fs::create_dir_all(work.join(".git/hooks")).unwrap();
    std::fs::create_dir_all(root.join("elsewhere")).unwrap();
    std::fs::write(root.join("elsewhere/linked"), "").unwrap();
    std::os::unix::fs::symlink(root.join("elsewhere"), work.join("docs")).unwrap();
    std::os::unix::fs::symlink(work.join(".git"), work.join("plain")).unwrap();
    std::fs::hard_link(root.join("elsewhere/linked"), work.join("hard")).unwrap();
    let asked = [
        work.join(".claude/settings.local.json"),
        work.join("sub/.mcp.json"),
        work.join(".git/hooks/pre-commit"),
        work.join("plain/config"),
        work.join("CLAUDE.md"),
        work.join(".envrc"),
        work.join(".vscode/tasks.json"),
        work.join("humanlayer.json"),
        work.join("docs/page.md"),
        work.join("src/../../elsewhere/file"),
        root.join("elsewhere/file"),
    ];
    let mut script = format!("{}\n", write_call(&rig, "written"));
    for path in &asked {
        let input = json!({"file_path": path, "content": "x\n"});
        script.push_str(&format!("TOOL Write {input}\n"));
    }
    script.push_str("TEXT done");
    let id = rig.launch_with(json!({"query": script, "auto_accept_edits": true}));
    for path in &asked {
        let approval = rig.daemon.until_pending(&id);
        // Later versions take `..` out themselves.
        let named = std::path::Path::new(approval["tool_input"]["file_path"].as_str().unwrap());
        assert_eq!(named.file_name(), path.file_name());
        rig.daemon
            .decide(&approval, json!({"decision": "deny", "comment": "no"}));
        assert!(!path.exists(), "{}", path.display());
    }
    rig.until_result(&id, "done");
    assert_eq!(rig.lines("written"), ["hello"]);
    let rules = rig
        .approvals()
        .iter()
        .filter(|one| one["decided_by"]["kind"] == "rule")
        .count();
    assert_eq!(rules, 1);
}

#[test]
fn a_permission_given_later_leaves_what_it_does_not_cover_pending() {
    let rig = ClaudeHarness::start();
    let path = rig.daemon.work().join(".envrc");
    let input = json!({"file_path": path, "content": "x\n"});
    let id = rig.launch(&format!("TOOL Write {input}\nTEXT done"));
    let approval = rig.daemon.until_pending(&id);
    rig.daemon.call(
        "updateSessionSettings",
        json!({"session_id": id, "auto_accept_edits": true}),
    );
    assert_eq!(rig.approval(&approval)["status"], "pending");
    rig.daemon.approve(&approval);
    rig.until_result(&id, "done");
    assert!(path.exists());
}

#[test]
fn an_agent_sends_no_message_to_another_session() {
    let rig = ClaudeHarness::start();
    let id = rig.launch("TOOL ListAgents {}\nTEXT done");
    rig.until_result(&id, "done");
    let told = rig.pieces(&id, "tool_result")[0].to_string();
    assert!(told.contains("is disabled for this session"), "{told}");
}
