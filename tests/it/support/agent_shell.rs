//! A shell command by which an agent tries to decide about itself; see `as_agent.py`.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::daemon::{Daemon, wait_until};

/// One try, with its own file for the answers.
pub struct Attempt {
    answers: PathBuf,
    go: PathBuf,
    command: String,
}

impl Attempt {
    /// Prepares a try on the questions of a session.
    pub fn on(daemon: &Daemon, session_id: &str) -> Self {
        let (answers, go) = (daemon.root().join("answers"), daemon.root().join("go"));
        let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/support/as_agent.py");
        let command = format!(
            "/usr/bin/python3 '{program}' '{}' '{session_id}' '{}'",
            daemon.socket().display(),
            answers.display()
        );
        Self {
            answers,
            go,
            command,
        }
    }

    /// From a process whose parents are gone, in a session of its own.
    pub fn orphaned(self) -> Self {
        let command = format!("{} --orphan", self.command);
        Self { command, ..self }
    }

    /// Without the variables that name the agent's session.
    pub fn without_its_marks(self) -> Self {
        let unset = ["SESSION_ID", "RUN_ID", "DAEMON_SOCKET"]
            .map(|name| format!("-u HUMANLAYER_{name}"))
            .join(" ");
        let command = format!("env {unset} {}", self.command);
        Self { command, ..self }
    }

    /// Not before [`Attempt::go`].
    pub fn on_command(self) -> Self {
        let command = format!("{} --go '{}'", self.command, self.go.display());
        Self { command, ..self }
    }

    /// Lets it try.
    pub fn go(&self) {
        std::fs::write(&self.go, "").unwrap();
    }

    /// For a shell; it returns at once.
    pub fn in_background(&self) -> String {
        format!("({}) < /dev/null > /dev/null 2>&1 &", self.command)
    }

    /// Waits until it was tried; fails unless every way was refused as forbidden.
    pub fn assert_refused(&self) {
        let answers = wait_until("the agent has tried", || {
            let text = std::fs::read_to_string(&self.answers).ok()?;
            serde_json::from_str::<Value>(&text).ok()
        });
        let answers = answers.as_object().unwrap();
        assert!(answers.len() >= 7);
        for (name, answer) in answers {
            assert_eq!(
                answer["error"]["data"]["kind"], "forbidden",
                "{name}: {answer}"
            );
        }
    }
}

/// Makes calls on the daemon's socket from below the runner of a new session; gives that session and
/// the answers. `$ID` in later parameters stands for the first answer's `approval_id`.
pub fn calls_of_an_agent(daemon: &Daemon, calls: &[(&str, Value)]) -> (String, Vec<Value>) {
    let (wanted, answers) = (daemon.root().join("calls"), daemon.root().join("answers"));
    std::fs::write(&wanted, serde_json::to_vec(calls).unwrap()).unwrap();
    let command = format!(
        "/usr/bin/python3 '{}' '{}' '{}' '{}'",
        concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/it/support/agent_calls.py"
        ),
        daemon.socket().display(),
        wanted.display(),
        answers.display()
    );
    let session = daemon.launch_session_with(json!({
        "query": format!("TOOL Bash {}", json!({"command": command})),
        "dangerously_skip_permissions": true,
    }));
    let answers = wait_until("the agent has called", || {
        let text = std::fs::read_to_string(&answers).ok()?;
        serde_json::from_str(&text).ok()
    });
    (session, answers)
}
