//! What is refused, and how it is said.

use rstest::rstest;
use serde_json::{Value, json};

use super::{Api, PREFIX, function_call};
use crate::support::http::{Reply, Request};

/// Checks a refusal: its status, and that it says what is wrong.
fn assert_refused(reply: &Reply, status: u16, field: Option<&str>) {
    assert_eq!(reply.status, status, "{reply:?}");
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert!(reply.body["error"].is_string(), "{reply:?}");
    assert!(!reply.body["message"].as_str().unwrap().is_empty());
    assert_eq!(
        reply.body.get("field").and_then(Value::as_str),
        field,
        "{reply:?}"
    );
}

#[test]
fn without_a_good_key_nothing_is_told() {
    let api = Api::start();
    api.ask("c1");
    let good = format!("Bearer {}", api.key);
    let wrong = format!("Bearer hlk_{}", "0".repeat(64));
    let basic = good.replace("Bearer", "Basic");
    for value in [
        "",
        "Bearer",
        "Bearer ",
        &wrong,
        &basic,
        &good[..good.len() - 1],
    ] {
        for path in ["/function_calls/c1", "/project", "/no/such/path"] {
            let request = Request::new("GET", &format!("{PREFIX}{path}"));
            let reply = request.header("Authorization", value).send(api.address);
            assert_refused(&reply, 401, None);
            assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
        }
    }
    assert_eq!(api.get("/function_calls/c1").status, 200);
    let project = api.get("/project");
    assert_eq!(
        project.body,
        json!({"name": "local", "slug": "local", "organization": "local"})
    );
    // A revoked key is no key any more, at once.
    api.daemon.call("revokeKey", json!({"name": "sdk"}));
    assert_refused(&api.get("/function_calls/c1"), 401, None);
    let listed = api.daemon.call("listKeys", json!({}));
    assert!(listed["keys"][0]["revoked_at"].is_string(), "{listed}");
    assert!(listed["keys"][0]["last_used_at"].is_string(), "{listed}");
    assert!(!listed.to_string().contains("hlk_"), "{listed}");
    let log = api.daemon.log();
    assert!(!log.contains(&api.key), "the key is in the log");
}

#[rstest]
#[case("/function_calls", "", "body")]
#[case("/function_calls", "[]", "body")]
#[case("/function_calls", "{", "body")]
#[case("/function_calls", "{\"run_id\": \"r\"}", "call_id")]
#[case(
    "/function_calls",
    r#"{"run_id": 1, "call_id": "c", "spec": {"fn": "f", "kwargs": {}}}"#,
    "run_id"
)]
#[case(
    "/function_calls",
    r#"{"run_id": "", "call_id": "c", "spec": {"fn": "f", "kwargs": {}}}"#,
    "run_id"
)]
#[case(
    "/function_calls",
    r#"{"run_id": "r", "call_id": "a/b", "spec": {"fn": "f", "kwargs": {}}}"#,
    "call_id"
)]
#[case(
    "/function_calls",
    r#"{"run_id": "r", "call_id": "c", "spec": {"kwargs": {}}}"#,
    "spec.fn"
)]
#[case(
    "/function_calls",
    r#"{"run_id": "r", "call_id": "c", "spec": {"fn": "f", "kwargs": []}}"#,
    "spec.kwargs"
)]
#[case(
    "/function_calls",
    r#"{"run_id": "r", "call_id": "c", "spec": {"fn": "f", "channel": "slack"}}"#,
    "spec.channel"
)]
#[case(
    "/function_calls",
    r#"{"run_id": "r", "call_id": "c", "spec": {"fn": "f", "reject_options": [{"title": "t"}]}}"#,
    "spec.reject_options[0].name"
)]
#[case("/function_calls", r#"{"run_id": "r", "call_id": "c", "spec": {"fn": "f", "reject_options": [{"name": "a"}, {"name": "a"}]}}"#, "spec.reject_options")]
#[case(
    "/function_calls",
    r#"{"run_id": "r", "call_id": "c", "spec": {"fn": "f"}} x"#,
    "body"
)]
#[case(
    "/contact_requests",
    r#"{"run_id": "r", "call_id": "c", "spec": {}}"#,
    "spec.msg"
)]
#[case(
    "/contact_requests",
    r#"{"run_id": "r", "call_id": "c", "spec": {"msg": " "}}"#,
    "spec.msg"
)]
#[case(
    "/contact_requests",
    r#"{"run_id": "r", "call_id": "c", "spec": {"msg": "m", "state": 1}}"#,
    "spec.state"
)]
#[case("/agent/function_calls/c1/respond", "{}", "approved")]
#[case(
    "/agent/function_calls/c1/respond",
    r#"{"approved": null}"#,
    "approved"
)]
#[case(
    "/agent/function_calls/c1/respond",
    r#"{"approved": false}"#,
    "comment"
)]
#[case(
    "/agent/function_calls/c1/respond",
    r#"{"approved": false, "reject_option_name": "x"}"#,
    "reject_option_name"
)]
#[case("/agent/human_contacts/c2/respond", "{}", "response")]
#[case("/agent/human_contacts/c2/respond", r#"{"response": " "}"#, "response")]
#[case(
    "/agent/human_contacts/c2/respond",
    r#"{"response_option_name": "x"}"#,
    "response_option_name"
)]
#[case("/agent/function_calls/c1/escalate_email", "{}", "escalation_msg")]
fn a_body_at_fault_is_refused_with_its_field(
    #[case] path: &str,
    #[case] body: &str,
    #[case] field: &str,
) {
    let api = Api::start();
    api.ask("c1");
    let contact = json!({"run_id": "r", "call_id": "c2", "spec": {"msg": "hi"}});
    assert_eq!(api.post("/contact_requests", &contact).status, 200);
    let request = api.request("POST", path).body(body);
    assert_refused(&request.send(api.address), 422, Some(field));
    for id in ["c1", "c2"] {
        assert_eq!(api.approval(id)["outcome"], "pending");
    }
}

#[test]
fn asking_again_is_harmless_and_asking_otherwise_a_conflict() {
    let api = Api::start();
    let first = api.ask("c1");
    assert_eq!(api.ask("c1"), first);
    // What means the same is the same.
    let mut same = function_call("c1");
    same["spec"]["channel"] = Value::Null;
    same["status"] = Value::Null;
    assert_eq!(api.post("/function_calls", &same).status, 200);
    let mut other = function_call("c1");
    other["spec"]["kwargs"]["to"] = json!("y");
    assert_refused(&api.post("/function_calls", &other), 409, None);
    let contact = json!({"run_id": "a-run", "call_id": "c1", "spec": {"msg": "hi"}});
    assert_refused(&api.post("/contact_requests", &contact), 409, None);
    api.daemon.approve(&api.approval("c1"));
    assert_eq!(api.ask("c1")["status"]["approved"], true);
}

#[test]
fn what_is_not_there_is_not_found_and_one_kind_is_not_the_other() {
    let api = Api::start();
    api.ask("c1");
    let yes = json!({"approved": true});
    let words = json!({"response": "x"});
    let mail = json!({"escalation_msg": "x"});
    for reply in [
        api.get("/function_calls/c9"),
        api.get("/contact_requests/c1"),
        api.get("/no/such"),
        api.post("/agent/function_calls/c9/respond", &yes),
        api.post("/agent/human_contacts/c1/respond", &words),
        api.post("/agent/function_calls/c9/escalate_email", &mail),
        api.request("GET", "").header("X", "y").send(api.address),
    ] {
        assert_refused(&reply, 404, None);
    }
    for reply in [
        api.get("/function_calls"),
        api.post("/project", &json!({})),
        api.request("DELETE", "/function_calls/c1")
            .send(api.address),
    ] {
        assert_refused(&reply, 405, None);
    }
    for (query, field) in [("wait=x", "wait"), ("wait=-1", "wait")] {
        let reply = api.get(&format!("/function_calls/c1?{query}"));
        assert_refused(&reply, 422, Some(field));
    }
}

#[test]
fn only_the_first_answer_stands() {
    let api = Api::start();
    api.ask("c1");
    let no = json!({"approved": false, "comment": "no"});
    let yes = json!({"approved": true});
    let first = api.post("/agent/function_calls/c1/respond", &no);
    assert_eq!(first.status, 200, "{first:?}");
    assert_eq!(first.body["status"]["comment"], "no");
    assert_refused(
        &api.post("/agent/function_calls/c1/respond", &yes),
        409,
        None,
    );
    let mail = json!({"escalation_msg": "x"});
    assert_refused(
        &api.post("/agent/function_calls/c1/escalate_email", &mail),
        409,
        None,
    );
    // And the inbox's decision stands against the API's.
    api.ask("c2");
    api.daemon.approve(&api.approval("c2"));
    assert_refused(
        &api.post("/agent/function_calls/c2/respond", &no),
        409,
        None,
    );
    assert_eq!(
        api.get("/function_calls/c2").body["status"]["approved"],
        true
    );
}

#[test]
fn what_ended_undecided_is_gone() {
    let api = Api::start();
    api.ask("c1");
    let id = api.approval("c1")["id"].clone();
    api.daemon
        .call("withdrawApproval", json!({"approval_id": id}));
    let reply = api.get("/function_calls/c1");
    assert_refused(&reply, 410, None);
    assert_eq!(reply.body["error"], "ended_undecided");
    assert_refused(
        &api.post("/function_calls", &function_call("c1")),
        410,
        None,
    );
}
