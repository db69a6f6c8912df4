//! What the two threads of a demonstration's agent share: the user's messages, the open question, interrupts.
//!
//! One reads standard input, the other plays. Owns both what comes in and where lines go; plays nothing. Whoever
//! waits (for a message, an answer, for time to pass) waits for the one condition, so an interrupt wakes it.

use std::collections::{HashSet, VecDeque};
use std::io::{self, BufRead, Write as _};
use std::path::PathBuf;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::permissions::Permissions;
use super::{Options, lines};

/// A message of the user.
pub struct Message {
    /// Its text.
    pub text: String,
    /// Its id.
    pub uuid: String,
    /// The whole of it, for the echo.
    pub whole: Value,
}

/// A turn that must not go on.
#[derive(Debug, PartialEq, Eq)]
pub struct Interrupted;

/// What is behind the lock.
pub struct State {
    /// Mode and rules.
    pub permissions: Permissions,
    /// Messages of the model so far.
    pub said: u64,
    waiting: VecDeque<Message>,
    seen: HashSet<String>,
    /// The id of the question that is open, and its answer once there is one.
    question: Option<(String, Option<Value>)>,
    is_playing: bool,
    is_interrupted: bool,
    is_over: bool,
}

/// One agent.
pub struct Session {
    /// The command line.
    pub options: Options,
    /// The demonstration's home.
    pub home: PathBuf,
    /// Where it works.
    pub directory: PathBuf,
    state: Mutex<State>,
    wake: Condvar,
}

impl Session {
    /// One to which nothing was said yet.
    pub fn new(options: Options, home: PathBuf) -> Self {
        let permissions = Permissions::new(&options.mode, options.can_ask);
        Self {
            options,
            home,
            directory: std::env::current_dir().unwrap_or_default(),
            state: Mutex::new(State {
                permissions,
                said: 0,
                waiting: VecDeque::new(),
                seen: HashSet::new(),
                question: None,
                is_playing: false,
                is_interrupted: false,
                is_over: false,
            }),
            wake: Condvar::new(),
        }
    }

    /// What is shared; held for moments only.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a line.
    pub fn write(&self, line: &Value) {
        let mut out = io::stdout().lock();
        let written = writeln!(out, "{line}").and_then(|()| out.flush());
        // With nobody reading there is nobody to play for.
        if written.is_err() {
            std::process::exit(1);
        }
    }

    /// Writes a line of this session.
    pub fn tell(&self, kind: &str, fields: Value) {
        self.write(&lines::line(&self.options.id, kind, fields));
    }

    /// Tells how far a message has come.
    pub fn progress(&self, message: &Message, state: &str) {
        self.write(&lines::lifecycle(&self.options.id, &message.uuid, state));
    }

    /// Waits for the next message; none when the session is over.
    pub fn next_message(&self) -> Option<Message> {
        let mut state = self.state();
        state.is_playing = false;
        loop {
            if state.is_over {
                return None;
            }
            if let Some(message) = state.waiting.pop_front() {
                state.is_playing = true;
                state.is_interrupted = false;
                return Some(message);
            }
            state = self.wait(state);
        }
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        let waited = self.wake.wait(state);
        waited.unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the turn may go on.
    pub fn check(&self) -> Result<(), Interrupted> {
        match self.state().is_interrupted {
            true => Err(Interrupted),
            false => Ok(()),
        }
    }

    /// Lets time pass.
    pub fn pause(&self, time: Duration) -> Result<(), Interrupted> {
        let until = Instant::now() + time;
        let mut state = self.state();
        loop {
            if state.is_interrupted {
                return Err(Interrupted);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            let waited = self.wake.wait_timeout(state, left);
            (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Asks, and waits for the answer. There is no time limit: people take their time.
    pub fn ask(&self, request: &Value) -> Result<Value, Interrupted> {
        let id = lines::new_id();
        let mut state = self.state();
        if state.is_interrupted {
            return Err(Interrupted);
        }
        let line = json!({ "type": "control_request", "request_id": id, "request": request });
        // Under the lock, so that its withdrawal cannot come first.
        self.write(&line);
        state.question = Some((id, None));
        loop {
            if let Some((_, Some(answer))) = &mut state.question {
                let answer = answer.take();
                state.question = None;
                return Ok(answer);
            }
            if state.is_interrupted {
                state.question = None;
                return Err(Interrupted);
            }
            state = self.wait(state);
        }
    }

    /// Takes what comes in until nothing more does.
    pub fn read(&self, input: impl BufRead) {
        for line in input.lines() {
            match line.map(|line| serde_json::from_str(&line)) {
                Ok(Ok(line)) => self.take(&line),
                // As Claude Code does.
                Ok(Err(_)) => std::process::exit(1),
                Err(_) => break,
            }
        }
        self.end();
    }

    fn take(&self, line: &Value) {
        match line["type"].as_str().unwrap_or_default() {
            "user" => self.take_message(line),
            "control_response" => self.take_answer(&line["response"]),
            "control_request" => {
                let id = line["request_id"].as_str().unwrap_or_default();
                self.take_request(id, &line["request"]);
            }
            _ => {}
        }
    }

    fn take_message(&self, line: &Value) {
        let whole = line["message"].clone();
        let message = Message {
            text: whole["content"].as_str().unwrap_or_default().to_owned(),
            uuid: line["uuid"]
                .as_str()
                .map_or_else(lines::new_id, str::to_owned),
            whole,
        };
        let mut state = self.state();
        if !state.seen.insert(message.uuid.clone()) {
            return;
        }
        self.progress(&message, "queued");
        state.waiting.push_back(message);
        self.wake.notify_all();
    }

    fn take_answer(&self, response: &Value) {
        let mut state = self.state();
        let Some((id, answer)) = &mut state.question else {
            return;
        };
        if response["request_id"] == json!(id) && answer.is_none() {
            *answer = Some(match response["subtype"] == "error" {
                true => json!({ "message": response["error"] }),
                false => response["response"].clone(),
            });
        }
        self.wake.notify_all();
    }

    fn take_request(&self, id: &str, request: &Value) {
        let succeed = |response| self.write(&lines::success(id, response));
        match request["subtype"].as_str().unwrap_or_default() {
            "initialize" => {
                let mode = self.state().permissions.mode.clone();
                succeed(lines::initialized(&mode));
            }
            "interrupt" => {
                self.interrupt();
                succeed(json!({ "still_queued": [] }));
            }
            "cancel_async_message" => {
                let uuid = request["message_uuid"].as_str().unwrap_or_default();
                let mut state = self.state();
                let before = state.waiting.len();
                state.waiting.retain(|message| message.uuid != uuid);
                let cancelled = state.waiting.len() < before;
                if cancelled {
                    self.write(&lines::lifecycle(&self.options.id, uuid, "cancelled"));
                }
                succeed(json!({ "cancelled": cancelled }));
            }
            "end_session" => {
                succeed(json!({}));
                self.end();
            }
            other => self.write(&lines::unsupported(id, other)),
        }
    }

    /// Stops the turn, if one is played; its question is withdrawn.
    fn interrupt(&self) {
        let mut state = self.state();
        if let Some((id, None)) = &state.question {
            self.write(&json!({ "type": "control_cancel_request", "request_id": id }));
        }
        state.is_interrupted = state.is_playing;
        self.wake.notify_all();
    }

    fn end(&self) {
        self.interrupt();
        self.state().is_over = true;
        self.wake.notify_all();
    }
}
