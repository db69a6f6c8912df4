//! What there is to know of a fleet in the end: from its agents' own accounts, the work they did, the record, and
//! the system's list of processes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::Fleet;
use super::people::lock;
use super::verdict::{Approval, Evidence, Process, Session};

impl Fleet {
    /// All of it, while the daemon runs, except for what must be gone once it does not.
    pub fn evidence(&mut self) -> Evidence {
        let seq = self.daemon.call("getOverview", json!({}))["seq"]
            .as_i64()
            .unwrap();
        let watched = self.recorder.until(seq);
        let watched = watched
            .iter()
            .filter(|event| event["type"] == "approval_resolved");
        let watched = watched.map(|event| {
            let approval = &event["data"]["approval"];
            (text(&approval["id"]), text(&approval["outcome"]))
        });
        let watched = watched.collect();
        let list = self.daemon.call("listSessions", json!({}));
        let ids: Vec<String> = list["sessions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| text(&it["id"]))
            .collect();
        let sessions = ids.iter().map(|id| self.session(id)).collect();
        let runs = fs::read_dir(self.daemon.work())
            .unwrap()
            .flatten()
            .map(|entry| {
                let lines = fs::read_to_string(entry.path()).unwrap().lines().count();
                (entry.file_name().to_string_lossy().into_owned(), lines)
            });
        Evidence {
            sessions,
            watched,
            runs: runs.collect(),
            decisions: lock(&self.office.decisions).clone(),
            messages: lock(&self.office.messages).clone(),
            left_over: Vec::new(),
        }
    }

    fn session(&self, id: &str) -> Session {
        let (agent_killed, runner_killed) = self.killed.get(id).copied().unwrap_or_default();
        let record = self.daemon.session(id);
        let conversation = self.daemon.conversation(id);
        let pieces = |kind: &str| {
            let of_kind = move |piece: &&Value| match kind {
                "user" => piece["event_type"] == "message" && piece["role"] == "user",
                _ => piece["event_type"] == kind,
            };
            conversation
                .iter()
                .filter(of_kind)
                .cloned()
                .collect::<Vec<_>>()
        };
        let contents =
            |pieces: Vec<Value>| pieces.iter().map(|piece| text(&piece["content"])).collect();
        let mut notes: Vec<String> = contents(pieces("system"));
        notes.push(text(&record["error_message"]));
        // One whose process never began keeps what it was to be told for the next one, and says so.
        let waits = notes
            .iter()
            .any(|note| note.contains("has not reached the agent"));
        let undelivered = pieces("user").into_iter().filter(|piece| {
            piece["delivery"] == "undelivered" || (waits && piece["delivery"] == "queued")
        });
        let undelivered = contents(undelivered.collect());
        let params = json!({"session_id": id, "all": true, "limit": 1_000});
        let approvals = self.daemon.call("listApprovals", params);
        Session {
            id: id.to_owned(),
            processes: self.processes(id),
            stored: self
                .daemon
                .raw_lines(id)
                .into_iter()
                .map(|(_, line)| line)
                .collect(),
            notes,
            messages: contents(pieces("user")),
            undelivered,
            approvals: approvals["approvals"]
                .as_array()
                .unwrap()
                .iter()
                .map(approval)
                .collect(),
            agent_killed,
            runner_killed,
        }
    }

    /// The agents' own accounts of a session.
    fn processes(&self, id: &str) -> Vec<Process> {
        let truth = self.daemon.root().join("truth");
        let accounts = fs::read_dir(&truth).unwrap().flatten().filter(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            name.starts_with(id) && name.ends_with(".said")
        });
        let mut accounts: Vec<_> = accounts
            .map(|entry| (entry.metadata().unwrap().created().ok(), entry.path()))
            .collect();
        accounts.sort();
        accounts.iter().map(|(_, said)| process(said)).collect()
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn approval(found: &Value) -> Approval {
    let command = found["tool_input"]["command"].as_str();
    Approval {
        id: text(&found["id"]),
        tool_use_id: text(&found["tool_use_id"]),
        outcome: text(&found["outcome"]),
        by_person: found["decided_by"]["kind"] == "person",
        is_undelivered: found["undelivered"].is_string(),
        command: command.and_then(|command| Some(command.rsplit_once(' ')?.1.to_owned())),
    }
}

fn process(said: &Path) -> Process {
    let all = fs::read(said).unwrap();
    let lines = crate::faults::final_state::truth(&all);
    let mut process = Process {
        said: lines.into_iter().map(|(_, line)| line).collect(),
        ..Process::default()
    };
    let heard = fs::read_to_string(said.with_extension("heard")).unwrap_or_default();
    for line in heard.lines() {
        // One that was killed may have left half a line.
        let Ok(entry) = serde_json::from_str::<Value>(line) else {
            continue;
        };
        let response = &entry["line"]["response"];
        let message = || text(&entry["line"]["message"]["content"]);
        match entry["kind"].as_str().unwrap() {
            "answer" | "answer_ignored" => {
                let behavior = text(&response["response"]["behavior"]);
                process
                    .answers
                    .push((text(&response["request_id"]), behavior));
            }
            "user" => process.messages.push(message()),
            "user_again" => process.again.push(message()),
            _ => {}
        }
    }
    process
}

/// The processes of a fleet that are there still, with their commands.
pub fn processes_of(root: &Path) -> BTreeMap<u32, String> {
    let root = root.display().to_string();
    let own = std::process::id();
    let all = fs::read_dir("/proc").unwrap().flatten();
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| *pid != own)
        .filter_map(|pid| {
            let read = |name: &str| {
                let bytes = fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default();
                String::from_utf8_lossy(&bytes).replace('\0', " ")
            };
            let command = read("cmdline");
            let is_ours = command.contains(&root) || read("environ").contains(&root);
            (is_ours && !command.is_empty()).then_some((pid, command))
        })
        .collect()
}
