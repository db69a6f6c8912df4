//! The examples of `docs/protocol.md`, recorded from a real daemon.
//!
//! Each request is sent as the page shows it, and the page shows what came back, with ids, times
//! and paths replaced by fixed ones. The text is compared with `docs/protocol_examples.md`, of
//! which the page is made, so that an example cannot say what the daemon does not.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;

use serde_json::{Map, Value, json};

use crate::support::asker::Asker;
use crate::support::cli::{Cli, Running, finish};

/// What the agent of the examples does.
const SCRIPT: &str = "TEXT I will run the tests.\n\
    TOOL Bash {\"command\": \"echo 12 passed\"}\n\
    TEXT All tests pass.\n";

/// Fields of large objects that an example shows; the page's types list the others.
const SHOWN: [&str; 29] = [
    "id",
    "run_id",
    "session_id",
    "status",
    "title",
    "query",
    "live",
    "working_dir",
    "tool_name",
    "tool_input",
    "outcome",
    "kind",
    "message",
    "comment",
    "response_text",
    "created_at",
    "sequence",
    "event_type",
    "role",
    "content",
    "seq",
    "sessions",
    "counts",
    "pending_approvals",
    "pending_total",
    "version",
    "protocol",
    "pid",
    "tool_use_id",
];
/// An object with more fields than this is shortened.
const LARGE: usize = 9;

/// One connection and what was said on it.
struct Recorder {
    lines: BufReader<UnixStream>,
    asker: Asker,
    names: BTreeMap<String, String>,
    next_id: u64,
    text: String,
}

impl Recorder {
    fn connect(socket: &Path) -> Self {
        Self {
            lines: BufReader::new(UnixStream::connect(socket).unwrap()),
            asker: Asker::start(socket),
            names: BTreeMap::new(),
            next_id: 0,
            text: String::new(),
        }
    }

    /// A value that the page shows under a fixed name.
    fn name(&mut self, value: &str, shown: &str) {
        self.names.insert(value.to_owned(), shown.to_owned());
    }

    fn heading(&mut self, title: &str, about: &str) {
        let _ = write!(self.text, "\n### {title}\n\n{about}\n");
    }

    fn send(&mut self, method: &str, params: Value) {
        let mut line = self.show_request(method, &params).to_string();
        line.push('\n');
        self.lines.get_mut().write_all(line.as_bytes()).unwrap();
    }

    fn show_request(&mut self, method: &str, params: &Value) -> Value {
        self.next_id += 1;
        let mut request = json!({ "jsonrpc": "2.0", "id": self.next_id, "method": method });
        if *params != json!({}) {
            request["params"] = params.clone();
        }
        let shown = self.shown(&request);
        let _ = write!(self.text, "\nRequest:\n\n```json\n{shown}\n```\n");
        request
    }

    fn read(&mut self) -> Value {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|cause| panic!("{cause}: {line:?}"))
    }

    fn show(&mut self, what: &str, message: &Value) {
        let mut message = message.clone();
        shorten(&mut message);
        let shown = self.shown(&message);
        let _ = write!(self.text, "\n{what}:\n\n```json\n{shown}\n```\n");
    }

    /// Sends a request, shows it with its answer, and gives the result or the error.
    fn call(&mut self, method: &str, params: Value) -> Value {
        let answer = if Asker::makes(method, &params) {
            self.show_request(method, &params);
            let mut answer = self.asker.ask(method, &params);
            answer["id"] = json!(self.next_id);
            answer
        } else {
            self.send(method, params);
            self.read()
        };
        self.show("Response", &answer);
        answer
    }

    /// How the system calls the program that asks here.
    fn own_run(&self) -> Option<String> {
        Some("python3".to_owned())
    }

    /// JSON as the page shows it: what differs from run to run is fixed.
    fn shown(&self, message: &Value) -> String {
        let mut message = message.clone();
        self.fix("", &mut message);
        format!("{message:#}")
    }

    fn fix(&self, key: &str, value: &mut Value) {
        match value {
            Value::Object(fields) => {
                // A piece of conversation: its global number depends on all that happened before.
                if let Some(sequence) = fields.get("sequence").cloned() {
                    fields.insert("id".to_owned(), sequence);
                }
                // Where the tests run is nobody's business.
                fields.remove("places");
                for (key, value) in fields.iter_mut() {
                    self.fix(key, value);
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.fix(key, item)),
            Value::String(text) => {
                for (found, shown) in &self.names {
                    *text = text.replace(found, shown);
                }
                // Who decided is this test.
                if let Some((what, _)) = text.split_once(" by ").filter(|_| key == "error") {
                    *text = format!("{what} by …");
                }
                if let Some(run) = self.own_run().filter(|run| text.starts_with(run)) {
                    *text = text.replacen(&run, "deploy", 1);
                }
                if text.parse::<jiff::Timestamp>().is_ok() {
                    *text = "2026-05-05T12:00:00Z".to_owned();
                } else if uuid::Uuid::try_parse(text).is_ok()
                    && !self.names.values().any(|shown| shown == text)
                {
                    *text = "c1a0de00-0000-4000-8000-000000000000".to_owned();
                } else if text.starts_with("toolu_") {
                    *text = "toolu_01".to_owned();
                }
            }
            Value::Number(_) => match key {
                "pid" => *value = json!(4711),
                "seq" | "since" => *value = json!(42),
                _ => {}
            },
            Value::Null | Value::Bool(_) => {}
        }
    }
}

/// Leaves of large objects what an example needs.
fn shorten(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if fields.len() > LARGE {
                let mut kept = Map::new();
                for (key, value) in fields.iter() {
                    if SHOWN.contains(&key.as_str()) && !value.is_null() {
                        kept.insert(key.clone(), value.clone());
                    }
                }
                kept.insert("…".to_owned(), json!("more fields: see Types"));
                *fields = kept;
            }
            fields.values_mut().for_each(shorten);
        }
        Value::Array(items) => items.iter_mut().for_each(shorten),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A home with a daemon whose agents play the script.
fn home() -> Cli {
    let cli = Cli::new();
    let script = cli.root().join("script.txt");
    fs::write(&script, SCRIPT).unwrap();
    let mut command = cli.command(&["daemon", "start"]);
    command.env("HUMANLAYER_SCRIPTED_AGENT_SCRIPT", &script);
    finish(command, "").ok();
    cli
}

fn record() -> String {
    let cli = home();
    let mut daemon = Recorder::connect(&cli.socket());
    let claude = cli.root().join("claude");
    daemon.name(claude.to_str().unwrap(), "/usr/local/bin/claude");
    daemon.name(cli.work().to_str().unwrap(), "/home/you/shop");
    daemon.name(cli.home().to_str().unwrap(), "/home/you");

    daemon.heading("The daemon", "Is it there, and which one is it?");
    daemon.call("health", json!({}));

    daemon.heading(
        "Sessions",
        "Start one. With `approvals: true` its requests come to the inbox.",
    );
    let launched = daemon.call(
        "launchSession",
        json!({
            "query": "Run the tests",
            "title": "Tests",
            "working_dir": cli.work().to_str().unwrap(),
            "approvals": true,
        }),
    );
    let session = launched["result"]["session_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let run = launched["result"]["run_id"].as_str().unwrap().to_owned();
    daemon.name(&session, "5e551000-0000-4000-8000-000000000000");
    daemon.name(&run, "00000000-0000-4000-8000-000000000001");
    // The answer was shown before its ids had names.
    daemon.text = daemon.text.replace(
        "\"session_id\": \"c1a0de00-0000-4000-8000-000000000000\",\n    \"run_id\": \"c1a0de00-0000-4000-8000-000000000000\"",
        "\"session_id\": \"5e551000-0000-4000-8000-000000000000\",\n    \"run_id\": \"00000000-0000-4000-8000-000000000001\"",
    );
    let approval = cli.until_pending(&session);
    let approval = approval["id"].as_str().unwrap().to_owned();
    daemon.name(&approval, "local-a9970000");
    let _ = write!(
        daemon.text,
        "\nIts state, a moment later: an approval is pending.\n"
    );
    daemon.call("getSessionState", json!({ "session_id": session }));

    daemon.heading(
        "Events",
        "`subscribeEvents` is a standard JSON-RPC subscription: its result is the subscription's id, and \
         each event comes as a notification (no `id`) of the method `event` on the same connection, which goes \
         on taking requests. With `since` everything after that `seq` comes first, so a client that remembers the last `seq` \
         misses nothing. `unsubscribeEvents` takes the id in a list and ends it.",
    );
    let mut events = Recorder::connect(&cli.socket());
    std::mem::swap(&mut events.text, &mut daemon.text);
    events.names.clone_from(&daemon.names);
    let subscribed = events.call(
        "subscribeEvents",
        json!({ "session_id": session, "event_types": ["new_approval", "approval_resolved"] }),
    );
    let subscription = subscribed["result"].clone();
    std::mem::swap(&mut events.text, &mut daemon.text);
    daemon.heading("Approvals", "What is pending, in all sessions:");
    daemon.call("listApprovals", json!({}));
    let _ = write!(
        daemon.text,
        "\nDecide. The first decision wins; a later one gets `success: false` and `already_resolved`.\n"
    );
    daemon.call(
        "sendDecision",
        json!({ "approval_id": approval, "decision": "approve", "comment": "go ahead" }),
    );
    daemon.call(
        "sendDecision",
        json!({ "approval_id": approval, "decision": "deny", "comment": "too late" }),
    );
    let approvals = daemon
        .text
        .split_off(daemon.text.find("\n### Approvals").unwrap());

    // What the subscription saw of it.
    std::mem::swap(&mut events.text, &mut daemon.text);
    let notification = events.read();
    assert_eq!(notification["method"], "event", "{notification}");
    assert_eq!(
        notification["params"]["result"]["type"],
        "approval_resolved"
    );
    events.show(
        "Notification, when the approval below is resolved",
        &notification,
    );
    let id = json!([subscription]);
    events.next_id += 1;
    let request = json!({"jsonrpc": "2.0", "id": events.next_id, "method": "unsubscribeEvents", "params": id});
    let line = format!("{request}\n");
    events.lines.get_mut().write_all(line.as_bytes()).unwrap();
    let shown = events.shown(&request);
    let _ = write!(events.text, "\nRequest:\n\n```json\n{shown}\n```\n");
    let answer = events.read();
    events.show("Response", &answer);
    std::mem::swap(&mut events.text, &mut daemon.text);
    if let Some(name) = subscription.as_str() {
        daemon.text = daemon.text.replace(name, "1");
    } else {
        daemon.text = daemon.text.replace(
            &format!("\"subscription\": {subscription}"),
            "\"subscription\": 1",
        );
        daemon.text = daemon
            .text
            .replace(&format!("\"result\": {subscription}\n"), "\"result\": 1\n");
        daemon.text = daemon
            .text
            .replace(&format!("    {subscription}\n"), "    1\n");
    }

    let _ = write!(
        daemon.text,
        "\n`Subscribe` is hld's way: the call takes the connection over, and every message on it is an answer. The first \
         greets, each further one carries an event, and a quiet connection gets a heartbeat every 30 seconds.\n"
    );
    let mut old = Recorder::connect(&cli.socket());
    old.names.clone_from(&daemon.names);
    old.send(
        "Subscribe",
        json!({ "event_types": ["session_settings_changed"] }),
    );
    let greeting = old.read();
    let name = greeting["result"]["subscription_id"]
        .as_str()
        .unwrap()
        .to_owned();
    old.name(&name, "sub-1");
    old.show("First answer", &greeting);
    cli.call(
        "updateSessionSettings",
        json!({ "session_id": session, "auto_accept_edits": true }),
    );
    let event = old.read();
    assert_eq!(event["result"]["event"]["type"], "session_settings_changed");
    old.show("Further answer", &event);
    daemon.text.push_str(&old.text);
    daemon.text.push_str(&approvals);

    cli.until_status(&session, "completed");
    daemon.heading("Conversations", "The last pieces of one:");
    daemon.call(
        "getConversation",
        json!({ "session_id": session, "limit": 2 }),
    );

    daemon.heading(
        "Programs that ask",
        "Any program can ask a person. It then polls `getApproval` with `receive: true` until the outcome is not `pending`, \
         which also notes that it has the answer.",
    );
    let contact = daemon.call(
        "createContact",
        json!({ "message": "Deploy to production?", "response_options": [{ "name": "yes" }, { "name": "no" }] }),
    );
    let contact_id = contact["result"]["approval_id"]
        .as_str()
        .unwrap_or_else(|| panic!("{contact}"))
        .to_owned();
    cli.call(
        "sendDecision",
        json!({ "approval_id": contact_id, "decision": "respond", "option": "yes" }),
    );
    daemon.call(
        "getApproval",
        json!({ "approval_id": contact_id, "receive": true }),
    );
    daemon.text = daemon.text.replace(&contact_id, "local-c0117ac7");

    daemon.heading(
        "Errors",
        "`code` and `data.kind` are stable; `message` is for people.",
    );
    daemon.call("getSessionState", json!({ "session_id": "ffffffff" }));
    daemon.text
}

#[test]
fn the_examples_of_the_protocol_page_are_what_a_real_daemon_says() {
    let recorded = record();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/protocol_examples.md");
    if std::env::var_os("HUMANLAYER_UPDATE").is_some() {
        fs::write(&file, &recorded).unwrap();
    }
    let kept = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        kept == recorded,
        "docs/protocol_examples.md is out of date: run HUMANLAYER_UPDATE=1 cargo test --test it protocol_page, twice\n{recorded}"
    );
}

/// The blocks of a language on the page.
fn blocks(page: &str, language: &str) -> Vec<String> {
    page.split(&format!("```{language}\n"))
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap().to_owned())
        .collect()
}

#[test]
fn the_programs_of_the_protocol_page_run() {
    let cli = home();
    let page = cli.ok(&["docs", "protocol"]);
    let mut launch = cli.command(&["launch", "Run the tests"]);
    launch.env(
        "HUMANLAYER_SCRIPTED_AGENT_SCRIPT",
        cli.root().join("script.txt"),
    );
    let session = finish(launch, "").ok();
    let approval = cli.until_pending(session.trim_end());
    let approval = approval["id"].as_str().unwrap();

    let shell = blocks(&page, "sh");
    assert!(!shell.is_empty());
    for line in shell.iter().flat_map(|block| block.lines()) {
        let program = ["socat", "nc"]
            .into_iter()
            .find(|name| line.contains(&format!("| {name} ")));
        let program = program.unwrap_or_else(|| panic!("an unknown program: {line}"));
        let is_there = Command::new("sh")
            .args(["-c", &format!("command -v {program}")])
            .output();
        if !is_there.is_ok_and(|found| found.status.success()) {
            continue;
        }
        let said = finish(cli.dressed("sh", &["-c", line]), "").ok();
        let answer: Value =
            serde_json::from_str(&said).unwrap_or_else(|_| panic!("{line}: {said}"));
        assert_eq!(answer["result"]["status"], "ok", "{line}");
    }

    let python = blocks(&page, "python");
    assert_eq!(python.len(), 2);
    let said = finish(cli.dressed("python3", &["-c", &python[0]]), "").ok();
    assert!(said.contains(approval), "{said}");
    // The second one waits for an event: it gets one as soon as it listens.
    let listening = cli.dressed("python3", &["-uc", &python[1]]);
    let mut listening = Running::start(listening);
    listening.until("it listens", |line| line == "subscribed");
    cli.ok(&["approve", approval]);
    listening.until("the event", |line| {
        line.contains("approval_resolved") && line.contains(approval)
    });
}
