//! `Subscribe`: the call takes its connection over and every event is one more answer.

use serde_json::{Value, json};

use crate::support::daemon::{Client, Daemon};

/// Subscribes and checks the first answer.
fn subscribe(daemon: &Daemon, params: &Value) -> Client {
    let mut client = daemon.connect();
    let call = json!({"jsonrpc": "2.0", "method": "Subscribe", "params": params, "id": 41});
    client.send(&call.to_string());
    let first = client.receive();
    assert_eq!(first["jsonrpc"], "2.0");
    assert!(first["id"] == 41 || first["id"].is_null(), "{first}");
    assert!(first["result"]["subscription_id"].is_string());
    assert!(first["result"]["message"].is_string());
    client
}

/// The next event; checks what is around it.
fn next(client: &mut Client) -> Value {
    let line = client.receive();
    assert!(line["id"] == 41 || line["id"].is_null(), "{line}");
    let event = line["result"]["event"].clone();
    assert!(event["type"].is_string(), "{line}");
    assert!(
        event["timestamp"]
            .as_str()
            .unwrap()
            .parse::<jiff::Timestamp>()
            .is_ok()
    );
    assert!(event["data"].is_object());
    event
}

/// The next event of a type.
fn next_of(client: &mut Client, kind: &str) -> Value {
    loop {
        let event = next(client);
        if event["type"] == kind {
            return event["data"].clone();
        }
    }
}

#[test]
fn a_whole_session_is_told_in_the_old_words() {
    let daemon = Daemon::start();
    let mut events = subscribe(&daemon, &json!({}));
    let id = daemon.launch_session("TOOL Bash {\"command\": \"true\"}\nTEXT done");
    let run = daemon.session(&id)["run_id"].clone();
    let said = next_of(&mut events, "conversation_updated");
    assert_eq!(
        (&said["role"], &said["content_type"]),
        (&json!("user"), &json!("text"))
    );
    let called = loop {
        let data = next_of(&mut events, "conversation_updated");
        if data["event_type"] == "tool_call" {
            break data;
        }
    };
    assert_eq!(called["session_id"], id.as_str());
    assert_eq!(called["content_type"], "tool_use");
    assert_eq!(called["tool_name"], "Bash");
    assert_eq!(called["tool_input"], json!({"command": "true"}));
    assert_eq!(called["parent_tool_use_id"], "");
    assert!(called["tool_id"].is_string() && called["claude_session_id"].is_string());
    let asked = next_of(&mut events, "new_approval");
    assert_eq!(asked["session_id"], id.as_str());
    assert_eq!(asked["tool_name"], "Bash");
    let approval = daemon.until_pending(&id);
    assert_eq!(asked["approval_id"], approval["id"]);
    let waiting = next_of(&mut events, "session_status_changed");
    assert_eq!(waiting["session_id"], id.as_str());
    assert_eq!(waiting["run_id"], run);
    assert_eq!(
        (&waiting["old_status"], &waiting["new_status"]),
        (&json!("running"), &json!("waiting_input"))
    );
    daemon.decide(
        &approval,
        json!({"decision": "approve", "comment": "go on"}),
    );
    let resolved = next_of(&mut events, "approval_resolved");
    assert_eq!(resolved["approval_id"], approval["id"]);
    assert_eq!(resolved["session_id"], id.as_str());
    assert_eq!(resolved["approved"], true);
    assert_eq!(resolved["response_text"], "go on");
    assert_eq!(resolved["tool_use_id"], approval["tool_use_id"]);
    loop {
        let changed = next_of(&mut events, "session_status_changed");
        if changed["new_status"] == "completed" {
            break;
        }
    }
    daemon.call(
        "updateSessionSettings",
        json!({"session_id": id, "auto_accept_edits": true}),
    );
    let settings = next_of(&mut events, "session_settings_changed");
    assert_eq!(settings["session_id"], id.as_str());
    assert_eq!(settings["auto_accept_edits"], true);
    assert_eq!(settings["event_type"], "settings_updated");
    daemon.call(
        "updateSessionTitle",
        json!({"session_id": id, "title": "a title"}),
    );
    let settings = next_of(&mut events, "session_settings_changed");
    assert_eq!(settings["auto_accept_edits"], true);
}

#[test]
fn only_what_was_asked_for_is_told() {
    let daemon = Daemon::start();
    let first = daemon.launch_session("WAITFILE go\nTOOL Bash {\"command\": \"true\"}\nTEXT done");
    let run = daemon.session(&first)["run_id"].clone();
    let types = json!(["new_approval", "approval_resolved"]);
    let mut by_session = subscribe(&daemon, &json!({"session_id": first, "event_types": types}));
    let mut by_run = subscribe(&daemon, &json!({"run_id": run, "event_types": types}));
    let other = daemon.launch_session("TOOL Bash {\"command\": \"true\"}\nTEXT done");
    daemon.approve(&daemon.until_pending(&other));
    daemon.until_status(&other, "completed");
    std::fs::write(daemon.work().join("go"), "").unwrap();
    let approval = daemon.until_pending(&first);
    daemon.decide(&approval, json!({"decision": "deny", "comment": "because"}));
    for events in [&mut by_session, &mut by_run] {
        let asked = next(events);
        assert_eq!(asked["type"], "new_approval");
        assert_eq!(asked["data"]["session_id"], first.as_str());
        let resolved = next(events);
        assert_eq!(resolved["type"], "approval_resolved");
        assert_eq!(resolved["data"]["approved"], false);
        assert_eq!(resolved["data"]["response_text"], "because");
    }
}

#[test]
fn a_refused_subscription_says_why() {
    let daemon = Daemon::start();
    let mut client = daemon.connect();
    client.send(r#"{"jsonrpc":"2.0","method":"Subscribe","params":{"event_types":7},"id":3}"#);
    let answer = client.receive();
    assert_eq!(answer["error"]["code"], -32602);
}
