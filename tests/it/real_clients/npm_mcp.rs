//! The npm client's MCP server as the permission prompt of a real Claude Code.

use serde_json::{Value, json};

use super::npm_client;
use crate::support::claude_harness::ClaudeHarness;
use crate::support::daemon::wait_until;

/// Launches a Claude Code that asks through the npm client, which asks the daemon.
fn launch(rig: &ClaudeHarness, script: &str) -> String {
    rig.launch_with(json!({
        "query": script,
        "approvals": null,
        "mcp_config": {"mcpServers": {"approvals": {
            "command": "node", "args": [npm_client(), "mcp", "claude_approvals"],
        }}},
        "permission_prompt_tool": "mcp__approvals__request_permission",
    }))
}

/// Waits until the client's poll has fetched the outcome.
fn until_delivered(rig: &ClaudeHarness, approval: &Value) -> Value {
    wait_until("the outcome was fetched", || {
        let approval = rig.approval(approval);
        approval["delivered_at"].is_string().then_some(approval)
    })
}

#[test]
fn a_yes_comes_back_through_the_tool() {
    let rig = ClaudeHarness::start();
    let id = launch(&rig, "TOOL Bash {\"command\": \"touch made\"}\nTEXT done");
    let approval = rig.daemon.until_pending(&id);
    assert_eq!(approval["source"], "mcp");
    assert_eq!(approval["tool_name"], "Bash");
    assert_eq!(approval["tool_input"]["command"], "touch made");
    assert_eq!(rig.daemon.session(&id)["status"], "waiting_input");
    assert!(approval.get("delivered_at").is_none());
    rig.daemon.approve(&approval);
    rig.until_result(&id, "done");
    assert!(rig.exists("made"));
    until_delivered(&rig, &approval);
    let call = &rig.pieces(&id, "tool_call")[0];
    assert_eq!(call["approval_id"], approval["id"]);
    assert_eq!(call["approval_status"], "approved");
}

#[test]
fn a_no_comes_back_with_its_reason() {
    let rig = ClaudeHarness::start();
    let id = launch(&rig, "TOOL Bash {\"command\": \"touch made\"}\nTEXT fine");
    let approval = rig.daemon.until_pending(&id);
    rig.daemon.decide(
        &approval,
        json!({"decision": "deny", "comment": "not-through-mcp"}),
    );
    rig.until_result(&id, "fine");
    assert!(!rig.exists("made"));
    assert!(rig.model.heard().contains("not-through-mcp"));
    assert_eq!(until_delivered(&rig, &approval)["outcome"], "denied");
}

#[test]
fn its_question_is_abandoned_when_it_dies_with_the_daemon() {
    let mut rig = ClaudeHarness::start();
    let id = launch(
        &rig,
        "TOOL Bash {\"command\": \"echo ran >> ran\"}\nTEXT done",
    );
    let asked = rig.daemon.until_pending(&id);
    // The client ends when its connection breaks, and Claude Code takes that for a no.
    rig.daemon.kill_and_restart();
    rig.until_result(&id, "done");
    let approval = rig.approval(&asked);
    assert_eq!(approval["outcome"], "abandoned");
    assert_eq!(approval["status"], "resolved");
    assert!(rig.lines("ran").is_empty());
    let late = rig.daemon.decide(&asked, json!({"decision": "approve"}));
    assert_eq!(late["error_kind"], "already_resolved");
}
