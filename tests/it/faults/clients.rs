//! Clients that are too many, too slow or suddenly gone: the others do not notice.

use std::io::Write;
use std::os::unix::net::UnixStream;

use serde_json::{Value, json};

use super::event_recorder::EventRecorder;
use crate::support::daemon::{Client, Daemon};

fn subscribe(daemon: &Daemon, since: i64) -> Client {
    let mut client = daemon.connect();
    let request =
        json!({"jsonrpc": "2.0", "id": 1, "method": "subscribeEvents", "params": {"since": since}});
    client.send(&request.to_string());
    client
}

#[test]
fn a_client_that_never_reads_harms_nobody_and_catches_up() {
    let daemon = Daemon::start();
    let mut asleep = subscribe(&daemon, 0);
    let mut awake = EventRecorder::start(&daemon.socket());
    let id = daemon.launch_session("LOOP 30\nFLOOD 200 400\nEND\nTEXT done");
    daemon.until_status(&id, "completed");
    let last = daemon.call("getOverview", json!({}))["seq"]
        .as_i64()
        .unwrap();
    let told = awake.until(last);
    // Now it reads: everything, once, or it is told from where it missed what.
    let mut seen: Vec<Value> = Vec::new();
    while seen
        .last()
        .is_none_or(|event| event["seq"].as_i64() < Some(last))
    {
        let message = asleep.receive();
        if message["method"] == "event" {
            seen.push(message["params"]["result"].clone());
        }
    }
    assert!(seen.iter().all(|event| event["type"] != "resync"));
    assert_eq!(seen, told);
}

#[test]
fn a_client_that_is_too_far_behind_is_told_to_start_over() {
    let daemon = Daemon::start();
    let id = daemon.launch_session("TEXT hello");
    daemon.until_status(&id, "completed");
    let last = daemon.call("getOverview", json!({}))["seq"]
        .as_i64()
        .unwrap();
    // From the future: another database, or one that was restored.
    let mut client = subscribe(&daemon, last + 1000);
    let event = loop {
        let message = client.receive();
        if message["method"] == "event" {
            break message["params"]["result"].clone();
        }
    };
    assert_eq!(event["type"], "resync", "{event}");
    assert_eq!(event["seq"], last);
}

#[test]
fn five_hundred_clients_are_served() {
    let daemon = Daemon::start();
    let mut clients: Vec<Client> = (0..500).map(|_| subscribe(&daemon, 0)).collect();
    let id = daemon.launch_session("TEXT hello\nTOOL Bash {\"command\": \"echo x >> one\"}");
    let pending = daemon.until_pending(&id);
    daemon.approve(&pending);
    daemon.until_status(&id, "completed");
    for client in &mut clients {
        loop {
            let message = client.receive();
            let event = &message["params"]["result"];
            if event["type"] == "approval_resolved" {
                assert_eq!(event["data"]["approval_id"], pending["id"]);
                break;
            }
        }
        // The same connection still takes calls.
        assert_eq!(client.call("health", json!({}))["status"], "ok");
    }
}

#[test]
fn clients_that_vanish_in_the_middle_are_forgotten() {
    let daemon = Daemon::start();
    let id = daemon.launch_session("TEXT hello\nTOOL Bash {\"command\": \"echo x >> one\"}");
    let pending = daemon.until_pending(&id);
    for round in 0..50 {
        let mut stream = UnixStream::connect(daemon.socket()).unwrap();
        let call = match round % 3 {
            0 => {
                json!({"jsonrpc": "2.0", "id": 1, "method": "subscribeEvents", "params": {"since": 0}})
            }
            1 => json!({"jsonrpc": "2.0", "id": 1, "method": "Subscribe", "params": {}}),
            _ => json!({"jsonrpc": "2.0", "id": 1, "method": "getOverview"}),
        };
        stream.write_all(format!("{call}\n").as_bytes()).unwrap();
    }
    // One decides and does not wait for the answer.
    let mut stream = UnixStream::connect(daemon.socket()).unwrap();
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "sendDecision",
        "params": {"approval_id": pending["id"], "decision": "approve"}});
    stream.write_all(format!("{call}\n").as_bytes()).unwrap();
    drop(stream);
    daemon.until_status(&id, "completed");
    assert!(daemon.work().join("one").exists());
    assert_eq!(daemon.call("health", json!({}))["status"], "ok");
}
