//! Requests whose answer does not come are carried out once, or not at all, and never after they were given up.
//!
//! The daemon is killed or stopped at three steps of each verb: before it begins with the request (`begun`), in the
//! transaction that carries it out (`noted`), and after that, before it answers (`done`).

use std::process::Output;

use rstest::rstest;
use rustix::process::Signal;
use serde_json::{Value, json};

use super::signal;
use crate::support::daemon::{Daemon, wait_until};

/// A request of a client that has closed its connection while the daemon was stopped.
#[test]
fn what_was_given_up_while_the_daemon_was_stopped_is_not_begun() {
    let daemon = Daemon::unprivileged();
    let session = daemon.launch_session("TEXT hello");
    daemon.until_status(&session, "completed");
    let rename = |title: &str, options: Value| {
        let mut params = json!({"session_id": session, "title": title});
        for (name, value) in options.as_object().unwrap() {
            params[name] = value.clone();
        }
        json!({"jsonrpc": "2.0", "id": 1, "method": "updateSessionTitle", "params": params})
            .to_string()
    };
    let give_up = |line: &str| {
        signal(daemon.pid(), Signal::STOP);
        let mut client = daemon.connect();
        client.send(line);
        drop(client);
        signal(daemon.pid(), Signal::CONT);
        // Requests are begun in the order in which their connections came.
        daemon.call("health", json!({}));
    };
    give_up(&rename("with a key", json!({"idempotency_key": "k1"})));
    assert_ne!(daemon.session(&session)["title"], "with a key");
    // Existing clients may send and go.
    give_up(&rename("without", json!({})));
    wait_until("the title is set", || {
        (daemon.session(&session)["title"] == "without").then_some(())
    });
}

#[test]
fn a_request_after_its_deadline_changes_nothing_and_a_key_names_one_request() {
    let daemon = Daemon::unprivileged();
    let session = daemon.launch_session("TEXT hello");
    let rename = |title: &str, key: &str, deadline: &str| json!({"session_id": session, "title": title, "idempotency_key": key, "deadline": deadline});
    let mut client = daemon.connect();
    let late = rename("late", "k1", "2020-01-01T00:00:00Z");
    let refused = client.fail("updateSessionTitle", late);
    assert_eq!(refused["data"]["kind"], "expired", "{refused}");
    assert_ne!(daemon.session(&session)["title"], "late");
    let far = "2100-01-01T00:00:00Z";
    client.call("updateSessionTitle", rename("first", "k1", far));
    client.call("updateSessionTitle", rename("second", "k2", far));
    // Sent again it says what it said, and does nothing.
    client.call("updateSessionTitle", rename("first", "k1", far));
    assert_eq!(daemon.session(&session)["title"], "second");
    let other = client.fail("updateSessionTitle", rename("third", "k1", far));
    assert_eq!(other["data"]["kind"], "conflict", "{other}");
    assert_eq!(other["data"]["field"], "idempotency_key", "{other}");
    for (key, deadline) in [("", far), ("a b", far), ("k3", "tomorrow")] {
        let refused = client.fail("updateSessionTitle", rename("fourth", key, deadline));
        assert_eq!(refused["data"]["kind"], "invalid_params", "{refused}");
    }
    assert_eq!(daemon.session(&session)["title"], "second");
}

/// What a verb is run with, and how often it was carried out by then.
struct Case {
    daemon: Daemon,
    session: String,
    method: &'static str,
    arguments: Vec<String>,
}

impl Case {
    fn of(verb: &str) -> Self {
        let daemon = Daemon::unprivileged();
        let script = match verb {
            "approve" | "deny" => {
                "TOOL Bash {\"command\": \"echo ran >> runs\"}\nTEXT over\nMESSAGE"
            }
            "interrupt" => "WAITFILE never",
            _ => "TEXT hello\nMESSAGE",
        };
        let session = daemon.launch_session(script);
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let (method, arguments) = match verb {
            "approve" | "deny" => {
                let asked = daemon.until_pending(&session);
                let id = asked["id"].as_str().unwrap();
                let arguments = match verb {
                    "approve" => words(&["approve", id]),
                    _ => words(&["deny", id, "-m", "not today"]),
                };
                ("sendDecision", arguments)
            }
            "interrupt" => ("interruptSession", words(&["interrupt", &session])),
            _ => {
                daemon.until_status(&session, "completed");
                match verb {
                    "launch" => ("launchSession", words(&["launch", "TEXT launched"])),
                    "send" => ("sendMessage", words(&["send", &session, "TEXT again"])),
                    "end" => ("endSession", words(&["end", &session])),
                    "rename" => (
                        "updateSessionTitle",
                        words(&["rename", &session, "another"]),
                    ),
                    "archive" => ("archiveSession", words(&["archive", &session])),
                    "keys" => ("createKey", words(&["keys", "new", "mine"])),
                    _ => panic!("no verb {verb}"),
                }
            }
        };
        Self {
            daemon,
            session,
            method,
            arguments,
        }
    }

    fn run(&self) -> Output {
        self.daemon
            .command()
            .args(["--idempotency-key", "mine"])
            .args(&self.arguments)
            .output()
            .unwrap()
    }

    /// How often it was carried out.
    fn count(&self) -> usize {
        let session = || self.daemon.session(&self.session);
        match self.method {
            "launchSession" => {
                let all = self.daemon.call("listSessions", json!({}));
                let all = all["sessions"].as_array().unwrap();
                all.iter()
                    .filter(|session| session["query"] == "TEXT launched")
                    .count()
            }
            "sendMessage" => {
                let said = self.daemon.conversation(&self.session);
                said.iter()
                    .filter(|piece| piece["role"] == "user" && piece["content"] == "TEXT again")
                    .count()
            }
            "sendDecision" => {
                let all = json!({"session_id": self.session, "all": true});
                let all = self.daemon.call("listApprovals", all);
                let all = all["approvals"].as_array().unwrap();
                all.iter()
                    .filter(|approval| approval["outcome"] != "pending")
                    .count()
            }
            "interruptSession" => {
                let status = session()["status"].clone();
                usize::from(status == "interrupting" || status == "interrupted")
            }
            "endSession" => {
                usize::from(session()["live"] == false || !session()["end_requested_at"].is_null())
            }
            "updateSessionTitle" => usize::from(session()["title"] == "another"),
            "archiveSession" => usize::from(session()["archived"] == true),
            "createKey" => {
                let keys = self.daemon.call("listKeys", json!({}));
                keys["keys"].as_array().unwrap().len()
            }
            method => panic!("{method} is not counted"),
        }
    }
}

fn told(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

#[rstest]
fn a_verb_whose_daemon_dies_says_what_came_of_it_and_again_it_is_done_once(
    #[values(
        "launch",
        "send",
        "approve",
        "deny",
        "interrupt",
        "end",
        "rename",
        "archive",
        "keys"
    )]
    verb: &str,
    #[values("begun", "noted", "done")] step: &str,
) {
    let mut case = Case::of(verb);
    if verb == "launch" && step == "noted" {
        // A launch is known by the id that its client gave it.
        return;
    }
    let failpoint = format!("request.{step}.{}", case.method);
    case.daemon.stop();
    case.daemon
        .launch(&[("HUMANLAYER_FAILPOINT", failpoint.as_str())]);
    let running = {
        let mut command = case.daemon.command();
        command.args(["--idempotency-key", "mine"]);
        command.args(&case.arguments);
        crate::support::cli::Running::start(command)
    };
    assert!(!case.daemon.wait().success(), "{failpoint} was not reached");
    case.daemon.launch(&[]);
    // The daemon is back while it still looks for it, so it learns the truth.
    let said = running.wait();
    if verb == "keys" && step == "done" {
        // The key itself is not kept anywhere: that there is one is all that can be said.
        assert_eq!(said.code, 1, "{}", said.stderr);
        assert!(
            said.stderr.contains("was carried out already"),
            "{}",
            said.stderr
        );
    } else {
        assert_eq!(said.code, 0, "{failpoint}: {} {}", said.stdout, said.stderr);
    }
    assert_eq!(case.count(), 1, "{failpoint}");
    let again = case.run();
    assert_eq!(case.count(), 1, "{failpoint}: {}", told(&again));
    if verb != "keys" {
        assert!(again.status.success(), "{failpoint}: {}", told(&again));
    }
    if verb == "approve" {
        case.daemon.until_status(&case.session, "completed");
        let runs = std::fs::read_to_string(case.daemon.work().join("runs")).unwrap();
        assert_eq!(runs, "ran\n", "it ran once");
    }
}

#[rstest]
fn a_verb_whose_daemon_is_stopped_says_that_it_is_not_known_and_again_it_is_done_once(
    #[values("launch", "send", "approve", "rename")] verb: &str,
    #[values("begun", "noted")] step: &str,
) {
    let mut case = Case::of(verb);
    // A launch is known by the id that its client gave it.
    let step = if verb == "launch" { "begun" } else { step };
    let failpoint = format!("request.{step}.{}:1:stop", case.method);
    case.daemon.stop();
    case.daemon
        .launch(&[("HUMANLAYER_FAILPOINT", failpoint.as_str())]);
    let output = case.run();
    let said = told(&output);
    assert_eq!(output.status.code(), Some(5), "{failpoint}: {said}");
    assert!(said.contains("does not answer"), "{failpoint}: {said}");
    assert!(
        said.contains("whether it was done is not known"),
        "{failpoint}: {said}"
    );
    assert!(
        said.contains("repeat the command with `--idempotency-key mine`"),
        "{failpoint}: {said}"
    );
    signal(case.daemon.pid(), Signal::CONT);
    // Begun is not done: what was given up by then is dropped. In its transaction it is too late for that.
    if step == "noted" {
        wait_until("it is carried out", || (case.count() == 1).then_some(()));
    } else {
        case.daemon.call("health", json!({}));
        assert_eq!(case.count(), 0, "{failpoint}");
    }
    let again = case.run();
    assert!(again.status.success(), "{failpoint}: {}", told(&again));
    assert_eq!(case.count(), 1, "{failpoint}: {}", told(&again));
}
