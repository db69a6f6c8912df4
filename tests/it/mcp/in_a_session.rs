//! The servers in sessions of ours: tied to them, and without any power to decide.

use rstest::rstest;
use serde_json::{Value, json};

use super::all;
use crate::support::claude_harness::ClaudeHarness;
use crate::support::daemon::{Daemon, wait_until};
use crate::support::mcp::bash;
use crate::support::scripted_agent::binary;

fn launch(rig: &ClaudeHarness, script: &str) -> String {
    rig.launch_with(json!({
        "query": script,
        "approvals": null,
        "mcp_config": {"mcpServers": {"approvals": {
            "command": binary(), "args": ["mcp", "claude_approvals"],
        }, "human": {
            "command": binary(), "args": ["mcp", "serve"],
        }}},
        "permission_prompt_tool": "mcp__approvals__request_permission",
    }))
}

#[test]
fn a_sessions_own_prompt_is_linked_to_its_tool_call_and_outlives_the_daemon() {
    let mut rig = ClaudeHarness::start();
    let id = launch(
        &rig,
        "TOOL Bash {\"command\": \"echo ran >> ran\"}\nTEXT done",
    );
    let asked = rig.daemon.until_pending(&id);
    assert_eq!(asked["source"], "mcp");
    rig.daemon.kill_and_restart();
    assert_eq!(rig.daemon.until_pending(&id)["id"], asked["id"]);
    rig.daemon.approve(&asked);
    rig.until_result(&id, "done");
    assert_eq!(rig.lines("ran").len(), 1);
    assert_eq!(rig.approvals().len(), 1);
    let call = &rig.pieces(&id, "tool_call")[0];
    assert_eq!(call["approval_id"], asked["id"]);
    assert_eq!(call["approval_status"], "approved");
}

#[rstest]
#[case("2.0.37")]
#[case("2.1.133")]
#[case("2.1.332")]
fn a_real_prompt_asks_whatever_the_input_holds_and_gets_it_back_as_it_was(#[case] version: &str) {
    let rig = ClaudeHarness::of_version(version);
    let cut = r#"{"command":"touch made && echo cut \ud83d"}"#;
    let id = launch(&rig, &format!("TOOL Bash {cut}\nTEXT done"));
    let asked = rig.daemon.until_pending(&id);
    assert_eq!(asked["source"], "mcp");
    assert_eq!(asked["tool_input"], json!({"unreadable_input": cut}));
    rig.daemon.approve(&asked);
    rig.until_result(&id, "done");
    assert!(rig.exists("made"));
    let call = &rig.pieces(&id, "tool_call")[0];
    assert_eq!(call["approval_status"], "approved", "{call}");

    // Claude Code refuses what is unknown of its own tools, so the deep input is another server's.
    let nested = "[".repeat(400) + &"]".repeat(400);
    let deep = format!(r#"{{"message":"which way?","more":{nested}}}"#);
    let id = launch(
        &rig,
        &format!("TOOL mcp__human__contact_human {deep}\nTEXT done"),
    );
    let asked = rig.daemon.until_pending(&id);
    assert_eq!(asked["tool_name"], "mcp__human__contact_human");
    assert_eq!(asked["tool_input"], json!({"unreadable_input": deep}));
    rig.daemon.approve(&asked);
    let contact = wait_until("the tool runs", || {
        let pending = rig.daemon.pending(&id);
        pending.into_iter().find(|next| next["kind"] == "contact")
    });
    assert_eq!(contact["tool_input"]["message"], "which way?");
}

#[test]
fn a_session_that_is_ended_leaves_no_question_behind() {
    let rig = ClaudeHarness::start();
    let id = launch(
        &rig,
        "TOOL Bash {\"command\": \"echo ran >> ran\"}\nTEXT done",
    );
    let asked = rig.daemon.until_pending(&id);
    rig.daemon.call("endSession", json!({"session_id": id}));
    rig.daemon.until_over(&id);
    let ended = rig.approval(&asked);
    assert!(
        ["withdrawn", "abandoned"].contains(&ended["outcome"].as_str().unwrap()),
        "{ended}"
    );
    assert!(rig.lines("ran").is_empty());
}

/// A shell command that talks MCP to a server until the test's directory goes.
fn mcp_lines(daemon: &Daemon, server: &str, calls: &[(&str, Value)], before: &str) -> String {
    let greeting = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {},
        "clientInfo": {"name": "claude-code", "version": "1"}}});
    let mut lines = vec![
        greeting,
        json!({"jsonrpc": "2.0", "method": "notifications/initialized"}),
    ];
    for (number, (tool, arguments)) in calls.iter().enumerate() {
        lines.push(
            json!({"jsonrpc": "2.0", "id": number + 1, "method": "tools/call",
            "params": {"name": tool, "arguments": arguments}}),
        );
    }
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let input = daemon.root().join("mcp-input");
    std::fs::write(&input, text).unwrap();
    format!(
        "((cat '{input}'; while [ -e '{input}' ]; do sleep 0.05; done) | {before} '{}' mcp {server} > '{}') \
         < /dev/null > /dev/null 2>&1 &",
        binary(),
        daemon.root().join("mcp-output").display(),
        input = input.display(),
    )
}

fn answers(daemon: &Daemon, count: usize) -> Vec<Value> {
    wait_until("the agent was answered", || {
        let text = std::fs::read_to_string(daemon.root().join("mcp-output")).unwrap_or_default();
        let found: Vec<Value> = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .filter(|line: &Value| line["id"].as_u64() > Some(0) && line.get("method").is_none())
            .collect();
        (found.len() == count).then_some(found)
    })
}

#[test]
fn an_agent_decides_nothing_through_its_mcp_servers() {
    let unset = "env -u HUMANLAYER_SESSION_ID -u HUMANLAYER_RUN_ID";
    for before in ["", unset] {
        let daemon = Daemon::start();
        let calls = [
            (
                "sendDecision",
                json!({"approval_id": "x", "decision": "approve"}),
            ),
            ("approve", json!({"approval_id": "x"})),
            ("request_permission", bash("rm -rf x", "t1")),
        ];
        let command = mcp_lines(&daemon, "claude_approvals", &calls, before);
        let socket = format!("HUMANLAYER_DAEMON_SOCKET='{}'", daemon.socket().display());
        let session = daemon.launch_session(&format!(
            "TOOL Bash {}\nTEXT done",
            json!({"command": format!("export {socket}; {command}")}),
        ));
        let first = daemon.until_pending(&session);
        daemon.approve(&first);
        // Two are refused, the third waits for a person, and under the agent's own session.
        for refused in answers(&daemon, 2) {
            assert!(
                refused.get("error").is_some() || refused["result"]["isError"] == true,
                "{refused}"
            );
        }
        let asked = wait_until("the agent's question waits", || {
            let pending = daemon.pending(&session);
            pending.into_iter().find(|next| next["id"] != first["id"])
        });
        assert_eq!(
            (&asked["tool_input"]["command"], &asked["source"]),
            (&json!("rm -rf x"), &json!("mcp"))
        );
        assert_eq!(all(&daemon).len(), 2);
        daemon.decide(&asked, json!({"decision": "deny", "comment": "never"}));
        let told = answers(&daemon, 3)[2]["result"]["content"][0]["text"].clone();
        assert_eq!(
            serde_json::from_str::<Value>(told.as_str().unwrap()).unwrap(),
            json!({"behavior": "deny", "message": "never"})
        );
    }
}

#[test]
fn an_agents_message_is_its_sessions() {
    let daemon = Daemon::start();
    let calls = [("contact_human", json!({"message": "which way?"}))];
    let command = mcp_lines(&daemon, "serve", &calls, "");
    let session = daemon.launch_session(&format!(
        "TOOL Bash {}\nTEXT done",
        json!({"command": command})
    ));
    let first = daemon.until_pending(&session);
    daemon.approve(&first);
    let asked = wait_until("the agent's message waits", || {
        let pending = daemon.pending(&session);
        pending.into_iter().find(|next| next["kind"] == "contact")
    });
    assert_eq!(daemon.session(&session)["status"], "waiting_input");
    daemon.decide(&asked, json!({"decision": "respond", "comment": "left"}));
    let told = answers(&daemon, 1)[0]["result"]["content"][0]["text"].clone();
    assert_eq!(told, "left");
}
