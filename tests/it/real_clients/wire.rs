//! Every method of the older daemon: the fields of its answers, by name and JSON type.
//!
//! The tables repeat its `hld/rpc/types.go`, `handlers.go`, `approval_handlers.go`,
//! `store.Approval` and `session.Info`. We may say more, never less and never otherwise.

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::daemon::{Daemon, wait_until};

/// Field names with types; `?` marks one that is absent when it is empty.
type Fields = &'static [(&'static str, &'static str)];

const SESSION_STATE: Fields = &[
    ("id", "string"),
    ("run_id", "string"),
    ("claude_session_id", "string?"),
    ("parent_session_id", "string?"),
    ("status", "string"),
    ("query", "string"),
    ("summary", "string"),
    ("title", "string"),
    ("model", "string?"),
    ("model_id", "string?"),
    ("working_dir", "string?"),
    ("created_at", "time"),
    ("last_activity_at", "time"),
    ("completed_at", "time?"),
    ("error_message", "string?"),
    ("cost_usd", "number?"),
    ("input_tokens", "integer?"),
    ("output_tokens", "integer?"),
    ("cache_creation_input_tokens", "integer?"),
    ("cache_read_input_tokens", "integer?"),
    ("effective_context_tokens", "integer?"),
    ("context_limit", "integer?"),
    ("duration_ms", "integer?"),
    ("auto_accept_edits", "bool"),
    ("dangerously_skip_permissions", "bool"),
    ("dangerously_skip_permissions_expires_at", "time?"),
    ("archived", "bool"),
];

const SESSION_INFO: Fields = &[
    ("id", "string"),
    ("run_id", "string"),
    ("claude_session_id", "string?"),
    ("parent_session_id", "string?"),
    ("status", "string"),
    ("start_time", "time"),
    ("end_time", "time?"),
    ("last_activity_at", "time"),
    ("error", "string?"),
    ("query", "string"),
    ("summary", "string"),
    ("title", "string"),
    ("model", "string?"),
    ("model_id", "string?"),
    ("working_dir", "string?"),
    ("result", "object?"),
    ("auto_accept_edits", "bool"),
    ("dangerously_skip_permissions", "bool"),
    ("dangerously_skip_permissions_expires_at", "time?"),
    ("archived", "bool"),
    ("proxy_enabled", "bool"),
];

const RESULT: Fields = &[
    ("type", "string"),
    ("subtype", "string"),
    ("total_cost_usd", "number"),
    ("is_error", "bool"),
    ("duration_ms", "integer"),
    ("num_turns", "integer"),
    ("result", "string"),
    ("session_id", "string"),
];

const APPROVAL: Fields = &[
    ("id", "string"),
    ("run_id", "string"),
    ("session_id", "string"),
    ("tool_use_id", "string?"),
    ("status", "string"),
    ("created_at", "time"),
    ("responded_at", "time?"),
    ("tool_name", "string"),
    ("tool_input", "object"),
    ("comment", "string?"),
];

const CONVERSATION_EVENT: Fields = &[
    ("id", "integer"),
    ("session_id", "string"),
    ("claude_session_id", "string"),
    ("sequence", "integer"),
    ("event_type", "string"),
    ("created_at", "time"),
    ("role", "string?"),
    ("content", "string?"),
    ("tool_id", "string?"),
    ("tool_name", "string?"),
    ("tool_input_json", "string?"),
    ("parent_tool_use_id", "string?"),
    ("tool_result_for_id", "string?"),
    ("tool_result_content", "string?"),
    ("is_completed", "bool"),
    ("approval_status", "string?"),
    ("approval_id", "string?"),
];

fn is_a(value: &Value, kind: &str) -> bool {
    match kind {
        "string" => value.is_string(),
        "time" => value
            .as_str()
            .is_some_and(|text| text.parse::<jiff::Timestamp>().is_ok()),
        "integer" => value.is_i64(),
        "number" => value.is_number(),
        "bool" => value.is_boolean(),
        "object" => value.is_object(),
        "array" => value.is_array(),
        other => panic!("no such type: {other}"),
    }
}

/// Checks one object; optional fields must be right where they are.
fn assert_fields(value: &Value, fields: Fields) {
    for (name, kind) in fields {
        let required = kind.trim_end_matches('?');
        match value.get(name) {
            Some(field) => assert!(is_a(field, required), "{name} is no {required}: {value:#}"),
            None => assert!(kind.ends_with('?'), "{name} is missing: {value:#}"),
        }
    }
}

/// Checks that a whole list has each field at least once.
fn assert_all_seen(values: &[Value], fields: Fields, never: &[&str]) {
    for value in values {
        assert_fields(value, fields);
    }
    for (name, _) in fields.iter().filter(|(name, _)| !never.contains(name)) {
        let seen = values.iter().any(|value| value.get(name).is_some());
        assert!(seen, "nothing has {name}: {values:#?}");
    }
}

/// Two sessions, the second going on with the first, with every kind of piece in them; and one
/// that failed.
fn busy_daemon() -> (Daemon, String, String, String) {
    let daemon = Daemon::start();
    let script = "THINK hm\nTOOL Bash {\"command\": \"echo hi\"}\nSUBAGENT {\"prompt\": \"TEXT in\"}\nTEXT done";
    let parent = daemon.launch_session_with(json!({"query": script, "title": "T"}));
    let approval = daemon.until_pending(&parent);
    daemon.decide(&approval, json!({"decision": "approve", "comment": "fine"}));
    daemon.until_status(&parent, "completed");
    let child = daemon.call(
        "continueSession",
        json!({"session_id": parent, "query": "TOOL Bash {\"command\": \"echo hi\"}"}),
    );
    let child = child["session_id"].as_str().unwrap().to_owned();
    daemon.until_pending(&child);
    let failed = daemon.launch_session("STDERR oh no\nEXIT 3");
    daemon.until_status(&failed, "failed");
    // Of another conversation: what holds for one of its ids holds for all of it.
    daemon.call(
        "updateSessionSettings",
        json!({"session_id": failed, "dangerously_skip_permissions": true,
            "dangerously_skip_permissions_timeout_ms": 3_600_000}),
    );
    (daemon, parent, child, failed)
}

#[test]
fn sessions_conversations_and_approvals_have_all_fields() {
    let (daemon, parent, child, failed) = busy_daemon();
    let states: Vec<Value> = [&parent, &child, &failed]
        .map(|id| daemon.session(id))
        .into();
    assert_all_seen(&states, SESSION_STATE, &[]);
    for method in ["listSessions", "getSessionLeaves"] {
        let listed = daemon.call(method, json!({}))["sessions"].clone();
        let listed = listed.as_array().unwrap().clone();
        let ids: Vec<&str> = listed.iter().map(|s| s["id"].as_str().unwrap()).collect();
        if method == "listSessions" {
            assert_all_seen(&listed, SESSION_INFO, &[]);
            assert_eq!(ids.len(), 3);
            for result in listed.iter().filter_map(|info| info.get("result")) {
                assert_fields(result, RESULT);
            }
        } else {
            assert!(!ids.contains(&parent.as_str()), "a parent is no leaf");
            assert_eq!(ids.len(), 2);
        }
    }
    let pieces = daemon.conversation(&parent);
    assert_all_seen(&pieces, CONVERSATION_EVENT, &[]);
    let types = ["message", "tool_call", "tool_result", "thinking"];
    for kind in types {
        assert!(
            pieces.iter().any(|piece| piece["event_type"] == kind),
            "no {kind}"
        );
    }
    let by_claude_id = daemon.session(&parent)["claude_session_id"].clone();
    let same = daemon.call(
        "getConversation",
        json!({"claude_session_id": by_claude_id}),
    );
    // Both are one conversation of the agent.
    let all = daemon.conversation(&child);
    assert_eq!(same["events"], json!(all));
    assert_eq!(all[..pieces.len()], pieces);
    let pending = daemon.pending(&child);
    let decided = daemon.call("listApprovals", json!({"all": true}))["approvals"].clone();
    let approvals: Vec<Value> = decided
        .as_array()
        .unwrap()
        .iter()
        .chain(&pending)
        .cloned()
        .collect();
    assert_all_seen(&approvals, APPROVAL, &[]);
    let one = daemon.call("getApproval", json!({"approval_id": pending[0]["id"]}));
    assert_eq!(one["approval"], pending[0]);
    daemon.approve(&pending[0]);
}

/// What a session with the id `ID` answers to each method.
#[rstest]
#[case("health", json!({}), &[("status", "string"), ("version", "string")])]
#[case("launchSession", json!({"query": "TEXT hi", "title": "t", "model": "opus", "verbose": true,
        "permission_prompt_tool": "mcp__codelayer__request_permission", "max_turns": 3,
        "system_prompt": "s", "append_system_prompt": "a", "allowed_tools": ["Read"],
        "disallowed_tools": ["Write"], "additional_directories": ["/tmp"],
        "custom_instructions": "c", "working_dir": "/tmp", "mcp_config": {"mcpServers": {}},
        "dangerously_skip_permissions": false, "dangerously_skip_permissions_timeout": null}),
    &[("session_id", "string"), ("run_id", "string")])]
#[case("continueSession", json!({"session_id": "ID", "query": "TEXT hi", "system_prompt": "s",
        "append_system_prompt": "a", "mcp_config": "{\"mcpServers\": {}}",
        "permission_prompt_tool": "mcp__codelayer__request_permission", "allowed_tools": [],
        "disallowed_tools": [], "additional_directories": [], "custom_instructions": "c",
        "max_turns": 2, "proxy_enabled": false, "proxy_base_url": "", "proxy_model_override": "",
        "proxy_api_key": ""}),
    &[("session_id", "string"), ("run_id", "string"), ("claude_session_id", "string"),
        ("parent_session_id", "string")])]
#[case("listSessions", json!({}), &[("sessions", "array")])]
#[case("getSessionLeaves", json!({"filter": "normal"}), &[("sessions", "array")])]
#[case("getSessionState", json!({"session_id": "ID"}), &[("session", "object")])]
#[case("getConversation", json!({"session_id": "ID"}), &[("events", "array")])]
#[case("updateSessionSettings", json!({"session_id": "ID", "auto_accept_edits": true,
        "dangerously_skip_permissions": true, "dangerously_skip_permissions_timeout_ms": 1000}),
    &[("success", "bool")])]
#[case("updateSessionTitle", json!({"session_id": "ID", "title": "new"}), &[("success", "bool")])]
#[case("archiveSession", json!({"session_id": "ID", "archived": true}), &[("success", "bool")])]
#[case("bulkArchiveSessions", json!({"session_ids": ["ID"], "archived": true}),
    &[("success", "bool"), ("failed_sessions", "array?")])]
#[case("bulkArchiveSessions", json!({"session_ids": ["ID", "no such"], "archived": true}),
    &[("success", "bool"), ("failed_sessions", "array")])]
#[case("getRecentPaths", json!({"limit": 5}), &[("paths", "array")])]
#[case("getSessionSnapshots", json!({"session_id": "ID"}), &[("snapshots", "array")])]
#[case("createApproval", json!({"run_id": "ID", "tool_name": "Bash", "tool_input": {"command": "x"},
        "tool_use_id": "t1"}),
    &[("approval_id", "string")])]
#[case("createApproval", json!({"run_id": "RUN", "tool_name": "Bash", "tool_input": {}}),
    &[("approval_id", "string")])]
#[case("fetchApprovals", json!({"session_id": "ID"}), &[("approvals", "array")])]
#[case("fetchApprovals", json!({}), &[("approvals", "array")])]
fn a_method_answers_with_its_fields(
    #[case] method: &str,
    #[case] params: Value,
    #[case] fields: Fields,
) {
    let daemon = Daemon::start();
    let id = daemon.launch_session("TEXT hello");
    let session = daemon.until_status(&id, "completed");
    let run = session["run_id"].as_str().unwrap();
    let params = params.to_string().replace("\"ID\"", &format!("{id:?}"));
    let params = params.replace("\"RUN\"", &format!("{run:?}"));
    let answer = daemon.call(method, serde_json::from_str(&params).unwrap());
    assert_fields(&answer, fields);
    if let Some(paths) = answer["paths"].as_array() {
        let fields = [
            ("path", "string"),
            ("last_used", "time"),
            ("usage_count", "integer"),
        ];
        for (name, kind) in fields {
            assert!(is_a(&paths[0][name], kind), "{paths:?}");
        }
    }
    if let Some(failed) = answer["failed_sessions"].as_array() {
        assert_eq!(
            (&answer["success"], failed),
            (&json!(false), &vec![json!("no such")])
        );
    }
}

#[test]
fn an_interrupt_answers_with_the_status() {
    let daemon = Daemon::start();
    let id = daemon.launch_session("TOOL Bash {\"command\": \"true\"}");
    daemon.until_pending(&id);
    let answer = daemon.call("interruptSession", json!({"session_id": id}));
    assert_eq!(
        answer,
        json!({"success": true, "session_id": id, "status": "interrupting"})
    );
    let mut client = daemon.connect();
    daemon.until_status(&id, "interrupted");
    client.fail("interruptSession", json!({"session_id": id}));
}

#[test]
fn files_that_were_read_are_snapshots() {
    let daemon = Daemon::start();
    let file = daemon.work().join("notes.txt");
    std::fs::write(&file, "one\ntwo\n").unwrap();
    let read = json!({"file_path": file});
    let id = daemon.launch_session(&format!("FREE Read {read}\nTEXT done"));
    daemon.until_status(&id, "completed");
    let answer = daemon.call("getSessionSnapshots", json!({"session_id": id}));
    let snapshots = answer["snapshots"].as_array().unwrap();
    let fields: Fields = &[
        ("tool_id", "string"),
        ("file_path", "string"),
        ("content", "string"),
        ("created_at", "time"),
    ];
    assert_fields(&snapshots[0], fields);
    assert_eq!(snapshots[0]["file_path"], read["file_path"]);
    assert!(snapshots[0]["content"].as_str().unwrap().contains("two"));
}

#[test]
fn a_decision_answers_success_or_an_error() {
    let daemon = Daemon::start();
    let id = daemon.launch_session("TOOL Bash {\"command\": \"true\"}\nTEXT done");
    let approval = daemon.until_pending(&id);
    let mut client = daemon.connect();
    let params = |decision: &str, comment: &str| json!({"approval_id": approval["id"], "decision": decision, "comment": comment});
    let message = |error: Value| error["message"].as_str().unwrap().to_owned();
    assert!(message(client.fail("sendDecision", params("deny", ""))).contains("comment"));
    assert!(message(client.fail("sendDecision", params("maybe", ""))).contains("maybe"));
    assert!(message(client.fail("sendDecision", params("", ""))).contains("decision"));
    let first = client.call("sendDecision", params("approve", ""));
    assert_eq!(first["success"], true);
    assert!(first.get("error").is_none());
    let second = client.call("sendDecision", params("deny", "late"));
    assert_eq!(second["success"], false);
    assert!(second["error"].is_string());
    daemon.until_status(&id, "completed");
}

#[test]
fn a_call_without_params_is_a_call_with_none() {
    let daemon = Daemon::start();
    let mut client = daemon.connect();
    for line in [
        r#"{"jsonrpc":"2.0","method":"health","id":7}"#,
        r#"{"jsonrpc":"2.0","method":"health","params":null,"id":7}"#,
        r#"{"jsonrpc":"2.0","method":"listSessions","params":{"unknown":1},"id":7}"#,
    ] {
        client.send(line);
        let answer = client.receive();
        assert_eq!(answer["id"], 7);
        assert_eq!(answer["jsonrpc"], "2.0");
        assert!(answer.get("error").is_none(), "{answer}");
    }
}

#[test]
fn what_was_settled_elsewhere_is_resolved() {
    let daemon = Daemon::start();
    let id = daemon.launch_session("CANCEL\nTOOL Bash {\"command\": \"true\"}\nTEXT done");
    daemon.until_status(&id, "completed");
    let approval = wait_until("the question is recorded", || {
        let all = daemon.call("listApprovals", json!({"all": true}))["approvals"].clone();
        all.as_array().unwrap().first().cloned()
    });
    assert_eq!(approval["status"], "resolved");
    assert_eq!(approval["outcome"], "withdrawn");
}
