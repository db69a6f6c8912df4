//! `request_permission`, call by call.

use serde_json::{Value, json};

use super::{all, approvals, until_outcome, until_pending};
use crate::support::daemon::Daemon;
use crate::support::mcp::{Mcp, bash};

#[test]
fn a_yes_a_no_and_an_edit_come_back_in_one_text_block() {
    let daemon = Daemon::start();
    let mut mcp = approvals(&daemon);
    let decisions = [
        (
            json!({"decision": "approve"}),
            json!({"behavior": "allow", "updatedInput": {"command": "make"}}),
        ),
        (
            json!({"decision": "deny", "comment": "not now"}),
            json!({"behavior": "deny", "message": "not now"}),
        ),
        (
            json!({"decision": "approve", "updated_input": {"command": "make -n"}}),
            json!({"behavior": "allow", "updatedInput": {"command": "make -n"}}),
        ),
    ];
    for (number, (decision, told)) in decisions.into_iter().enumerate() {
        let call = mcp.may_run("make", &format!("toolu_{number}"));
        let asked = until_pending(&daemon, 1).remove(0);
        assert_eq!(
            (&asked["source"], &asked["tool_name"], &asked["tool_input"]),
            (&json!("mcp"), &json!("Bash"), &json!({"command": "make"}))
        );
        assert_eq!(asked["tool_use_id"], format!("toolu_{number}"));
        let done = daemon.decide(&asked, decision);
        assert_eq!(done["success"], true, "{done}");
        assert_eq!(mcp.permission(call), told);
        let settled = until_outcome(&daemon, &asked, told_outcome(&told));
        assert!(settled["delivered_at"].is_string(), "{settled}");
    }
    mcp.leave();
    assert!(mcp.wait().success());
}

/// Inputs that a strict parser refuses or alters.
fn odd_inputs() -> Vec<(String, bool)> {
    let deep = |depth: usize| {
        let nested = "[".repeat(depth) + &"]".repeat(depth);
        format!(r#"{{"command":"make","deep":{nested}}}"#)
    };
    vec![
        (r#"{"command":"echo cut \ud83d"}"#.to_owned(), false),
        (r#"{"command":"make","n":1e400}"#.to_owned(), false),
        (deep(400), false),
        (deep(120), false),
        (deep(90), true),
        (
            r#"{"command":"make", "n":12345678901234567890123, "x":1.0 }"#.to_owned(),
            true,
        ),
        (r#"{"command":"make","command":"make"}"#.to_owned(), true),
    ]
}

#[test]
fn whatever_an_input_holds_it_is_asked_and_goes_back_byte_for_byte() {
    let daemon = Daemon::start();
    let mut mcp = approvals(&daemon);
    for (number, (input, readable)) in odd_inputs().into_iter().enumerate() {
        let call = mcp.may_run_with("Bash", &input, &format!("toolu_{number}"));
        let asked = until_pending(&daemon, 1).remove(0);
        if readable {
            assert_eq!(asked["tool_input"]["command"], "make", "{input}");
        } else {
            assert_eq!(asked["input_state"], "unreadable", "{input}");
            assert_eq!(asked["tool_input"], json!({"unreadable_input": input}));
        }
        daemon.approve(&asked);
        let told = mcp.texts(call).remove(0);
        assert_eq!(
            told,
            format!(r#"{{"behavior":"allow","updatedInput":{input}}}"#)
        );
    }
    // What cannot be read can be denied as well.
    let call = mcp.may_run_with("Bash", &odd_inputs().remove(0).0, "toolu_denied");
    let asked = until_pending(&daemon, 1).remove(0);
    daemon.decide(&asked, json!({"decision": "deny", "comment": "no"}));
    assert_eq!(mcp.permission(call)["message"], "no");
}

#[test]
fn no_call_is_lost_for_a_field_that_nobody_needs() {
    let daemon = Daemon::start();
    let mut mcp = approvals(&daemon);
    let deep = "[".repeat(300) + &"]".repeat(300);
    let call = format!(
        r#"{{"jsonrpc":"2.0","id":71,"id":72,"odd":{deep},"method":"tools/call","params":{{"_meta":{{"n":1e400,"half":"\ud83d"}},"name":"request_permission","arguments":{{"tool_name":"Bash","input":{{"command":"make"}},"tool_use_id":7,"more":{deep}}}}}}}"#
    );
    mcp.send_raw(&call);
    let asked = until_pending(&daemon, 1).remove(0);
    daemon.approve(&asked);
    assert_eq!(
        mcp.permission(72),
        json!({"behavior": "allow", "updatedInput": {"command": "make"}})
    );
    // A line that is no JSON is answered where it can be told whom.
    mcp.send_raw(r#"{"jsonrpc":"2.0","id":73,"method":"tools/call","params":{"na"#);
    assert_eq!(mcp.answer(73)["error"]["code"], -32700);
    let long = format!(r#"{{"command":"{}"}}"#, "x".repeat(16 << 20));
    let call = mcp.may_run_with("Bash", &long, "toolu_long");
    let told = mcp.permission(call);
    assert_eq!(told["behavior"], "deny");
    assert!(
        told["message"].as_str().unwrap().contains("over the limit"),
        "{told}"
    );
}

fn told_outcome(told: &Value) -> &'static str {
    if told["behavior"] == "allow" {
        "approved"
    } else {
        "denied"
    }
}

#[test]
fn a_question_is_answered() {
    let daemon = Daemon::start();
    let mut mcp = approvals(&daemon);
    let input = json!({"questions": [{"question": "Which one?", "header": "One",
        "options": [{"label": "A"}, {"label": "B"}], "multiSelect": false}]});
    let arguments = json!({"tool_name": "AskUserQuestion", "input": input, "tool_use_id": "t"});
    let call = mcp.call("request_permission", arguments);
    let asked = until_pending(&daemon, 1).remove(0);
    let answers = json!({"Which one?": "B"});
    daemon.decide(&asked, json!({"decision": "respond", "answers": answers}));
    let mut answered = input;
    answered["answers"] = answers;
    assert_eq!(
        mcp.permission(call),
        json!({"behavior": "allow", "updatedInput": answered})
    );
}

#[test]
fn what_cannot_be_carried_is_refused_to_the_person_not_dropped() {
    let daemon = Daemon::start();
    let mut mcp = approvals(&daemon);
    mcp.may_run("make", "t");
    let asked = until_pending(&daemon, 1).remove(0);
    for decision in [
        json!({"decision": "approve", "updated_permissions": [{"type": "addRules"}]}),
        json!({"decision": "deny", "comment": "no", "interrupt": true}),
    ] {
        let mut params = decision;
        params["approval_id"] = asked["id"].clone();
        let error = daemon.connect().fail("sendDecision", params);
        assert_eq!(error["data"]["kind"], "invalid_params", "{error}");
    }
    assert_eq!(until_pending(&daemon, 1)[0]["id"], asked["id"]);
}

#[test]
fn two_calls_at_once_get_each_their_own_answer() {
    let daemon = Daemon::start();
    let mut mcp = approvals(&daemon);
    let first = mcp.may_run("one", "t1");
    until_pending(&daemon, 1);
    let second = mcp.may_run("two", "t2");
    let pending = until_pending(&daemon, 2);
    daemon.approve(&pending[1]);
    assert_eq!(
        mcp.permission(second)["updatedInput"],
        json!({"command": "two"})
    );
    daemon.decide(&pending[0], json!({"decision": "deny", "comment": "no"}));
    assert_eq!(mcp.permission(first)["message"], "no");
    // Both are one agent's.
    assert_eq!(pending[0]["session_id"], pending[1]["session_id"]);
}

#[test]
fn an_agent_of_no_session_gets_one_named_by_directory_and_process() {
    let daemon = Daemon::start();
    let mut mcp = approvals(&daemon);
    mcp.may_run("make", "t1");
    let asked = until_pending(&daemon, 1).remove(0);
    let session = daemon.session(asked["session_id"].as_str().unwrap());
    let me = mcp.agent();
    assert_eq!(
        session["title"],
        format!("tester in work (pid {me})"),
        "{session}"
    );
    let work = daemon.work().canonicalize().unwrap();
    assert_eq!(
        (&session["external"], &session["asker_pid"]),
        (&json!(true), &json!(me))
    );
    assert_eq!(session["working_dir"], json!(work));
    assert_eq!(session["status"], "waiting_input");
    // Another server of the same agent belongs to the same.
    let mut command = daemon.command();
    command
        .args(["mcp", "serve"])
        .env("HUMANLAYER_RUN_ID", session["run_id"].as_str().unwrap());
    let mut other = Mcp::start(command);
    other.call("contact_human", json!({"message": "hello"}));
    let pending = until_pending(&daemon, 2);
    assert_eq!(pending[1]["session_id"], asked["session_id"]);
}

#[test]
fn the_one_tool_takes_what_claude_code_sends_and_nothing_less() {
    let daemon = Daemon::start();
    let mut mcp = approvals(&daemon);
    let list = mcp.request("tools/list", json!({}));
    let tools = mcp.answer(list)["result"]["tools"].clone();
    let tools = tools.as_array().unwrap();
    assert_eq!(tools.len(), 1);
    assert_eq!(tools[0]["name"], "request_permission");
    assert_eq!(tools[0]["inputSchema"]["type"], "object");
    for (tool, arguments) in [
        ("request_permission", json!({"input": {}})),
        ("request_permission", json!({"tool_name": " ", "input": {}})),
        (
            "request_permission",
            json!({"tool_name": "Bash", "input": "ls"}),
        ),
        ("sendDecision", json!({"approval_id": "x"})),
    ] {
        let call = mcp.call(tool, arguments);
        let answer = mcp.answer(call);
        assert!(
            answer.get("error").is_some() || answer["result"]["isError"] == true,
            "{answer}"
        );
    }
    assert!(all(&daemon).is_empty());
    let mut more = bash("ls", "t");
    more["mcp_skill_ask"] = json!({"skill": "x"});
    mcp.call("request_permission", more);
    until_pending(&daemon, 1);
    mcp.leave();
    assert!(mcp.wait().success());
}

#[test]
fn a_question_that_nobody_decided_is_told_as_that() {
    let daemon = Daemon::start();
    let mut mcp = approvals(&daemon);
    let call = mcp.may_run("make", "t");
    let asked = until_pending(&daemon, 1).remove(0);
    daemon.call(
        "withdrawApproval",
        json!({"approval_id": asked["id"], "reason": "tidying up"}),
    );
    let told = mcp.permission(call);
    assert_eq!(told["behavior"], "deny");
    let message = told["message"].as_str().unwrap();
    assert!(message.starts_with("Nobody decided"), "{message}");
    assert!(message.contains("tidying up"), "{message}");
}

#[test]
fn a_question_asked_again_while_it_waits_is_the_same() {
    let daemon = Daemon::start();
    let server = || {
        let mut command = daemon.command();
        command
            .args(["mcp", "claude_approvals"])
            .env("HUMANLAYER_RUN_ID", "one agent's");
        Mcp::start(command)
    };
    let mut mcp = server();
    let first = mcp.may_run("make", "t");
    let asked = until_pending(&daemon, 1).remove(0);
    // As after a server's death, when the agent starts another and asks again.
    let mut other = server();
    let again = other.may_run("make", "t");
    other.until("the question waits", |line| {
        line["params"]["message"]
            .as_str()
            .is_some_and(|message| message.starts_with("waiting for a person"))
    });
    assert_eq!(all(&daemon).len(), 1);
    daemon.approve(&asked);
    assert_eq!(mcp.permission(first), other.permission(again));
}
