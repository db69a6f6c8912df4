//! Many questions, and questions that end without anybody's decision.

use serde_json::{Value, json};

use crate::support::daemon::{Daemon, wait_until};

fn approval(daemon: &Daemon, id: &Value) -> Value {
    daemon.call("getApproval", json!({"approval_id": id}))["approval"].clone()
}

/// A question over MCP about a tool call.
fn ask_over_mcp(daemon: &Daemon, session_id: &str, tool_use_id: &str) -> Value {
    let params = json!({
        "run_id": session_id, "tool_name": "Bash", "tool_input": {"command": "x"},
        "tool_use_id": tool_use_id,
    });
    daemon.call("createApproval", params)["approval_id"].clone()
}

#[test]
fn parallel_questions_are_pending_at_once_and_decided_in_any_order() {
    let daemon = Daemon::start();
    let names = ["one", "two", "three", "four"];
    let calls: Vec<String> = names
        .iter()
        .map(|name| format!("TOOL Bash {{\"command\": \"touch {name}\"}}"))
        .collect();
    let id = daemon.launch_session(&format!("ASK_ALL\n{}\nTEXT done", calls.join("\n")));
    let pending = wait_until("all are pending", || {
        let pending = daemon.pending(&id);
        (pending.len() == 4).then_some(pending)
    });
    assert_eq!(daemon.session(&id)["pending_approvals"], 4);
    // The last first, and the second is denied.
    for (at, question) in pending.iter().enumerate().rev() {
        let decision = match at {
            1 => json!({"decision": "deny", "comment": "no"}),
            _ => json!({"decision": "approve"}),
        };
        assert_eq!(daemon.decide(question, decision)["success"], true);
    }
    daemon.until_status(&id, "completed");
    for (at, name) in names.iter().enumerate() {
        assert_eq!(daemon.work().join(name).exists(), at != 1, "{name}");
        let decided = approval(&daemon, &pending[at]["id"]);
        assert_eq!(decided["tool_input"]["command"], format!("touch {name}"));
        assert!(decided["delivered_at"].is_string());
        assert!(decided["waited_ms"].as_i64().unwrap() >= 0);
    }
}

#[test]
fn of_many_deciders_one_wins_and_all_learn_who() {
    let daemon = Daemon::start();
    let id = daemon.launch_session("TOOL Bash {\"command\": \"echo ran >> ran\"}\nTEXT done");
    let question = daemon.until_pending(&id);
    let answers: Vec<Value> = std::thread::scope(|scope| {
        let deciders: Vec<_> = (0..8)
            .map(|number| {
                let (daemon, question) = (&daemon, &question);
                let decision = match number % 2 {
                    0 => json!({"decision": "approve"}),
                    _ => json!({"decision": "deny", "comment": format!("no {number}")}),
                };
                scope.spawn(move || daemon.decide(question, decision))
            })
            .collect();
        deciders
            .into_iter()
            .map(|decider| decider.join().unwrap())
            .collect()
    });
    let (won, lost): (Vec<Value>, Vec<Value>) = answers
        .into_iter()
        .partition(|answer| answer["success"] == true);
    assert_eq!(won.len(), 1, "{won:?}");
    let stands = &won[0]["approval"];
    for answer in lost {
        assert_eq!(answer["error_kind"], "already_resolved");
        for field in ["outcome", "comment", "decided_by", "responded_at"] {
            assert_eq!(answer["approval"][field], stands[field], "{field}");
        }
    }
    daemon.until_status(&id, "completed");
    let ran = daemon.work().join("ran").exists();
    assert_eq!(ran, stands["outcome"] == "approved");
}

#[test]
fn a_question_that_the_agent_takes_back_is_withdrawn() {
    let daemon = Daemon::start();
    let go = daemon.work().join("go");
    let id = daemon.launch_session(&format!(
        "CANCEL {}\nTOOL Bash {{\"command\": \"touch made\"}}\nTEXT done",
        go.display()
    ));
    let question = daemon.until_pending(&id);
    std::fs::write(&go, "").unwrap();
    daemon.until_status(&id, "completed");
    let question = approval(&daemon, &question["id"]);
    assert_eq!(question["outcome"], "withdrawn");
    assert_eq!(question["decided_by"], json!({"kind": "agent"}));
    assert!(question.get("delivered_at").is_none());
    let late = daemon.decide(&question, json!({"decision": "approve"}));
    assert_eq!(late["error_kind"], "already_resolved");
    assert!(!daemon.work().join("made").exists());
}

#[test]
fn a_question_over_mcp_whose_call_has_its_result_is_abandoned() {
    let daemon = Daemon::start();
    let id = daemon.launch_session("TEXT hi");
    daemon.until_status(&id, "completed");
    let (ours, other) = (
        ask_over_mcp(&daemon, &id, "toolu_ours"),
        ask_over_mcp(&daemon, &id, "toolu_other"),
    );
    let result = json!({"type": "user", "message": {"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": "toolu_ours", "content": "timed out", "is_error": true},
    ]}, "parent_tool_use_id": null});
    daemon.call(
        "sendMessage",
        json!({"session_id": id, "message": format!("UNKNOWN {result}\nTEXT bye")}),
    );
    wait_until("the question is abandoned", || {
        (approval(&daemon, &ours)["outcome"] == "abandoned").then_some(())
    });
    assert_eq!(approval(&daemon, &other)["outcome"], "pending");
    assert_eq!(daemon.session(&id)["pending_approvals"], 1);
    let late = daemon.decide(&json!({"id": ours}), json!({"decision": "approve"}));
    assert_eq!(late["error_kind"], "already_resolved");
}

#[test]
fn what_is_pending_when_the_process_ends_is_abandoned() {
    let daemon = Daemon::start();
    let id = daemon.launch_session("TEXT hi");
    daemon.until_status(&id, "completed");
    let over_mcp = ask_over_mcp(&daemon, &id, "toolu_1");
    assert_eq!(daemon.session(&id)["status"], "waiting_input");
    daemon.call("endSession", json!({"session_id": id}));
    let session = daemon.until_over(&id);
    assert_eq!(session["pending_approvals"], 0);
    assert_eq!(approval(&daemon, &over_mcp)["outcome"], "abandoned");
    let error = daemon.connect().fail(
        "createApproval",
        json!({"run_id": id, "tool_name": "Bash", "tool_input": {}}),
    );
    assert_eq!(error["data"]["kind"], "conflict");
}

#[test]
fn an_agent_that_is_killed_leaves_an_abandoned_question_and_a_failed_session() {
    let daemon = Daemon::start();
    let id = daemon.launch_session("TOOL Bash {\"command\": \"true\"}");
    let question = daemon.until_pending(&id);
    let state = std::fs::read(daemon.session_dir(&id).join("runner.json")).unwrap();
    let state: Value = serde_json::from_slice(&state).unwrap();
    let pid = i32::try_from(state["agent_pid"].as_i64().unwrap()).unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    let session = daemon.until_over(&id);
    assert_eq!(session["status"], "failed");
    assert!(
        session["error_message"]
            .as_str()
            .unwrap()
            .contains("signal 9")
    );
    let question = approval(&daemon, &question["id"]);
    assert_eq!(question["outcome"], "abandoned");
    assert_eq!(question["decided_by"], json!({"kind": "agent"}));
}

#[test]
fn a_person_who_looks_is_no_delivery() {
    let daemon = Daemon::start();
    let id = daemon.launch_session("TEXT hi");
    daemon.until_status(&id, "completed");
    let asked = ask_over_mcp(&daemon, &id, "toolu_1");
    daemon.approve(&json!({"id": asked}));
    assert!(approval(&daemon, &asked).get("delivered_at").is_none());
    assert!(approval(&daemon, &asked).get("delivered_at").is_none());
}

#[test]
fn a_permission_prompts_input_is_taken_in_the_bytes_in_which_it_comes() {
    let daemon = Daemon::start();
    let deep = "[".repeat(400) + &"]".repeat(400);
    let inputs = [
        (r#"{"n":1e400}"#.to_owned(), "unreadable"),
        (r#"{"half":"\ud83d"}"#.to_owned(), "unreadable"),
        (format!(r#"{{"deep":{deep}}}"#), "unreadable"),
        (
            r#"{"a":1,"a":2, "n":12345678901234567890123}"#.to_owned(),
            "readable",
        ),
    ];
    for (number, (input, state)) in inputs.into_iter().enumerate() {
        let mut client = daemon.connect();
        client.send(&format!(
            r#"{{"jsonrpc":"2.0","id":{number},"method":"createApproval","params":{{"run_id":"a program's","external":{{"name":"it","cwd":"/"}},"tool_name":"Bash","tool_input":{input}}}}}"#
        ));
        let answer = client.receive();
        let id = &answer["result"]["approval_id"];
        assert!(id.is_string(), "{answer}");
        let asked = approval(&daemon, id);
        assert_eq!(
            asked["input_state"].as_str().unwrap_or("readable"),
            state,
            "{asked}"
        );
        if state == "unreadable" {
            assert_eq!(asked["tool_input"], json!({"unreadable_input": input}));
        }
        // Who has asked decides nothing; a person could.
        assert_eq!(asked["capabilities"]["approve"], true, "{asked}");
    }
    // What is no request at all is answered under its id, where it has one.
    let mut client = daemon.connect();
    client.send(r#"{"jsonrpc":"2.0","id":"mine","method":"createApproval","params":{"run_id":"#);
    let refused = client.receive();
    assert_eq!(refused["id"], "mine", "{refused}");
    assert_eq!(refused["error"]["code"], -32700, "{refused}");
}
