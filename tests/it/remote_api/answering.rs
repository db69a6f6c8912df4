//! What is decided here is told there, once.

use rstest::rstest;
use serde_json::{Value, json};

use super::{
    approval, daemon, daemon_with, health, until, until_delivered, until_outcome, until_polls,
};
use crate::support::daemon::{Daemon, wait_until};
use crate::support::remote_api::{Fault, RemoteApi};

#[test]
fn every_kind_of_answer_arrives_in_the_apis_own_form() {
    let api = RemoteApi::start();
    for id in ["yes", "noted", "no", "option"] {
        api.add(
            json!({"run_id": "r", "call_id": id, "spec": {"fn": "f", "kwargs": {},
            "reject_options": [{"name": "later", "prompt_fill": "not now"}]}}),
        );
    }
    for id in ["words", "choice"] {
        api.add(json!({"run_id": "r", "call_id": id, "spec": {"msg": "?",
            "response_options": [{"name": "both", "title": "Both of them"}]}}));
    }
    let daemon = daemon(&api);
    let cases = [
        (
            "yes",
            json!({"decision": "approve"}),
            json!({"approved": true}),
        ),
        (
            "noted",
            json!({"decision": "approve", "comment": "fine"}),
            json!({"approved": true, "comment": "fine"}),
        ),
        (
            "no",
            json!({"decision": "deny", "comment": "never"}),
            json!({"approved": false, "comment": "never"}),
        ),
        (
            "option",
            json!({"decision": "deny", "option": "later"}),
            json!({"approved": false, "comment": "not now", "reject_option_name": "later"}),
        ),
        (
            "words",
            json!({"decision": "respond", "comment": "the left one"}),
            json!({"response": "the left one"}),
        ),
        (
            "choice",
            json!({"decision": "respond", "option": "both"}),
            json!({"response": "Both of them", "response_option_name": "both"}),
        ),
    ];
    for (id, decision, sent) in cases {
        let asked = approval(&daemon, id);
        let answer = daemon.decide(&asked, decision);
        assert_eq!(answer["success"], true, "{id}: {answer}");
        until_delivered(&daemon, id);
        assert_eq!(api.answers(id), [sent], "{id}");
    }
    // What was answered here is not settled elsewhere.
    until_polls(&api, 2);
    assert_eq!(approval(&daemon, "yes")["decided_by"]["kind"], "person");
    assert_eq!(api.count("respond"), 6);
}

#[rstest]
#[case::before(Fault::CutBefore)]
#[case::reply_lost(Fault::CutAfter)]
#[case::reply_cut(Fault::CutWithin)]
#[case::not_the_api(Fault::Nonsense("<html>welcome</html>".to_owned()))]
#[case::empty(Fault::Nonsense(String::new()))]
#[case::broken(Fault::Answer(500, vec![], "oops".to_owned()))]
#[case::busy(Fault::Answer(503, vec![("retry-after", "0".to_owned())], String::new()))]
#[case::somebody_elses_page(Fault::Answer(200, vec![], "<html>welcome</html>".to_owned()))]
#[case::somebody_elses_json(Fault::Answer(200, vec![], "{\"ok\": true}".to_owned()))]
fn whatever_happens_to_an_answer_it_arrives_once(#[case] fault: Fault) {
    let api = RemoteApi::start();
    api.function_call("r", "call", "f", json!({}));
    let daemon = daemon(&api);
    let asked = approval(&daemon, "call");
    api.fail("respond", fault);
    daemon.decide(&asked, json!({"decision": "deny", "comment": "no"}));
    until_delivered(&daemon, "call");
    assert_eq!(
        api.answers("call"),
        [json!({"approved": false, "comment": "no"})]
    );
    assert_eq!(api.faults_left(), 0);
}

#[test]
fn what_was_settled_elsewhere_first_stands_and_is_told() {
    let api = RemoteApi::start();
    api.function_call("r", "call", "f", json!({}));
    api.contact("r", "contact", "?");
    // A poll could see it before the answer is sent; this one never ends.
    let daemon = daemon_with(&api, &[("HUMANLAYER_API_POLL_SECONDS", "3600")]);
    let (call, contact) = (approval(&daemon, "call"), approval(&daemon, "contact"));
    api.settle(
        "call",
        json!({"approved": false, "comment": "not on a friday"}),
    );
    api.settle("contact", json!({"response": "yes"}));
    daemon.decide(&call, json!({"decision": "approve"}));
    daemon.decide(&contact, json!({"decision": "respond", "comment": "yes"}));
    let told = until(&daemon, "call", "is told of", |it| {
        it["undelivered"].is_string()
    });
    assert_eq!(
        told["undelivered"],
        "settled elsewhere before this answer: denied: not on a friday"
    );
    assert!(told["delivered_at"].is_null());
    // Somebody said just the same: that is what was wanted.
    until_delivered(&daemon, "contact");
    assert!(api.answers("call").is_empty() && api.answers("contact").is_empty());
}

#[test]
fn an_answer_that_the_api_will_never_take_says_why() {
    let api = RemoteApi::start();
    api.function_call("r", "invalid", "f", json!({}));
    api.function_call("r", "gone", "f", json!({}));
    let daemon = daemon_with(&api, &[("HUMANLAYER_API_POLL_SECONDS", "3600")]);
    let (invalid, gone) = (approval(&daemon, "invalid"), approval(&daemon, "gone"));
    let words = json!({"detail": [{"loc": ["body", "comment"], "msg": "comment is too long"}]});
    api.fail(
        "invalid/respond",
        Fault::Answer(422, vec![], words.to_string()),
    );
    api.remove("gone");
    for (asked, id, said) in [
        (&invalid, "invalid", "422 (comment is too long)"),
        (&gone, "gone", "404 (no such request)"),
    ] {
        daemon.decide(asked, json!({"decision": "approve"}));
        let told = until(&daemon, id, "is told of", |it| {
            it["undelivered"].is_string()
        });
        let reason = told["undelivered"].as_str().unwrap();
        assert!(reason.contains(said), "{reason}");
    }
    assert_eq!(api.count("respond"), 2, "each was tried once");
    assert!(health(&daemon)["answers"]["problem"].is_null());
}

#[test]
fn a_refused_key_is_told_and_the_answer_kept_until_it_is_good() {
    let api = RemoteApi::start();
    api.function_call("r", "call", "f", json!({}));
    let mut daemon = daemon(&api);
    let asked = approval(&daemon, "call");
    api.change_key("another");
    daemon.decide(&asked, json!({"decision": "approve"}));
    let problem = wait_until("the refusal is told", || {
        Some(health(&daemon)["answers"]["problem"].as_str()?.to_owned())
    });
    assert!(problem.contains("401 (no such key: ********)"), "{problem}");
    let kept = approval(&daemon, "call");
    assert!(kept["undelivered"].is_null() && kept["delivered_at"].is_null());
    assert!(api.answers("call").is_empty());
    let next = wait_until("the next try is known", || {
        let next = health(&daemon)["answers"]["next_try_at"]
            .as_str()?
            .to_owned();
        next.parse::<jiff::Timestamp>().ok()
    });
    let wait = next.duration_since(jiff::Timestamp::now()).as_secs();
    assert!((20..=60).contains(&wait), "slowly: {wait}");
    daemon.kill();
    daemon.launch(&[("HUMANLAYER_API_KEY", "another")]);
    until_delivered(&daemon, "call");
    assert_eq!(api.answers("call").len(), 1);
}

#[test]
fn an_answer_does_not_wait_for_others_that_fail() {
    let api = RemoteApi::start();
    api.function_call("r", "slow", "f", json!({}));
    api.function_call("r", "quick", "f", json!({}));
    let daemon = daemon(&api);
    let (slow, quick) = (approval(&daemon, "slow"), approval(&daemon, "quick"));
    let wish = vec![("retry-after", "3600".to_owned())];
    api.fail("slow/respond", Fault::Answer(429, wish, String::new()));
    daemon.decide(&slow, json!({"decision": "approve"}));
    wait_until("the first one was tried", || {
        (api.faults_left() == 0).then_some(())
    });
    daemon.decide(&quick, json!({"decision": "approve"}));
    until_delivered(&daemon, "quick");
    assert!(approval(&daemon, "slow")["delivered_at"].is_null());
    assert_eq!(api.count("slow/respond"), 1, "it is left alone as it asked");
}

/// Approves with a daemon that dies of it, and sees that the next one has it delivered.
fn dies_and_delivers(failpoint: &str) -> (RemoteApi, Value) {
    let api = RemoteApi::start();
    api.function_call("r", "call", "f", json!({}));
    let mut daemon: Daemon = daemon_with(&api, &[]);
    daemon.stop();
    daemon.launch(&[("HUMANLAYER_FAILPOINT", failpoint)]);
    let asked = approval(&daemon, "call");
    daemon.approve_ignoring_crash(&asked);
    assert!(!daemon.wait().success(), "{failpoint} was not reached");
    daemon.launch(&[]);
    let found = until_delivered(&daemon, "call");
    assert_eq!(
        api.answers("call"),
        [json!({"approved": true})],
        "{failpoint}"
    );
    (api, found)
}

#[rstest]
#[case::sending("api.sending", 1)]
#[case::delivered("api.delivered", 1)]
#[case::acknowledging("api_outbox.acknowledging", 1)]
fn killed_between_decision_and_delivery_the_answer_arrives_once(
    #[case] failpoint: &str,
    #[case] sent: usize,
) {
    let (api, found) = dies_and_delivers(failpoint);
    assert_eq!(found["decided_by"]["kind"], "person");
    assert_eq!(
        api.count("respond"),
        sent,
        "{failpoint}: looked at before it is sent again"
    );
}

#[test]
fn killed_while_the_api_is_down_the_answer_arrives_when_it_is_back() {
    let api = RemoteApi::start();
    api.function_call("r", "call", "f", json!({}));
    let mut daemon = daemon(&api);
    let asked = approval(&daemon, "call");
    for _ in 0..3 {
        api.fail("respond", Fault::Answer(502, vec![], String::new()));
    }
    daemon.decide(&asked, json!({"decision": "approve"}));
    wait_until("it was tried", || (api.faults_left() < 3).then_some(()));
    daemon.kill_and_restart();
    until_delivered(&daemon, "call");
    assert_eq!(api.answers("call").len(), 1);
    assert_eq!(
        until_outcome(&daemon, "call", "approved")["id"],
        asked["id"]
    );
}
