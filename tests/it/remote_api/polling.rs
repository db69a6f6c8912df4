//! What is asked there is in the inbox here, and what is settled there is settled here.

use serde_json::json;

use super::{approval, approvals, daemon, health, until, until_outcome, until_polls, until_well};
use crate::support::daemon::{Daemon, wait_until};
use crate::support::remote_api::{Fault, RemoteApi};

#[test]
fn all_pages_come_into_the_inbox_each_request_once() {
    let api = RemoteApi::start();
    api.page(7);
    for n in 0..30 {
        api.function_call("a run", &format!("call {n}"), "send_mail", json!({"n": n}));
    }
    api.contact("another run", "ask/1", "deploy now?");
    let daemon = daemon(&api);
    wait_until("all are there", || {
        (approvals(&daemon).len() == 31).then_some(())
    });
    until_polls(&api, 3);
    assert_eq!(approvals(&daemon).len(), 31);
    let call = approval(&daemon, "call 29");
    assert_eq!(
        (
            &call["source"],
            &call["kind"],
            &call["tool_name"],
            &call["tool_input"]
        ),
        (
            &json!("remote_api"),
            &json!("permission"),
            &json!("send_mail"),
            &json!({"n": 29})
        )
    );
    assert_eq!(call["created_at"], "2025-01-02T03:04:05.678901Z");
    let contact = approval(&daemon, "ask/1");
    assert_eq!(
        (&contact["kind"], &contact["tool_input"]),
        (&json!("contact"), &json!({"message": "deploy now?"}))
    );
    assert_ne!(call["session_id"], contact["session_id"]);
    let session = daemon.session(call["session_id"].as_str().unwrap());
    assert_eq!(
        (
            &session["run_id"],
            &session["external"],
            &session["pending_approvals"]
        ),
        (&json!("a run"), &json!(true), &json!(30))
    );
}

#[test]
fn a_request_of_a_session_is_shown_with_its_tool_call() {
    let api = RemoteApi::start();
    let daemon = daemon(&api);
    let id = daemon.launch_session("TOOL Bash {\"command\": \"echo x\"}\nTEXT done");
    let own = daemon.until_pending(&id);
    let run_id = daemon.session(&id)["run_id"].as_str().unwrap().to_owned();
    api.function_call(
        &run_id,
        "of the session",
        "deploy",
        json!({"to": "production"}),
    );
    let found = approval(&daemon, "of the session");
    assert_eq!(found["session_id"], id.as_str());
    assert_eq!(daemon.session(&id)["pending_approvals"], 2);
    daemon.approve(&found);
    daemon.approve(&own);
    daemon.until_status(&id, "completed");
}

#[test]
fn what_is_settled_there_is_settled_here_as_it_was_there() {
    let api = RemoteApi::start();
    api.function_call("r", "yes", "f", json!({}));
    api.function_call("r", "no", "f", json!({}));
    api.function_call("r", "gone", "f", json!({}));
    api.function_call("r", "stays", "f", json!({}));
    api.contact("r", "words", "?");
    let daemon = daemon(&api);
    for id in ["yes", "no", "gone", "stays", "words"] {
        approval(&daemon, id);
    }
    let mut events = daemon.connect();
    events.call(
        "subscribeEvents",
        json!({"event_types": ["approval_resolved"]}),
    );
    api.settle("yes", json!({"approved": true, "comment": null}));
    api.settle(
        "no",
        json!({"approved": false, "comment": "too risky", "reject_option_name": "risky"}),
    );
    api.settle("words", json!({"response": "tomorrow"}));
    api.remove("gone");
    let yes = until_outcome(&daemon, "yes", "approved");
    assert_eq!(
        yes["decided_by"],
        json!({"kind": "elsewhere", "place": api.base()})
    );
    let no = until_outcome(&daemon, "no", "denied");
    assert_eq!(
        (&no["comment"], &no["chosen_option"]),
        (&json!("too risky"), &json!("risky"))
    );
    assert_eq!(
        until_outcome(&daemon, "words", "answered")["comment"],
        "tomorrow"
    );
    let gone = until_outcome(&daemon, "gone", "withdrawn");
    assert_eq!(gone["decided_by"]["kind"], "elsewhere");
    let mut told: Vec<String> = (0..4)
        .map(|_| {
            events.receive()["params"]["result"]["data"]["approval"]["call_id"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    told.sort();
    assert_eq!(told, ["gone", "no", "words", "yes"]);
    assert_eq!(approval(&daemon, "stays")["outcome"], "pending");
    assert_eq!(api.count("POST"), 0, "nothing of it is sent back");
    // Who decides now is told that it is too late.
    let late = daemon.decide(&no, json!({"decision": "approve"}));
    assert_eq!(late["success"], false, "{late}");
}

#[test]
fn nothing_is_taken_for_gone_because_a_list_lacks_it() {
    let api = RemoteApi::start();
    api.page(2);
    for id in ["a", "b", "c", "d", "e"] {
        api.function_call("r", id, "f", json!({}));
    }
    let daemon = daemon(&api);
    for id in ["a", "b", "c", "d", "e"] {
        approval(&daemon, id);
    }
    // The second page fails, is cut, is no page, or holds what cannot be understood.
    let second = "function_calls/pending?limit=100&offset=2";
    let first = "function_calls/pending?limit=100&offset=0";
    let page = |items: &str| format!(r#"{{"items": [{items}], "total": 1, "has_more": false}}"#);
    for (call, fault) in [
        (second, Fault::Answer(500, vec![], "oops".to_owned())),
        (second, Fault::CutBefore),
        (second, Fault::CutWithin),
        (
            first,
            Fault::Nonsense("{\"detail\": \"not a page\"}".to_owned()),
        ),
        (first, Fault::Nonsense("[]".to_owned())),
        (first, Fault::Nonsense("<html>".to_owned())),
        (first, Fault::Nonsense(page("{\"call_id\": null}"))),
        (first, Fault::Nonsense(page("7"))),
        // A list without them: each is asked for by name.
        (first, Fault::Nonsense(page(""))),
    ] {
        api.fail(call, fault.clone());
        wait_until(&format!("{fault:?} is met"), || {
            (api.faults_left() == 0).then_some(())
        });
        until_polls(&api, 2);
        until_well(&daemon);
        for found in approvals(&daemon) {
            assert_eq!(found["outcome"], "pending", "{fault:?}: {found}");
        }
    }
    // One that could not be looked at is not settled, and does not keep the others.
    api.remove("a");
    api.remove("b");
    api.fail(
        "GET /humanlayer/v1/function_calls/a",
        Fault::Answer(503, vec![], String::new()),
    );
    until_outcome(&daemon, "b", "withdrawn");
    until_outcome(&daemon, "a", "withdrawn");
    assert_eq!(approvals(&daemon).len(), 5);
}

#[test]
fn a_list_that_changes_while_it_is_read_loses_and_invents_nothing() {
    let api = RemoteApi::start();
    api.page(2);
    for id in ["a", "b", "c", "d", "e"] {
        api.function_call("r", id, "f", json!({}));
    }
    api.vanish_after_page(0, "a");
    let daemon = daemon(&api);
    for id in ["b", "c", "d", "e"] {
        assert_eq!(approval(&daemon, id)["outcome"], "pending");
    }
    until_outcome(&daemon, "a", "withdrawn");
    until_polls(&api, 4);
    let pending = approvals(&daemon)
        .into_iter()
        .filter(|it| it["outcome"] == "pending");
    assert_eq!(pending.count(), 4);
}

#[test]
fn a_kind_that_fails_does_not_stop_the_other() {
    let api = RemoteApi::start();
    for _ in 0..1000 {
        api.fail(
            "human_contacts/pending",
            Fault::Answer(500, vec![], "broken".to_owned()),
        );
    }
    let daemon = daemon(&api);
    api.function_call("r", "call", "f", json!({}));
    approval(&daemon, "call");
    let failing = wait_until("the failure is told", || {
        let part = health(&daemon)["human_contacts"].clone();
        part["problem"].is_string().then_some(part)
    });
    let problem = failing["problem"].as_str().unwrap();
    assert!(problem.contains("500 (broken)"), "{problem}");
    assert!(failing["next_try_at"].is_string(), "{failing}");
    assert!(health(&daemon)["function_calls"]["problem"].is_null());
    api.contact("r", "contact", "?");
    api.mend();
    approval(&daemon, "contact");
    until_well(&daemon);
}

#[test]
fn a_daemon_that_starts_again_asks_nothing_twice() {
    let api = RemoteApi::start();
    api.function_call("r", "before", "f", json!({}));
    let mut daemon = daemon(&api);
    let first = approval(&daemon, "before");
    daemon.kill();
    api.settle("before", json!({"approved": true}));
    api.function_call("r", "meanwhile", "f", json!({}));
    daemon.launch(&[]);
    approval(&daemon, "meanwhile");
    let settled = until_outcome(&daemon, "before", "approved");
    assert_eq!(settled["id"], first["id"]);
    assert_eq!(approvals(&daemon).len(), 2);
}

#[test]
fn a_request_that_is_changed_there_is_told_of() {
    let api = RemoteApi::start();
    api.function_call("r", "call", "f", json!({"amount": 1}));
    let daemon = daemon(&api);
    approval(&daemon, "call");
    api.remove("call");
    api.function_call("r", "call", "f", json!({"amount": 1000}));
    let problem = wait_until("the change is told", || {
        Some(
            health(&daemon)["function_calls"]["problem"]
                .as_str()?
                .to_owned(),
        )
    });
    assert!(problem.contains("\"call\" has changed"), "{problem}");
    let shown = until(&daemon, "call", "is there", |_| true);
    assert_eq!(shown["tool_input"], json!({"amount": 1}));
}

#[test]
fn without_a_key_nothing_is_polled() {
    let api = RemoteApi::start();
    let base = api.base();
    let daemon = Daemon::with(&[("HUMANLAYER_API_BASE", base.as_str())]);
    assert!(health(&daemon).is_null());
    assert_eq!(api.count(""), 0);
}
