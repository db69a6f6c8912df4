//! Errors: a stable kind, the field at fault, a code.

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::daemon::Daemon;

#[rstest]
#[case("getSessionState", json!({}), "invalid_params", "session_id")]
#[case("getSessionState", json!({"session_id": "nobody"}), "not_found", "")]
#[case("getSessionState", json!({"session_id": 7}), "invalid_params", "session_id")]
#[case("getSessionState", json!({"session_id": ""}), "invalid_params", "session_id")]
#[case("getConversation", json!({}), "invalid_params", "session_id")]
#[case("getConversation", json!({"session_id": "nobody"}), "not_found", "")]
#[case("getApproval", json!({}), "invalid_params", "approval_id")]
#[case("getApproval", json!({"approval_id": "nothing"}), "not_found", "")]
#[case("getApproval", json!({"approval_id": "'; DROP TABLE approvals"}), "not_found", "")]
#[case("sendDecision", json!({"decision": "approve"}), "invalid_params", "approval_id")]
#[case("sendDecision", json!({"approval_id": "nothing", "decision": "approve"}), "not_found", "")]
#[case("sendDecision", json!({"approval_id": "x", "decision": "deny"}), "invalid_params", "comment")]
#[case("sendDecision", json!({"approval_id": "x", "decision": "perhaps"}), "invalid_params", "decision")]
#[case("sendDecision", json!({"approval_id": "x", "decision": "respond"}), "invalid_params", "answers")]
#[case("sendDecision", json!({"approval_id": "x", "decision": "deny", "comment": "c",
    "updated_input": {}}), "invalid_params", "updated_input")]
#[case("launchSession", json!({}), "invalid_params", "query")]
#[case("launchSession", json!({"query": "  "}), "invalid_params", "query")]
#[case("launchSession", json!({"query": "x", "working_dir": "relative"}), "invalid_params", "working_dir")]
#[case("launchSession", json!({"query": "x", "working_dir": "/etc/passwd"}), "invalid_params", "working_dir")]
#[case("launchSession", json!({"query": "x", "session_id": "../../etc"}), "invalid_params", "session_id")]
#[case("launchSession", json!({"query": "x", "mcp_config": {"servers": 1}}), "invalid_params", "mcp_config")]
#[case("launchSession", json!({"query": "x", "max_turns": "many"}), "invalid_params", "max_turns")]
#[case("launchSession", json!({"query": "x", "dangerously_skip_permissions": true,
    "dangerously_skip_permissions_timeout": -1}), "invalid_params", "dangerously_skip_permissions_timeout")]
#[case("continueSession", json!({"query": "x"}), "invalid_params", "session_id")]
#[case("continueSession", json!({"session_id": "nobody", "query": "x"}), "not_found", "")]
#[case("sendMessage", json!({"session_id": "nobody", "message": "x"}), "not_found", "")]
#[case("sendMessage", json!({"session_id": "nobody"}), "invalid_params", "message")]
#[case("createApproval", json!({"tool_name": "x", "tool_input": {}}), "invalid_params", "run_id")]
#[case("createApproval", json!({"run_id": "x", "tool_input": {}}), "invalid_params", "tool_name")]
#[case("createApproval", json!({"run_id": "x", "tool_name": "x"}), "invalid_params", "tool_input")]
#[case("createApproval", json!({"run_id": "nobody", "tool_name": "x", "tool_input": {}}), "not_found", "")]
#[case("bulkArchiveSessions", json!({"session_ids": [], "archived": true}), "invalid_params", "session_ids")]
#[case("updateSessionTitle", json!({"session_id": "nobody", "title": "x"}), "not_found", "")]
#[case("archiveSession", json!({"session_id": "nobody", "archived": true}), "not_found", "")]
#[case("interruptSession", json!({"session_id": "nobody"}), "not_found", "")]
#[case("endSession", json!({"session_id": "nobody"}), "not_found", "")]
#[case("subscribeEvents", json!({"session_id": "nobody"}), "not_found", "")]
fn an_error_has_its_kind_and_names_the_field(
    #[case] method: &str,
    #[case] params: Value,
    #[case] kind: &str,
    #[case] field: &str,
) {
    let daemon = Daemon::start();
    let error = daemon.connect().fail(method, params);
    assert_eq!(error["data"]["kind"], kind, "{error}");
    assert_eq!(
        error["data"]["field"].as_str().unwrap_or(""),
        field,
        "{error}"
    );
    let code = match kind {
        "invalid_params" => -32602,
        "not_found" => -32001,
        other => panic!("no code for {other}"),
    };
    assert_eq!(error["code"], code);
    assert!(!error["message"].as_str().unwrap().is_empty());
}

#[test]
fn a_prefix_must_be_of_one_session_only() {
    let daemon = Daemon::start();
    let launch = |end: &str| {
        let id = format!("aaaaaaaa-0000-4000-8000-00000000000{end}");
        daemon.launch_session_with(json!({"query": "TEXT hi", "session_id": id}))
    };
    let (first, _second) = (launch("1"), launch("2"));
    let error = daemon
        .connect()
        .fail("getSessionState", json!({"session_id": "aaaa"}));
    assert_eq!(error["data"]["kind"], "ambiguous");
    let found = daemon.call("getSessionState", json!({"session_id": first}));
    assert_eq!(found["session"]["id"], first.as_str());
    let run = found["session"]["run_id"].clone();
    let by_run = daemon.call("getSessionState", json!({"session_id": run}));
    assert_eq!(by_run["session"]["id"], first.as_str());
}

#[test]
fn a_message_beyond_its_limit_is_too_large() {
    let daemon = Daemon::start();
    let query = "x".repeat(8 * 1024 * 1024 + 1);
    let error = daemon
        .connect()
        .fail("launchSession", json!({"query": query, "working_dir": "/"}));
    assert_eq!(error["data"]["kind"], "too_large", "{}", error["message"]);
    assert!(error["data"]["hint"].is_string(), "{error}");
}

#[test]
fn an_unknown_method_and_a_broken_line_do_not_end_the_connection() {
    let daemon = Daemon::start();
    let mut client = daemon.connect();
    assert_eq!(client.fail("noSuchMethod", json!({}))["code"], -32601);
    client.send("{this is not json");
    assert_eq!(client.receive()["error"]["code"], -32700);
    client.send("[1, 2]");
    assert!(client.receive().to_string().contains("-32600"));
    assert_eq!(client.call("health", json!({}))["status"], "ok");
}
