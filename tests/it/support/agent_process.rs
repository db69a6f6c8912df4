//! A process that speaks Claude Code's stdio protocol: the scripted agent or the real one.
//!
//! Owns its pipes and, if the test ends early, its death. Every wait is for a condition
//! and ends, with everything read so far, after a generous deadline.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Far longer than anything here takes: it only ends a test that hangs.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// A running agent.
pub struct AgentProcess {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    /// Every line so far.
    pub seen: Vec<String>,
}

impl AgentProcess {
    /// Starts the command with pipes for all three streams.
    pub fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|cause| panic!("cannot start {command:?}: {cause}"));
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().unwrap();
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Self {
            child,
            stdin,
            lines,
            seen: Vec::new(),
        }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Writes one line.
    pub fn send_raw(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("stdin is closed");
        stdin.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// Writes one object as a line.
    pub fn send(&mut self, line: &Value) {
        self.send_raw(&line.to_string());
    }

    /// Sends `initialize`.
    pub fn initialize(&mut self) {
        self.request("init1", json!({ "subtype": "initialize", "hooks": {} }));
    }

    /// Sends a control request.
    pub fn request(&mut self, id: &str, request: Value) {
        self.send(&json!({ "type": "control_request", "request_id": id, "request": request }));
    }

    /// Sends a message of the user and returns its id.
    pub fn prompt(&mut self, text: &str) -> String {
        let uuid = uuid::Uuid::new_v4().to_string();
        self.send(&json!({
            "type": "user", "message": { "role": "user", "content": text },
            "parent_tool_use_id": null, "session_id": "", "uuid": uuid,
        }));
        uuid
    }

    /// Answers a question.
    pub fn answer(&mut self, question: &Value, response: Value) {
        self.send(&json!({ "type": "control_response", "response": {
            "subtype": "success", "request_id": question["request_id"], "response": response,
        }}));
    }

    /// Answers a question with yes and the input as it is.
    pub fn allow(&mut self, question: &Value) {
        let input = &question["request"]["input"];
        let response = json!({ "behavior": "allow", "updatedInput": input });
        self.answer(question, response);
    }

    /// Answers a question with no.
    pub fn deny(&mut self, question: &Value, message: &str) {
        self.answer(question, json!({ "behavior": "deny", "message": message }));
    }

    /// Reads on until a line fits and returns it.
    pub fn until(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let Some(line) = self.next_before(deadline) else {
                panic!("the output ended before {what}; it was:\n{}", self.told());
            };
            match serde_json::from_str::<Value>(&line) {
                Ok(value) if fits(&value) => return value,
                Ok(_) | Err(_) => {}
            }
        }
    }

    /// The next question.
    pub fn question(&mut self) -> Value {
        self.until("a question", |line| line["type"] == "control_request")
    }

    /// The next result.
    pub fn result(&mut self) -> Value {
        self.until("a result", |line| line["type"] == "result")
    }

    /// The answer to a control request.
    pub fn response(&mut self, id: &str) -> Value {
        self.until("a response", |line| line["response"]["request_id"] == id)
    }

    /// No more lines will come.
    pub fn close_stdin(&mut self) {
        drop(self.stdin.take());
    }

    /// Reads to the end and returns how it ended and what it said on stderr.
    pub fn wait(&mut self) -> (ExitStatus, String) {
        let deadline = Instant::now() + DEADLINE;
        while self.next_before(deadline).is_some() {}
        let mut stderr = String::new();
        if let Some(mut pipe) = self.child.stderr.take() {
            pipe.read_to_string(&mut stderr).unwrap();
        }
        (self.child.wait().unwrap(), stderr)
    }

    /// Every line so far as JSON, without those that are none.
    pub fn values(&self) -> Vec<Value> {
        self.seen
            .iter()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }

    fn next_before(&mut self, deadline: Instant) -> Option<String> {
        let left = deadline.saturating_duration_since(Instant::now());
        match self.lines.recv_timeout(left) {
            Ok(line) => {
                self.seen.push(line.clone());
                Some(line)
            }
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => {
                panic!("nothing came in time; so far:\n{}", self.told())
            }
        }
    }

    fn told(&self) -> String {
        self.seen.join("\n")
    }
}

impl Drop for AgentProcess {
    fn drop(&mut self) {
        // It may be gone already, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
