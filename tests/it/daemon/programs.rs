//! Programs that are no session's agent ask over the socket: contacts, and permission prompts of
//! agents that were started by hand.

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::agent_shell::calls_of_an_agent;
use crate::support::daemon::Daemon;

fn contact(daemon: &Daemon, params: Value) -> (String, String) {
    let answer = daemon.call("createContact", params);
    (
        answer["approval_id"].as_str().unwrap().to_owned(),
        answer["session_id"].as_str().unwrap().to_owned(),
    )
}

fn approval(daemon: &Daemon, id: &str) -> Value {
    daemon.call("getApproval", json!({"approval_id": id}))["approval"].clone()
}

fn error(daemon: &Daemon, method: &str, params: Value) -> (String, String) {
    let error = daemon.connect().fail(method, params);
    (
        error["data"]["kind"].as_str().unwrap().to_owned(),
        error["message"].as_str().unwrap().to_owned(),
    )
}

#[test]
fn a_contact_is_answered_in_words_and_shown_under_its_askers_run() {
    let daemon = Daemon::start();
    let (id, session) = contact(
        &daemon,
        json!({"message": "deploy now?", "subject": "deploy", "asker": "deploy.sh", "cwd": "/srv"}),
    );
    let shown = daemon.session(&session);
    assert_eq!(shown["status"], "waiting_input");
    assert_eq!(
        (&shown["external"], &shown["live"], &shown["asker"]),
        (&json!(true), &json!(false), &json!("deploy.sh"))
    );
    assert_eq!(
        (&shown["title"], &shown["working_dir"]),
        (&json!("deploy.sh"), &json!("/srv"))
    );
    let asked = approval(&daemon, &id);
    assert_eq!(
        (&asked["kind"], &asked["source"]),
        (&json!("contact"), &json!("program"))
    );
    assert_eq!(
        asked["tool_input"],
        json!({"message": "deploy now?", "subject": "deploy"})
    );
    let answer = json!({"decision": "respond", "comment": "not today"});
    assert_eq!(daemon.decide(&asked, answer)["success"], true);
    let settled = approval(&daemon, &id);
    assert_eq!(
        (
            &settled["outcome"],
            &settled["comment"],
            &settled["delivered_at"]
        ),
        (&json!("answered"), &json!("not today"), &Value::Null)
    );
    // The asker fetches it, and asks again under the same run.
    daemon.call("getApproval", json!({"approval_id": id, "receive": true}));
    assert!(approval(&daemon, &id)["delivered_at"].is_string());
    assert_eq!(daemon.session(&session)["status"], "completed");
    let (_, again) = contact(
        &daemon,
        json!({"message": "and now?", "asker": "deploy.sh", "cwd": "/srv"}),
    );
    assert_eq!(again, session);
}

#[test]
fn an_option_stands_for_its_words_and_asking_again_asks_nothing_twice() {
    let mut daemon = Daemon::start();
    let params = json!({"message": "when?", "run_id": "a run", "call_id": "c1", "response_options": [
        {"name": "later", "title": "Ask me later"}, {"name": "never"},
    ]});
    let (id, _) = contact(&daemon, params.clone());
    daemon.kill_and_restart();
    assert_eq!(contact(&daemon, params).0, id);
    let asked = approval(&daemon, &id);
    let refused = |params: Value| {
        let mut all = json!({"approval_id": id});
        for (name, value) in params.as_object().unwrap() {
            all[name] = value.clone();
        }
        error(&daemon, "sendDecision", all)
    };
    assert_eq!(refused(json!({"decision": "approve"})).0, "invalid_params");
    let (_, message) = refused(json!({"decision": "respond", "option": "now"}));
    assert!(message.contains("later"), "{message}");
    daemon.decide(&asked, json!({"decision": "respond", "option": "later"}));
    let settled = approval(&daemon, &id);
    assert_eq!(
        (&settled["chosen_option"], &settled["comment"]),
        (&json!("later"), &json!("Ask me later"))
    );
    let (kind, _) = error(
        &daemon,
        "createContact",
        json!({"message": "what?", "run_id": "a run", "call_id": "c1"}),
    );
    assert_eq!(kind, "conflict");
}

#[test]
fn a_request_is_withdrawn_once_and_only_where_that_means_something() {
    let daemon = Daemon::start();
    let (id, session) = contact(&daemon, json!({"message": "still there?"}));
    let withdrawn = daemon.call("withdrawApproval", json!({"approval_id": id}));
    assert_eq!(withdrawn["approval"]["outcome"], "withdrawn");
    assert_eq!(daemon.session(&session)["status"], "completed");
    let (kind, _) = error(&daemon, "withdrawApproval", json!({"approval_id": id}));
    assert_eq!(kind, "already_resolved");
    let session = daemon.launch_session("TOOL Bash {\"command\": \"true\"}");
    let asked = daemon.until_pending(&session);
    let (kind, message) = error(
        &daemon,
        "withdrawApproval",
        json!({"approval_id": asked["id"]}),
    );
    assert_eq!(kind, "invalid_params", "{message}");
}

#[test]
fn a_prompt_from_no_known_session_opens_one_only_when_its_asker_says_who_it_is() {
    let daemon = Daemon::start();
    let params = json!({"run_id": "by-hand", "tool_name": "Bash", "tool_input": {"command": "ls"}});
    assert_eq!(
        error(&daemon, "createApproval", params.clone()).0,
        "not_found"
    );
    let mut known = params.clone();
    known["external"] = json!({"name": "claude", "cwd": "/home/u/project", "pid": 4711});
    let id = daemon.call("createApproval", known)["approval_id"].clone();
    let asked = approval(&daemon, id.as_str().unwrap());
    assert_eq!(
        (&asked["source"], &asked["kind"]),
        (&json!("mcp"), &json!("permission"))
    );
    let session = daemon.session("by-hand");
    assert_eq!(
        (
            &session["external"],
            &session["asker_pid"],
            &session["working_dir"]
        ),
        (&json!(true), &json!(4711), &json!("/home/u/project"))
    );
    daemon.approve(&asked);
    assert_eq!(daemon.session("by-hand")["status"], "completed");
    // Now the run is known, to old clients too.
    daemon.call("createApproval", params);
}

#[test]
fn a_prompt_asked_again_under_its_name_or_about_its_tool_call_is_the_same() {
    let mut daemon = Daemon::start();
    let params = json!({"run_id": "r", "tool_name": "Bash", "tool_input": {"command": "ls"},
        "tool_use_id": "t1", "call_id": "c1", "accepts_edits": true, "external": {"name": "x"}});
    let ask = |daemon: &Daemon, more: Value| {
        let mut all = params.clone();
        for (name, value) in more.as_object().unwrap() {
            all[name] = value.clone();
        }
        daemon.call("createApproval", all)["approval_id"].clone()
    };
    let id = ask(&daemon, json!({}));
    daemon.kill_and_restart();
    assert_eq!(ask(&daemon, json!({})), id);
    assert_eq!(ask(&daemon, json!({"call_id": "c2"})), id);
    let others = [
        json!({"call_id": "c3", "tool_use_id": "t2"}),
        json!({"call_id": "c4", "tool_input": {"command": "pwd"}}),
        // A client that names nothing asks anew each time.
        json!({"call_id": null}),
    ];
    for other in others {
        assert_ne!(ask(&daemon, other.clone()), id, "{other}");
    }
    let mut taken = params.clone();
    taken["tool_input"] = json!({"command": "rm"});
    assert_eq!(error(&daemon, "createApproval", taken).0, "conflict");
    let asked = approval(&daemon, id.as_str().unwrap());
    assert_eq!(asked["accepts_edits"], true);
    daemon.approve(&asked);
    // Settled: under its name it stays what it is.
    assert_eq!(ask(&daemon, json!({})), id);
    assert_ne!(
        ask(&daemon, json!({"call_id": "c5", "tool_use_id": "t3"})),
        id
    );
}

#[rstest]
#[case("sendMessage", json!({"message": "hello"}))]
#[case("interruptSession", json!({}))]
#[case("endSession", json!({}))]
#[case("continueSession", json!({"query": "go on"}))]
#[case("updateSessionSettings", json!({"auto_accept_edits": true}))]
fn another_programs_run_cannot_be_steered(#[case] method: &str, #[case] mut params: Value) {
    let daemon = Daemon::start();
    let (_, session) = contact(&daemon, json!({"message": "x", "run_id": "r"}));
    params["session_id"] = json!(session);
    let (kind, message) = error(&daemon, method, params);
    assert_eq!(kind, "conflict", "{message}");
    assert!(message.contains("another program"), "{message}");
    daemon.call(
        "archiveSession",
        json!({"session_id": session, "archived": true}),
    );
    daemon.call(
        "updateSessionTitle",
        json!({"session_id": session, "title": "t"}),
    );
    assert_eq!(daemon.session(&session)["title"], "t");
}

#[rstest]
#[case("createContact", json!({}), "message")]
#[case("createContact", json!({"message": " "}), "message")]
#[case("createContact", json!({"message": "x", "subject": "s".repeat(1001)}), "subject")]
#[case("createContact", json!({"message": "x", "asker": "a".repeat(1001)}), "asker")]
#[case("createContact", json!({"message": "x", "cwd": "/".repeat(4097)}), "cwd")]
#[case("createContact", json!({"message": "x", "run_id": "r".repeat(1001)}), "run_id")]
#[case("createContact", json!({"message": "x", "call_id": "c".repeat(1001)}), "call_id")]
#[case("createContact", json!({"message": "x".repeat(1024 * 1024 + 1)}), "message")]
#[case("createContact", json!({"message": "x", "response_options": [{"name": ""}]}), "response_options")]
#[case("createContact", json!({"message": "x", "response_options": [{"name": "a"}, {"name": "a"}]}), "response_options")]
#[case("createApproval", json!({"tool_name": "t", "tool_input": {}, "external": {"cwd": "/"}}), "external.name")]
#[case("withdrawApproval", json!({}), "approval_id")]
#[case("createKey", json!({"name": " "}), "name")]
#[case("createKey", json!({"name": "a\nb"}), "name")]
#[case("revokeKey", json!({}), "name")]
fn a_parameter_at_fault_is_named(#[case] method: &str, #[case] params: Value, #[case] field: &str) {
    let daemon = Daemon::start();
    let error = daemon.connect().fail(method, params);
    assert_eq!(
        (&error["data"]["kind"], &error["data"]["field"]),
        (&json!("invalid_params"), &json!(field)),
        "{error}"
    );
}

#[test]
fn an_agent_may_ask_and_withdraw_for_its_own_session_only() {
    let daemon = Daemon::start();
    let (foreign, _) = contact(&daemon, json!({"message": "a person's"}));
    let (session, answers) = calls_of_an_agent(
        &daemon,
        &[
            ("createContact", json!({"message": "which way?"})),
            (
                "createContact",
                json!({"message": "x", "run_id": "another"}),
            ),
            (
                "sendDecision",
                json!({"approval_id": "$ID", "decision": "respond", "comment": "left"}),
            ),
            ("withdrawApproval", json!({"approval_id": foreign})),
            ("withdrawApproval", json!({"approval_id": "$ID"})),
        ],
    );
    assert_eq!(answers[0]["result"]["session_id"], session, "{answers:#?}");
    for refused in &answers[1..4] {
        assert_eq!(refused["error"]["data"]["kind"], "forbidden", "{refused}");
    }
    let withdrawn = &answers[4]["result"]["approval"];
    assert_eq!(
        (&withdrawn["outcome"], &withdrawn["decided_by"]),
        (&json!("withdrawn"), &json!({"kind": "agent"})),
        "{answers:#?}"
    );
}
