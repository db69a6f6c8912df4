//! What must be true after a session, whatever died on the way.
//!
//! The truth is the journal itself, the agent's own log of what it was told, and the file system.
//! What the daemon says is compared with all three.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::harness::{FaultHarness, Played};

/// What became of the agent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Agent {
    /// It ended when it was asked to.
    Lived,
    /// It was killed, so something may not have reached it.
    Killed,
}

pub fn session(
    rig: &mut FaultHarness,
    played: &Played,
    status: &str,
    agent: Agent,
    events: &[Value],
) {
    let id = played.id.as_str();
    assert!(
        !rig.truth_path(id, "again").exists(),
        "the agent was started twice"
    );
    let lines = truth(&rig.truth(id));
    assert_eq!(
        rig.daemon.raw_lines(id),
        lines,
        "stored lines are not what the agent wrote"
    );
    let record = rig.daemon.session(id);
    assert_eq!(record["status"], status, "{record:#}");
    assert_eq!(record["live"], false, "{record:#}");
    assert_eq!(record["pending_approvals"], 0, "{record:#}");
    let lines: Vec<Value> = lines
        .iter()
        .filter_map(|(_, line)| serde_json::from_str(line).ok())
        .collect();
    let conversation = rig.daemon.conversation(id);
    check_conversation(&played.query, &conversation, &lines);
    let approvals = approvals(rig, id);
    check_approvals(rig, id, &approvals, &lines, agent);
    check_events(id, events, &conversation, &approvals, status);
    check_effects(rig, &approvals, agent);
}

/// The lines that must be stored, with their offsets: all but live deltas and empty ones.
pub fn truth(journal: &[u8]) -> Vec<(u64, String)> {
    let mut lines = Vec::new();
    let mut offset = 0;
    for line in journal.split_inclusive(|byte| *byte == b'\n') {
        let at = offset;
        offset += line.len() as u64;
        let text = String::from_utf8_lossy(line);
        let text = text.trim_end_matches('\n').to_owned();
        let delta =
            serde_json::from_str::<Value>(&text).is_ok_and(|line| line["type"] == "stream_event");
        if !text.is_empty() && !delta {
            lines.push((at, text));
        }
    }
    lines
}

pub fn is_result(line: &str) -> bool {
    line.contains("\"type\":\"result\"")
        && serde_json::from_str::<Value>(line).is_ok_and(|line| line["type"] == "result")
}

/// A piece of conversation in the words of this check: what it is, and its text or call.
fn piece(event: &Value) -> (String, String) {
    let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
    let kind = text("event_type");
    let body = match kind.as_str() {
        "tool_call" => text("tool_id"),
        "tool_result" => text("tool_result_for_id"),
        _ => text("content"),
    };
    (kind, body)
}

/// The pieces that a line of the agent adds.
fn pieces(line: &Value) -> Vec<(String, String)> {
    let speaks =
        line["type"] == "assistant" || (line["type"] == "user" && line["isReplay"] != true);
    if !speaks {
        return Vec::new();
    }
    let content = &line["message"]["content"];
    if let Some(text) = content.as_str() {
        return vec![("message".to_owned(), text.to_owned())];
    }
    // What the agent puts into the user's mouth is told as the system's.
    let is_notice = |block: &Value| {
        let text = block["text"].as_str().unwrap_or_default();
        line["type"] == "user" && text.starts_with("[Request interrupted by user")
    };
    let text = |block: &Value, name: &str| block[name].as_str().unwrap_or_default().to_owned();
    content
        .as_array()
        .into_iter()
        .flatten()
        .filter(|block| !is_notice(block))
        .map(|block| match block["type"].as_str().unwrap() {
            "text" => ("message".to_owned(), text(block, "text")),
            "thinking" => ("thinking".to_owned(), text(block, "thinking")),
            "tool_use" => ("tool_call".to_owned(), text(block, "id")),
            "tool_result" => ("tool_result".to_owned(), text(block, "tool_use_id")),
            other => panic!("the scripted agent has no {other}"),
        })
        .collect()
}

fn check_conversation(query: &str, conversation: &[Value], lines: &[Value]) {
    for (index, event) in conversation.iter().enumerate() {
        assert_eq!(
            event["sequence"].as_u64(),
            Some(index as u64 + 1),
            "a gap in the conversation"
        );
    }
    assert_eq!(
        piece(&conversation[0]),
        ("message".to_owned(), query.to_owned())
    );
    let stored: Vec<_> = conversation[1..]
        .iter()
        .filter(|event| event["event_type"] != "system")
        .map(piece)
        .collect();
    let said: Vec<_> = lines
        .iter()
        .flat_map(pieces)
        // What the agent notes in the user's name is no message.
        .filter(|(_, text)| !text.starts_with("[Request interrupted by user"))
        .collect();
    assert_eq!(stored, said, "the conversation is not what was said");
}

/// All approvals of a session, the first asked first.
fn approvals(rig: &FaultHarness, id: &str) -> Vec<Value> {
    let params = serde_json::json!({"session_id": id, "all": true});
    let mut all = rig.daemon.call("listApprovals", params)["approvals"]
        .as_array()
        .unwrap()
        .clone();
    all.reverse();
    all
}

fn check_approvals(
    rig: &FaultHarness,
    id: &str,
    approvals: &[Value],
    lines: &[Value],
    agent: Agent,
) {
    let questions: Vec<&Value> = lines
        .iter()
        .filter(|line| line["request"]["subtype"] == "can_use_tool")
        .collect();
    assert_eq!(
        approvals.len(),
        questions.len(),
        "one approval for each question: {approvals:#?}"
    );
    let told = told(&rig.truth_path(id, "log"));
    let mut answered = 0;
    for (approval, question) in approvals.iter().zip(&questions) {
        assert_eq!(approval["tool_use_id"], question["request"]["tool_use_id"]);
        assert_eq!(approval["tool_input"], question["request"]["input"]);
        let outcome = approval["outcome"].as_str().unwrap();
        assert_ne!(outcome, "pending", "left pending: {approval:#}");
        if let Some(decided) = rig.decided.get(approval["id"].as_str().unwrap()) {
            assert_eq!(outcome, *decided, "a decision did not stand");
        }
        let request_id = question["request_id"].as_str().unwrap();
        let told = told.get(request_id).map_or(&[][..], Vec::as_slice);
        let behavior = match outcome {
            "approved" | "answered" => "allow",
            "denied" => "deny",
            "withdrawn" | "abandoned" => {
                assert!(told.is_empty(), "told of no decision: {told:?}");
                continue;
            }
            other => panic!("no test expires approvals: {other}"),
        };
        answered += told.len();
        let delivered = !approval["delivered_at"].is_null();
        assert_ne!(
            delivered,
            !approval["undelivered"].is_null(),
            "either delivered or not: {approval:#}"
        );
        match agent {
            Agent::Lived => assert_eq!(told, [behavior], "delivered once: {approval:#}"),
            Agent::Killed => assert!(told.len() <= 1 && told.iter().all(|it| it == behavior)),
        }
        assert!(agent == Agent::Killed || delivered, "{approval:#}");
    }
    let all: usize = told.values().map(Vec::len).sum();
    assert_eq!(all, answered, "answers to what was never asked: {told:?}");
}

/// What the agent was answered, by question; every line counts, also one that it ignored.
fn told(log: &Path) -> BTreeMap<String, Vec<String>> {
    let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in fs::read_to_string(log).unwrap_or_default().lines() {
        let entry: Value = serde_json::from_str(line).unwrap();
        let response = &entry["line"]["response"];
        match entry["kind"].as_str().unwrap() {
            "answer" | "answer_ignored" => {
                let id = response["request_id"].as_str().unwrap().to_owned();
                let behavior = response["response"]["behavior"].as_str().unwrap();
                told.entry(id).or_default().push(behavior.to_owned());
            }
            "user_again" => panic!("a message reached the agent twice"),
            _ => {}
        }
    }
    told
}

fn check_events(
    id: &str,
    events: &[Value],
    conversation: &[Value],
    approvals: &[Value],
    status: &str,
) {
    let of = |kind: &str| -> Vec<&Value> {
        events
            .iter()
            .filter(|event| event["type"] == kind && event["data"]["session_id"] == id)
            .collect()
    };
    let seqs: Vec<&Value> = of("conversation_updated")
        .iter()
        .map(|event| &event["seq"])
        .collect();
    let ids: Vec<&Value> = conversation.iter().map(|event| &event["id"]).collect();
    assert_eq!(seqs, ids, "events are not the conversation");
    let told = |kind: &str, wanted: Vec<&Value>| {
        let mut told: Vec<&Value> = of(kind)
            .iter()
            .map(|event| &event["data"]["approval_id"])
            .collect();
        let mut wanted = wanted;
        told.sort_by_key(|id| id.as_str());
        wanted.sort_by_key(|id| id.as_str());
        assert_eq!(told, wanted, "{kind} once for each");
    };
    let all = || approvals.iter().map(|approval| &approval["id"]).collect();
    told("new_approval", all());
    told("approval_resolved", all());
    let settled = approvals
        .iter()
        .filter(|it| !it["delivered_at"].is_null() || !it["undelivered"].is_null())
        .map(|it| &it["id"])
        .collect();
    told("approval_delivered", settled);
    // A new session is announced as one that was a draft before.
    let mut now = Value::from("draft");
    for change in of("session_status_changed") {
        assert_eq!(change["data"]["old_status"], now, "statuses do not follow");
        now = change["data"]["new_status"].clone();
    }
    assert_eq!(now, status, "the last status that was announced");
}

/// Commands are `echo x >> NAME`, each with its own name: they ran once, or never.
fn check_effects(rig: &FaultHarness, approvals: &[Value], agent: Agent) {
    for approval in approvals {
        let Some(command) = approval["tool_input"]["command"].as_str() else {
            continue;
        };
        let name = command.rsplit(' ').next().unwrap();
        let ran = fs::read_to_string(rig.daemon.work().join(name)).unwrap_or_default();
        let times = ran.lines().count();
        match (approval["outcome"].as_str().unwrap(), agent) {
            ("approved", Agent::Lived) => assert_eq!(times, 1, "{command} ran {times} times"),
            ("approved", Agent::Killed) => assert!(times <= 1, "{command} ran {times} times"),
            _ => assert_eq!(times, 0, "{command} ran and was not approved"),
        }
    }
}

/// A database that was closed properly: whole, and with nothing on its way.
pub fn database(path: &Path) {
    whole_database(path);
    assert_eq!(on_their_way(path, ""), 0, "lines for agents that are gone");
}

/// The same, but messages may wait for a session's next process.
pub fn database_of_killed(path: &Path) {
    whole_database(path);
    let waiting = on_their_way(path, "WHERE message_seq IS NULL");
    assert_eq!(waiting, 0, "answers for agents that are gone");
}

fn on_their_way(path: &Path, which: &str) -> i64 {
    let db = rusqlite::Connection::open(path).unwrap();
    let count = format!("SELECT count(*) FROM outbox {which}");
    db.query_row(&count, [], |row| row.get(0)).unwrap()
}

fn whole_database(path: &Path) {
    let db = rusqlite::Connection::open(path).unwrap();
    let whole: String = db
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(whole, "ok");
    let astray: i64 = db
        .query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(astray, 0);
}
