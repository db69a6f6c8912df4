//! What no client should send: the daemon says what is wrong and goes on.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::daemon::{Daemon, PATIENCE};

/// Sends bytes as they are and reads one line.
fn answer_to(daemon: &Daemon, bytes: &[u8]) -> Value {
    let mut stream = UnixStream::connect(daemon.socket()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let writing = stream.try_clone().unwrap();
    // The daemon may answer and stop listening before it has everything.
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut writing = writing;
            let _ = writing.write_all(bytes);
        });
        let mut line = String::new();
        BufReader::new(&mut stream).read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    })
}

fn is_well(daemon: &Daemon) {
    assert_eq!(daemon.call("health", json!({}))["status"], "ok");
}

#[rstest]
#[case("not json at all\n", -32700)]
#[case("{\"jsonrpc\":\"2.0\",\"id\":1,\n", -32700)]
#[case("[]\n", -32600)]
#[case("42\n", -32600)]
#[case("{\"jsonrpc\":\"2.0\",\"id\":1}\n", -32600)]
#[case("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"noSuchMethod\"}\n", -32601)]
#[case("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"health\",\"params\":[1]}\n", -32602)]
#[case("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"health\",\"params\":7}\n", -32600)]
#[case("\u{0}\u{1b}[2J\n", -32700)]
fn what_is_no_request_is_answered_with_its_error(#[case] line: &str, #[case] code: i64) {
    let daemon = Daemon::start();
    let answer = answer_to(&daemon, line.as_bytes());
    assert_eq!(answer["error"]["code"], code, "{answer}");
    is_well(&daemon);
}

#[test]
fn bytes_that_are_no_text_are_answered() {
    let daemon = Daemon::start();
    let answer = answer_to(&daemon, b"\xff\xfe\x80\n");
    assert_eq!(answer["error"]["code"], -32700, "{answer}");
    is_well(&daemon);
}

#[test]
fn half_a_line_harms_nobody() {
    let daemon = Daemon::start();
    let mut halves = Vec::new();
    for _ in 0..20 {
        let mut stream = UnixStream::connect(daemon.socket()).unwrap();
        stream
            .write_all(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"launchSes")
            .unwrap();
        halves.push(stream);
    }
    is_well(&daemon);
    drop(halves);
    is_well(&daemon);
}

#[test]
fn a_line_of_64_megabytes_is_refused_and_the_next_one_served() {
    let daemon = Daemon::start();
    let mut client = daemon.connect();
    let long = "x".repeat(64 * 1024 * 1024);
    client.send(&format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"launchSession\",\"params\":{{\"query\":\"{long}\"}}}}"
    ));
    let answer = client.receive();
    assert_eq!(answer["error"]["data"]["kind"], "too_large", "{answer}");
    assert_eq!(client.call("health", json!({}))["status"], "ok");
}

#[test]
fn deep_nesting_is_answered() {
    let daemon = Daemon::start();
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let inner = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
        let line = format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"createApproval\",\"params\":{{\"run_id\":\"x\",\"tool_name\":\"y\",\"tool_input\":{inner}}}}}\n"
        );
        let answer = answer_to(&daemon, line.as_bytes());
        // The request could be read, and it is its session that is not there.
        assert_eq!(answer["id"], 1, "{answer}");
        assert_eq!(answer["error"]["data"]["kind"], "not_found", "{answer}");
    }
    is_well(&daemon);
}

#[rstest]
#[case("launchSession", json!({"query": 7}), "query")]
#[case("launchSession", json!({"query": ""}), "query")]
#[case("launchSession", json!({}), "query")]
#[case("launchSession", json!({"query": "x", "max_turns": "three"}), "max_turns")]
#[case("launchSession", json!({"query": "x", "allowed_tools": [1]}), "allowed_tools[0]")]
#[case("launchSession", json!({"query": "x", "env": {"A": 1}}), "env.A")]
#[case("launchSession", json!({"query": "x", "working_dir": "relative"}), "working_dir")]
#[case("launchSession", json!({"query": "x", "working_dir": "/no/such/place"}), "working_dir")]
#[case("launchSession", json!({"query": "x", "mcp_config": {"mcpServers": 3}}), "mcp_config")]
#[case("launchSession", json!({"query": "x", "session_id": "../../etc"}), "session_id")]
#[case("getSessionState", json!({}), "session_id")]
#[case("getSessionState", json!({"session_id": ["x"]}), "session_id")]
#[case("getConversation", json!({}), "session_id")]
#[case("getConversation", json!({"session_id": "x", "limit": -1}), "limit")]
#[case("getRawLines", json!({}), "session_id")]
#[case("createApproval", json!({"tool_name": "x", "tool_input": {}}), "run_id")]
#[case("createApproval", json!({"run_id": "x", "tool_input": {}}), "tool_name")]
#[case("createApproval", json!({"run_id": "x", "tool_name": "x"}), "tool_input")]
#[case("sendDecision", json!({"decision": "approve"}), "approval_id")]
#[case("sendDecision", json!({"approval_id": "x"}), "decision")]
#[case("sendDecision", json!({"approval_id": "x", "decision": "maybe"}), "decision")]
#[case("sendDecision", json!({"approval_id": "x", "decision": "deny"}), "comment")]
#[case("sendDecision", json!({"approval_id": "x", "decision": "respond"}), "answers")]
#[case("sendDecision", json!({"approval_id": "x", "decision": "deny", "comment": "x", "updated_input": {}}), "updated_input")]
#[case("interruptSession", json!({}), "session_id")]
#[case("sendMessage", json!({"session_id": "x"}), "message")]
#[case("subscribeEvents", json!({"since": "yesterday"}), "since")]
fn an_error_names_the_parameter_at_fault(
    #[case] method: &str,
    #[case] params: Value,
    #[case] field: &str,
) {
    let daemon = Daemon::start();
    let error = daemon.connect().fail(method, params);
    assert_eq!(error["code"], -32602, "{error}");
    assert_eq!(error["data"]["kind"], "invalid_params", "{error}");
    assert_eq!(error["data"]["field"], field, "{error}");
    is_well(&daemon);
}

#[test]
fn a_query_of_5_megabytes_works_and_one_of_9_is_refused() {
    let daemon = Daemon::start();
    let query = format!("TEXT done\n{}", "x".repeat(5 * 1024 * 1024));
    let id = daemon.launch_session(&query);
    daemon.until_status(&id, "completed");
    assert_eq!(daemon.conversation(&id)[0]["content"], query.as_str());
    let query = "x".repeat(9 * 1024 * 1024);
    let error = daemon.connect().fail(
        "launchSession",
        json!({"query": query, "working_dir": daemon.work()}),
    );
    assert_eq!(error["data"]["kind"], "too_large", "{error}");
    assert!(error["data"]["hint"].is_string(), "{error}");
    is_well(&daemon);
}

#[test]
fn a_working_directory_that_went_away_is_told() {
    let daemon = Daemon::start();
    let gone = daemon.root().join("gone");
    std::fs::create_dir(&gone).unwrap();
    let id = daemon.launch_session_with(json!({"query": "TEXT hello", "working_dir": gone}));
    daemon.until_status(&id, "completed");
    std::fs::remove_dir_all(&gone).unwrap();
    let error = daemon.connect().fail(
        "continueSession",
        json!({"session_id": id, "query": "TEXT again"}),
    );
    assert_eq!(error["data"]["field"], "working_dir", "{error}");
    assert!(
        error["message"].as_str().unwrap().contains("gone"),
        "{error}"
    );
}

#[test]
fn deceptive_characters_of_a_tool_input_are_kept_exactly() {
    let daemon = Daemon::start();
    let command = "echo \u{1b}[2J\u{1b}]0;owned\u{7} \u{202e}fdp.exe\u{202c} \u{200b}\u{feff} \u{9b}31m \\u0000 \r\n done";
    let call = json!({"command": command});
    let id = daemon.launch_session(&format!("TOOL Bash {call}"));
    let pending = daemon.until_pending(&id);
    assert_eq!(pending["tool_input"], call);
    let shown = humanlayer::domain::text::sanitize(command);
    assert!(
        !shown
            .chars()
            .any(|c| humanlayer::domain::text::is_deceptive(c) && c != '\n' && c != '\t')
    );
    let answer = daemon.decide(&pending, json!({"decision": "deny", "comment": command}));
    assert_eq!(answer["approval"]["comment"], command);
    daemon.until_status(&id, "completed");
    let said = daemon.conversation(&id);
    let call_event = said
        .iter()
        .find(|event| event["event_type"] == "tool_call")
        .unwrap();
    let stored: Value =
        serde_json::from_str(call_event["tool_input_json"].as_str().unwrap()).unwrap();
    assert_eq!(stored, call);
    let result = said
        .iter()
        .find(|event| event["event_type"] == "tool_result")
        .unwrap();
    assert!(
        result["tool_result_content"]
            .as_str()
            .unwrap()
            .contains(command)
    );
}
