//! What another daemon polls: pages of what is pending, and keys that may not.

use serde_json::{Value, json};

use super::Api;

fn ids(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| item["call_id"].as_str().unwrap())
        .collect()
}

#[test]
fn pending_requests_come_in_pages_and_leave_when_they_are_answered() {
    let api = Api::start();
    for n in 1..=5 {
        api.ask(&format!("c{n}"));
    }
    let contact = json!({"run_id": "a-run", "call_id": "m1", "spec": {
        "msg": "hi", "subject": "s", "state": {"a": 1}, "channel": {"sms": {"phone_number": "1"}},
        "response_options": [{"name": "yes"}],
    }});
    assert_eq!(api.post("/contact_requests", &contact).status, 200);
    let page = api.get("/agent/function_calls/pending?limit=2").body;
    assert_eq!(ids(&page), ["c1", "c2"]);
    assert_eq!(
        (
            &page["total"],
            &page["limit"],
            &page["offset"],
            &page["has_more"]
        ),
        (&json!(5), &json!(2), &json!(0), &json!(true))
    );
    let item = &page["items"][0];
    assert_eq!(
        (&item["run_id"], &item["spec"]["fn"]),
        (&json!("a-run"), &json!("send_mail"))
    );
    assert_eq!(item["spec"]["kwargs"], json!({"to": "x"}));
    assert_eq!(item["status"]["approved"], Value::Null);
    assert!(
        item["status"]["requested_at"]
            .as_str()
            .unwrap()
            .ends_with('Z')
    );
    let last = api
        .get("/agent/function_calls/pending?limit=2&offset=4")
        .body;
    assert_eq!((ids(&last), &last["has_more"]), (vec!["c5"], &json!(false)));
    let beyond = api.get("/agent/function_calls/pending?offset=9").body;
    assert_eq!((ids(&beyond), &beyond["has_more"]), (vec![], &json!(false)));
    let contacts = api.get("/agent/human_contacts/pending").body;
    assert_eq!(contacts["total"], 1);
    let mut expected = contact["spec"].clone();
    expected["response_options"] = json!([{"name": "yes"}]);
    assert_eq!(contacts["items"][0]["spec"], expected);
    api.daemon.approve(&api.approval("c1"));
    let left = api.get("/agent/function_calls/pending").body;
    assert_eq!(ids(&left), ["c2", "c3", "c4", "c5"]);
}

#[test]
fn a_key_that_may_only_ask_sees_and_answers_nothing_of_others() {
    let api = Api::start();
    api.ask("c1");
    let key = api.cli(&["keys", "new", "ci", "--ask-only"]);
    let key = format!("Bearer {}", key.trim_end());
    let with_it = |method: &str, path: &str, body: Option<Value>| {
        let request = api.request(method, path).header("Authorization", &key);
        match body {
            Some(body) => request.body(body.to_string()).send(api.address),
            None => request.send(api.address),
        }
    };
    assert_eq!(
        with_it("GET", "/agent/function_calls/pending", None).status,
        403
    );
    // Not what another asks either, nor what that was answered.
    assert_eq!(with_it("GET", "/function_calls/c1", None).status, 404);
    let yes = json!({"approved": true});
    let refused = with_it("POST", "/agent/function_calls/c1/respond", Some(yes));
    assert_eq!(refused.status, 403);
    let message = refused.body["message"].as_str().unwrap();
    assert!(message.contains("--ask-only"), "{message}");
    let asked = with_it("POST", "/function_calls", Some(super::function_call("c2")));
    assert_eq!(asked.status, 200);
    assert_eq!(api.approval("c2")["asker"], "ci");
    assert_eq!(with_it("GET", "/function_calls/c2", None).status, 200);
    let listed = api.cli(&["keys", "list"]);
    let rows: Vec<Vec<&str>> = listed
        .lines()
        .map(|row| row.split('\t').collect())
        .collect();
    assert_eq!((rows[0][0], rows[0][1]), ("ci", "ask"));
    assert_eq!((rows[1][0], rows[1][1]), ("sdk", "ask and answer"));
    assert!(api.cli(&["keys", "revoke", "ci"]).contains("ci revoked"));
    assert_eq!(with_it("GET", "/function_calls/c2", None).status, 401);
}

#[test]
fn only_the_asker_takes_the_outcome() {
    let api = Api::start();
    api.ask("c1");
    api.daemon.approve(&api.approval("c1"));
    let other = format!("Bearer {}", api.new_key("onlooker"));
    let looked = api
        .request("GET", "/function_calls/c1")
        .header("Authorization", &other);
    assert_eq!(looked.send(api.address).body["status"]["approved"], true);
    assert_eq!(api.approval("c1").get("delivered_at"), None);
    api.get("/function_calls/c1");
    assert!(api.approval("c1")["delivered_at"].is_string());
}
