//! The people of a fleet: one who answers what is asked, and one who keeps twenty sessions busy. Each writes down
//! what they were told last of each of their requests.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use super::verdict::{Decision, Message, Told};
use crate::support::dice::Dice;

/// Sessions at a time.
pub const SESSIONS: usize = 20;

/// How long an answer is waited for before it counts as not known.
const PATIENCE: Duration = Duration::from_secs(3);

/// What the people of a fleet share.
pub struct Office {
    pub socket: PathBuf,
    /// A command of ours, to which arguments are added.
    pub command: Box<dyn Fn() -> Command + Send + Sync>,
    pub work: PathBuf,
    /// How far the calendar leapt, in seconds.
    pub ahead: Mutex<i64>,
    pub closing: AtomicBool,
    pub commands: AtomicU64,
    pub decisions: Mutex<Vec<Decision>>,
    pub messages: Mutex<Vec<Message>>,
}

pub fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What came of a call.
pub enum Reply {
    Result(Value),
    /// It was refused, or never sent.
    Refused(Value),
    NotKnown,
}

impl Reply {
    fn is(&self, kind: &str) -> bool {
        matches!(self, Self::Refused(error) if error["data"]["kind"] == kind)
    }

    fn told(&self) -> Told {
        match self {
            Self::Result(_) => Told::Confirmed,
            // It was carried out before; its answer is not kept.
            Self::Refused(_) if self.is("already_done") => Told::Confirmed,
            Self::Refused(error) => Told::Refused(error.to_string()),
            Self::NotKnown => Told::NotKnown,
        }
    }
}

impl Office {
    /// One call.
    pub fn ask(&self, method: &str, params: &Value) -> Reply {
        self.call(method, params, true)
    }

    fn call(&self, method: &str, params: &Value, stays: bool) -> Reply {
        let Ok(mut stream) = UnixStream::connect(&self.socket) else {
            return Reply::Refused(Value::Null);
        };
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        if stream.write_all(format!("{request}\n").as_bytes()).is_err() || !stays {
            return Reply::NotKnown;
        }
        let mut line = String::new();
        match BufReader::new(stream).read_line(&mut line) {
            Ok(_) if line.ends_with('\n') => {}
            Ok(_) | Err(_) => return Reply::NotKnown,
        }
        let answer: Value = serde_json::from_str(&line).unwrap();
        match answer.get("error") {
            Some(error) => Reply::Refused(error.clone()),
            None => Reply::Result(answer["result"].clone()),
        }
    }

    /// Writes down what was told last of a message.
    fn note(&self, message: Message) {
        let mut messages = lock(&self.messages);
        messages.retain(|known| known.text != message.text);
        messages.push(message);
    }

    fn deadline(&self) -> String {
        let ahead = jiff::SignedDuration::from_secs(*lock(&self.ahead));
        let soon = jiff::SignedDuration::from_secs(5);
        (jiff::Timestamp::now() + ahead + soon).to_string()
    }

    /// A command of the agent that is like no other.
    fn new_command(&self) -> String {
        let number = self.commands.fetch_add(1, Ordering::Relaxed);
        format!("echo x >> c{number}")
    }
}

/// Decides what is pending, as chance has it, until the fleet is closed and nothing is.
pub struct Decider<'a> {
    office: &'a Office,
    dice: Dice,
    /// The decisions of which it is not known whether they were made, with their keys.
    open: BTreeMap<String, (String, String)>,
}

impl<'a> Decider<'a> {
    pub fn new(office: &'a Office, seed: u64) -> Self {
        Self {
            office,
            dice: Dice::new(seed),
            open: BTreeMap::new(),
        }
    }

    /// Decides until the fleet is closed.
    pub fn work(&mut self) {
        while !self.office.closing.load(Ordering::SeqCst) {
            self.round(true);
            std::thread::sleep(Duration::from_millis(50 + self.dice.below(100)));
        }
    }

    /// Decides what is pending now; gives whether it could be seen that nothing is.
    pub fn round(&mut self, is_careless: bool) -> bool {
        let Reply::Result(list) = self.office.ask("listApprovals", &json!({})) else {
            return false;
        };
        let pending = list["approvals"].as_array().unwrap();
        for approval in pending {
            self.decide(approval, is_careless);
        }
        pending.is_empty()
    }

    fn decide(&mut self, approval: &Value, is_careless: bool) {
        let id = approval["id"].as_str().unwrap().to_owned();
        // Who does not know asks again for the same, mostly.
        let again = self.open.remove(&id).filter(|_| self.dice.below(4) > 0);
        let (wanted, key) = again.unwrap_or_else(|| {
            let wanted = match (
                approval["tool_name"] == "AskUserQuestion",
                self.dice.below(3),
            ) {
                (true, _) => "answered",
                (false, 0) => "denied",
                (false, _) => "approved",
            };
            (wanted.to_owned(), uuid::Uuid::new_v4().to_string())
        });
        let told = match self.dice.below(12) {
            0 if is_careless => self.by_socket(&id, &wanted, &key, false),
            1 if wanted != "answered" => self.by_command(&id, &wanted, &key, is_careless),
            _ => self.by_socket(&id, &wanted, &key, true),
        };
        if told == Told::NotKnown {
            self.open.insert(id.clone(), (wanted.clone(), key));
        }
        lock(&self.office.decisions).push(Decision {
            approval: id,
            wanted,
            told,
        });
    }

    fn by_socket(&mut self, id: &str, wanted: &str, key: &str, stays: bool) -> Told {
        let mut params = match wanted {
            "answered" => json!({"decision": "respond", "answers": {"Which?": "Left"}}),
            "denied" => json!({"decision": "deny", "comment": "not this"}),
            _ => json!({"decision": "approve"}),
        };
        params["approval_id"] = json!(id);
        params["idempotency_key"] = json!(key);
        if self.dice.below(3) == 0 {
            params["deadline"] = json!(self.office.deadline());
        }
        match self.office.call("sendDecision", &params, stays) {
            Reply::Result(answer) if answer["success"] == false => {
                assert_eq!(answer["error_kind"], "already_resolved", "{answer}");
                Told::Standing(answer["approval"]["outcome"].as_str().unwrap().to_owned())
            }
            reply => reply.told(),
        }
    }

    /// The command that a person types, killed in the middle of it now and then.
    fn by_command(&mut self, id: &str, wanted: &str, key: &str, is_careless: bool) -> Told {
        let mut command = (self.office.command)();
        // Daemons are started by the fleet alone: here no directory can be made for a database.
        command.env("HUMANLAYER_DATABASE_PATH", "/proc/none/daemon.db");
        command.args(["--idempotency-key", key]);
        match wanted {
            "denied" => command.args(["deny", id, "-m", "not this"]),
            _ => command.args(["approve", id]),
        };
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        if is_careless && self.dice.below(2) == 0 {
            std::thread::sleep(Duration::from_millis(self.dice.below(60)));
            child.kill().unwrap();
        }
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        match output.status.code() {
            Some(0) => Told::Confirmed,
            Some(_) if !said.contains("not known") => Told::Refused(said),
            Some(_) | None => Told::NotKnown,
        }
    }
}

/// What a session is asked to do next.
enum Wish {
    Nothing,
    Say(String, String),
}

/// Keeps the fleet at its size: launches, speaks to who has finished, ends who has said enough.
pub struct Keeper<'a> {
    office: &'a Office,
    dice: Dice,
    /// The sessions at work, each with what was not confirmed to have been said to it: key and text.
    fleet: BTreeMap<String, Wish>,
    /// A launch of which it is not known whether it was done.
    launch: Option<Value>,
}

impl<'a> Keeper<'a> {
    pub fn new(office: &'a Office, seed: u64) -> Self {
        Self {
            office,
            dice: Dice::new(seed),
            fleet: BTreeMap::new(),
            launch: None,
        }
    }

    pub fn work(&mut self) {
        while !self.office.closing.load(Ordering::SeqCst) {
            if self.fleet.len() < SESSIONS {
                self.launch();
            }
            if self.dice.below(8) == 0 {
                self.look();
            }
            std::thread::sleep(Duration::from_millis(10 + self.dice.below(60)));
        }
    }

    fn step(&mut self) -> String {
        match self.dice.below(12) {
            0 => format!("FLOOD {} {}", 1 + self.dice.below(40), self.dice.below(200)),
            1 => format!("LONG {}", self.dice.below(60_000)),
            2 => "HALF one line in two\nWAIT 0.05".to_owned(),
            3 => "MALFORMED {this is not JSON".to_owned(),
            4 => format!(
                "QUESTION {}",
                json!({"questions": [{"question": "Which?", "header": "Way", "multiSelect": false,
                "options": [{"label": "Left", "description": "l"}, {"label": "Right", "description": "r"}]}]})
            ),
            5 => {
                let (one, two) = (self.tool(), self.tool());
                format!("ASK_ALL\n{one}\n{two}")
            }
            6 | 7 => format!("TEXT some words\nWAIT 0.{}", 1 + self.dice.below(9)),
            _ => self.tool(),
        }
    }

    fn tool(&self) -> String {
        format!(
            "TOOL Bash {}",
            json!({"command": self.office.new_command()})
        )
    }

    /// A script that is like no other.
    fn script(&mut self) -> String {
        let steps: Vec<String> = (0..2 + self.dice.below(4)).map(|_| self.step()).collect();
        let pause = self.dice.below(9);
        let number = self.office.commands.fetch_add(1, Ordering::Relaxed);
        let steps = steps.join("\n");
        format!("TEXT hello\nWAIT 0.{pause}\n{steps}\nTEXT the end of {number}")
    }

    fn launch(&mut self) {
        let (params, is_again) = match self.launch.take() {
            Some(params) => (params, true),
            None => (self.new_launch(), false),
        };
        let reply = self.office.ask("launchSession", &params);
        let told = match reply.told() {
            // One that could not be started may be on record as that.
            Told::Refused(_) if is_again || reply.is("launch_failed") => Told::NotKnown,
            told => told,
        };
        let session = params["session_id"].as_str().unwrap().to_owned();
        let text = params["query"].as_str().unwrap().to_owned();
        if told == Told::NotKnown && !reply.is("launch_failed") {
            self.launch = Some(params);
        } else if told == Told::Confirmed {
            self.fleet.insert(session.clone(), Wish::Nothing);
        }
        self.office.note(Message {
            session,
            text,
            told,
        });
    }

    fn new_launch(&mut self) -> Value {
        let id = uuid::Uuid::new_v4().to_string();
        json!({
            "query": self.script(), "session_id": id, "approvals": true,
            "working_dir": self.office.work, "idempotency_key": id,
        })
    }

    /// Gives those who have finished something to do, or ends them.
    fn look(&mut self) {
        let all: Vec<String> = self.fleet.keys().cloned().collect();
        for id in all {
            let params = json!({"session_id": id});
            let Reply::Result(found) = self.office.ask("getSessionState", &params) else {
                return;
            };
            let status = found["session"]["status"].as_str().unwrap();
            if !matches!(status, "completed" | "failed" | "interrupted") {
                continue;
            }
            match (self.fleet.remove(&id), self.dice.below(3)) {
                (Some(Wish::Say(key, text)), _) => self.say(id, key, text, true),
                (_, 0) => {
                    let reply = self.office.ask("endSession", &params);
                    // Else it has ended by itself.
                    if !matches!(reply.told(), Told::Confirmed) && !reply.is("conflict") {
                        self.fleet.insert(id, Wish::Nothing);
                    }
                }
                _ => {
                    let (key, text) = (uuid::Uuid::new_v4().to_string(), self.script());
                    self.say(id, key, text, false);
                }
            }
        }
    }

    fn say(&mut self, session: String, key: String, text: String, is_again: bool) {
        let params = json!({"session_id": session, "message": text, "idempotency_key": key});
        let told = match self.office.ask("sendMessage", &params).told() {
            // Of the first time nothing is known by that.
            Told::Refused(_) if is_again => Told::NotKnown,
            told => told,
        };
        let wish = match told {
            Told::NotKnown => Wish::Say(key, text.clone()),
            _ => Wish::Nothing,
        };
        self.fleet.insert(session.clone(), wish);
        self.office.note(Message {
            session,
            text,
            told,
        });
    }
}
