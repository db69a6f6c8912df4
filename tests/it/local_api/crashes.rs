//! The daemon is killed while a request waits: nothing is lost, and it is answered once.

use serde_json::{Value, json};

use super::{Api, function_call};
use crate::support::daemon::wait_until;

#[test]
fn a_request_outlives_the_daemon_before_and_after_it_is_answered() {
    let mut api = Api::start();
    api.ask("c1");
    let asked = api.approval("c1");
    api.daemon.kill_and_restart();
    api.until_served();
    // The SDK did not get the answer of its request, perhaps, and asks again.
    assert_eq!(api.ask("c1")["status"]["approved"], Value::Null);
    let all = api.daemon.call("listApprovals", json!({"all": true}));
    assert_eq!(all["approvals"].as_array().unwrap().len(), 1, "{all}");
    api.daemon.approve(&asked);
    api.daemon.kill_and_restart();
    api.until_served();
    let no = json!({"approved": false, "comment": "no"});
    assert_eq!(
        api.post("/agent/function_calls/c1/respond", &no).status,
        409
    );
    let told = api.get("/function_calls/c1");
    assert_eq!(told.body["status"]["approved"], true, "{told:?}");
    let settled = api.approval("c1");
    assert!(settled["delivered_at"].is_string(), "{settled}");
}

#[test]
fn a_daemon_that_dies_at_the_commit_has_asked_once_or_not_at_all() {
    for (failpoint, there) in [("request.recorded", false), ("request.answering", true)] {
        let mut api = Api::start();
        api.daemon.kill();
        api.daemon.launch(&[("HUMANLAYER_FAILPOINT", failpoint)]);
        api.until_served();
        let body = function_call("c1").to_string();
        let request = api.request("POST", "/function_calls").body(body);
        use std::io::{Read, Write};
        let mut stream = std::net::TcpStream::connect(api.address).unwrap();
        stream.write_all(&request.bytes()).unwrap();
        let mut nothing = Vec::new();
        let _ = stream.read_to_end(&mut nothing);
        assert_eq!(nothing, b"", "{failpoint}");
        api.daemon.wait();
        api.daemon.launch(&[]);
        api.until_served();
        let found = api.get("/function_calls/c1").status;
        assert_eq!(found, if there { 200 } else { 404 }, "{failpoint}");
        api.ask("c1");
        let all = api.daemon.call("listApprovals", json!({"all": true}));
        assert_eq!(all["approvals"].as_array().unwrap().len(), 1, "{all}");
        api.daemon.approve(&api.approval("c1"));
        let told = wait_until("it is answered", || {
            let told = api.get("/function_calls/c1?wait=5");
            (told.body["status"]["approved"] == true).then_some(told)
        });
        assert_eq!(told.status, 200);
    }
}
