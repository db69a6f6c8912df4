//! Who counts as a person, tried by who is none: as an unprivileged user, through the real binary.

mod alarms;
mod attacks;
mod claude_by_hand;
mod launches;
mod namespaces;
mod places;
mod reports;
mod runners;
mod stopping;
pub mod terminals;

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::daemon::{Daemon, wait_until};

/// A process of an agent that will try to approve what it is given.
struct Attack {
    id_file: PathBuf,
    answer_file: PathBuf,
    command: String,
}

impl Attack {
    fn new(daemon: &Daemon, options: &str) -> Self {
        let (id_file, answer_file) = (daemon.root().join("id"), daemon.work().join("answer"));
        let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/callers/attack.py");
        let command = format!(
            "(/usr/bin/python3 '{program}' '{}' '{}' '{}' {options} < /dev/null > /dev/null 2>&1 &)",
            daemon.socket().display(),
            id_file.display(),
            answer_file.display(),
        );
        Self {
            id_file,
            answer_file,
            command,
        }
    }

    /// Starts it from a session that asks nobody.
    fn start(&self, daemon: &Daemon) -> String {
        let session = daemon.launch_session_with(json!({
            "query": format!("TOOL Bash {}\nWAITFILE never", json!({"command": self.command})),
            "dangerously_skip_permissions": true,
        }));
        let ready = self.answer_file.with_extension("ready");
        wait_until("the attack waits for its victim", || {
            ready.exists().then_some(())
        });
        session
    }

    /// Has it try; gives the daemon's answer.
    fn tries(&self, approval: &Value) -> Value {
        let part = self.id_file.with_extension("part");
        std::fs::write(&part, approval["id"].as_str().unwrap()).unwrap();
        std::fs::rename(part, &self.id_file).unwrap();
        wait_until("the agent has tried", || {
            let text = std::fs::read_to_string(&self.answer_file).ok()?;
            serde_json::from_str(&text).ok()
        })
    }
}

/// A session with a question pending; gives both.
fn victim(daemon: &Daemon) -> (String, Value) {
    let id = daemon.launch_session("TOOL Bash {\"command\": \"touch made\"}\nTEXT done");
    let asked = daemon.until_pending(&id);
    (id, asked)
}

fn assert_refused(answer: &Value) {
    assert_eq!(answer["error"]["data"]["kind"], "forbidden", "{answer}");
}

/// The question is still there, and a person's yes is taken.
fn assert_a_person_decides(daemon: &Daemon, session: &str, asked: &Value) {
    assert_eq!(daemon.pending(session)[0]["id"], asked["id"]);
    daemon.approve(asked);
    daemon.until_status(session, "completed");
    assert!(daemon.work().join("made").exists());
}
