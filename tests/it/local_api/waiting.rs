//! Waiting for an answer with `?wait=`.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::Api;
use crate::support::daemon::wait_until;
use crate::support::http::{Reply, receive};

/// Asks for a request's end and does not wait for the answer.
fn begin_to_wait(api: &Api, path: &str) -> TcpStream {
    use std::io::Write;
    let mut stream = TcpStream::connect(api.address).unwrap();
    let request = api.request("GET", path);
    stream.write_all(&request.bytes()).unwrap();
    stream
}

fn answered_within(api: &Api, stream: TcpStream, decide: impl FnOnce(&Api)) -> (Reply, Duration) {
    let reader = std::thread::spawn(move || (receive(stream), Instant::now()));
    decide(api);
    let decided = Instant::now();
    let (reply, at) = reader.join().unwrap();
    (reply, at.saturating_duration_since(decided))
}

#[test]
fn who_waits_is_answered_at_once() {
    let api = Api::start();
    api.ask("c1");
    let waiting = begin_to_wait(&api, "/function_calls/c1?wait=55");
    // Another one's end wakes nobody.
    api.ask("c2");
    api.daemon.approve(&api.approval("c2"));
    let (reply, took) = answered_within(&api, waiting, |api| {
        api.daemon.approve(&api.approval("c1"));
    });
    assert_eq!(reply.body["status"]["approved"], true, "{reply:?}");
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert!(api.approval("c1")["delivered_at"].is_string());
    // What is over needs no waiting.
    let before = Instant::now();
    let again = api.get("/function_calls/c1?wait=55");
    assert_eq!(again.body["status"]["approved"], true);
    assert!(before.elapsed() < Duration::from_secs(5));
}

#[test]
fn waiting_ends_in_time_with_nothing_decided() {
    let api = Api::start();
    api.ask("c1");
    let before = Instant::now();
    let reply = api.get("/function_calls/c1?wait=1");
    assert_eq!(
        (reply.status, &reply.body["status"]["approved"]),
        (200, &Value::Null)
    );
    assert!(before.elapsed() >= Duration::from_secs(1));
}

#[test]
fn a_stop_of_the_daemon_lets_nobody_wait() {
    let mut api = Api::start();
    let contact = json!({"run_id": "r", "call_id": "m1", "spec": {"msg": "hi"}});
    assert_eq!(api.post("/contact_requests", &contact).status, 200);
    let waiting = begin_to_wait(&api, "/contact_requests/m1?wait=55");
    // It is being served once a later request has been.
    assert_eq!(api.get("/project").status, 200);
    let before = Instant::now();
    assert!(api.daemon.stop().success());
    assert!(before.elapsed() < Duration::from_secs(10));
    let reply = receive(waiting);
    assert_eq!(
        (reply.status, &reply.body["status"]["response"]),
        (200, &Value::Null)
    );
    api.daemon.launch(&[]);
    api.until_served();
    let asked = api.approval("m1");
    let answer = json!({"decision": "respond", "comment": "hello"});
    assert_eq!(api.daemon.decide(&asked, answer)["success"], true);
    let reply = wait_until("the answer is there", || {
        let reply = api.get("/contact_requests/m1?wait=5");
        (reply.body["status"]["response"] == "hello").then_some(reply)
    });
    assert_eq!(reply.status, 200);
}
