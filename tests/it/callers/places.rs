//! Places: what runs outside of a terminal counts where a person has put it on record.

use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::{assert_a_person_decides, assert_refused, victim};
use crate::support::asker::Asker;
use crate::support::daemon::{Daemon, wait_until};

/// A program that nobody's terminal started: its parents are gone, and it is in a session of its own.
struct Service {
    shell: Child,
    pid: u32,
}

impl Service {
    /// It makes the calls that are put into a file, and puts the answers into another.
    fn start(daemon: &Daemon) -> Self {
        let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/callers/service.py");
        let pid_file = daemon.root().join("service.pid");
        let mut shell = Command::new("sh")
            .args(["-c", "setsid /usr/bin/python3 \"$0\" \"$@\" &", program])
            .arg(daemon.socket())
            .arg(daemon.root())
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        shell.wait().unwrap();
        let pid = wait_until("the service runs", || {
            std::fs::read_to_string(&pid_file).ok()?.parse().ok()
        });
        Self { shell, pid }
    }

    fn call(&self, daemon: &Daemon, method: &str, params: &Value) -> Value {
        let (request, answer) = (daemon.root().join("request"), daemon.root().join("answer"));
        let _ = std::fs::remove_file(&answer);
        let call = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let part = daemon.root().join("request.part");
        std::fs::write(&part, call.to_string()).unwrap();
        std::fs::rename(part, request).unwrap();
        wait_until("the service has called", || {
            serde_json::from_str(&std::fs::read_to_string(&answer).ok()?).ok()
        })
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.shell.wait();
        crate::support::cli::signal(self.pid.cast_signed(), rustix::process::Signal::KILL);
    }
}

fn approve(asked: &Value) -> Value {
    json!({"approval_id": asked["id"], "decision": "approve"})
}

#[test]
fn the_first_start_records_where_it_was_and_says_so() {
    let daemon = Daemon::start();
    let health = daemon.call("health", json!({}));
    let places = health["places"].as_array().unwrap();
    assert_eq!(places.len(), 1, "{health}");
    assert_eq!(places[0]["added_by"], "the daemon's first start");
    assert_eq!(places[0]["present"], true);
    let output = daemon
        .command()
        .args(["daemon", "status"])
        .output()
        .unwrap();
    let status = String::from_utf8(output.stdout).unwrap();
    assert!(status.contains("the daemon's first start"), "{status}");
}

#[test]
fn where_something_was_kept_already_no_place_is_recorded() {
    let mut daemon = Daemon::prepare(&[]);
    std::fs::create_dir_all(daemon.state().join("sessions/older")).unwrap();
    daemon.launch(&[]);
    let health = daemon.call("health", json!({}));
    assert_eq!(health.get("places"), None, "{health}");
    let (_, asked) = victim(&daemon);
    let answer = daemon.connect().ask("sendDecision", approve(&asked));
    assert_refused(&answer);
    let hint = answer["error"]["data"]["hint"].as_str().unwrap();
    assert!(hint.contains("humanlayer places add"), "{answer}");
}

#[test]
fn a_service_counts_from_when_a_person_adds_it_until_they_remove_it() {
    let mut daemon = Daemon::start();
    let service = Service::start(&daemon);
    let (_, asked) = victim(&daemon);
    assert_refused(&service.call(&daemon, "sendDecision", &approve(&asked)));
    let own = json!({"pid": service.pid});
    assert_refused(&service.call(&daemon, "addPlace", &own));
    let pid = service.pid.to_string();
    let added = daemon
        .command()
        .args(["places", "add", &pid])
        .output()
        .unwrap();
    assert!(added.status.success(), "{added:?}");
    let listed = daemon.command().args(["places", "list"]).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.contains("python3"), "{listed}");
    // For the next daemon too.
    daemon.kill_and_restart();
    let answer = service.call(&daemon, "sendDecision", &approve(&asked));
    assert_eq!(answer["result"]["success"], true, "{answer}");
    let places = daemon.call("listPlaces", json!({}))["places"].clone();
    let id = places.as_array().unwrap().last().unwrap()["id"].clone();
    daemon.call("removePlace", json!({"id": id}));
    let (session, asked) = victim_again(&daemon);
    assert_refused(&service.call(&daemon, "sendDecision", &approve(&asked)));
    assert_a_person_decides(&daemon, &session, &asked);
}

fn victim_again(daemon: &Daemon) -> (String, Value) {
    let _ = std::fs::remove_file(daemon.work().join("made"));
    victim(daemon)
}

#[test]
fn an_agent_is_added_nowhere() {
    let daemon = Daemon::start();
    let mut asker = Asker::start(&daemon.socket());
    asker.ask("createContact", &json!({"message": "may I?"}));
    let pid = asker.program();
    let error = daemon.connect().fail("addPlace", json!({"pid": pid}));
    assert_eq!(error["data"]["kind"], "conflict", "{error}");
    let (session, _) = victim(&daemon);
    let state = std::fs::read(daemon.session_dir(&session).join("runner.json")).unwrap();
    let state: Value = serde_json::from_slice(&state).unwrap();
    let error = daemon
        .connect()
        .fail("addPlace", json!({"pid": state["agent_pid"]}));
    assert_eq!(error["data"]["kind"], "conflict", "{error}");
}
