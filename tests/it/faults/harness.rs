//! A daemon that dies, the people who decide, and what really happened kept beside it.
//!
//! Every agent starts through a small program that gives the journal a second name first, so the
//! truth outlives the session's directory. Calls may be lost with the daemon; whoever calls tries
//! again, as a real client does.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::time::Instant;

use serde_json::{Value, json};

use super::event_recorder::EventRecorder;
use super::final_state;
use crate::support::daemon::{Daemon, PATIENCE};
use crate::support::scripted_agent;

/// Why a call brought nothing.
#[derive(Debug)]
pub enum Lost {
    /// The daemon went away.
    Gone,
    /// It said no.
    Refused(Value),
}

/// A session under test.
pub struct Played {
    pub id: String,
    /// The script, which is also the first message.
    pub query: String,
    /// How many results the agent writes before it rests.
    pub results: usize,
}

pub struct FaultHarness {
    // Stopped before the daemon is.
    recorder: EventRecorder,
    pub daemon: Daemon,
    /// What was told to be decided, by approval.
    pub decided: BTreeMap<String, &'static str>,
    /// Failpoints for the next starts of the daemon.
    pub schedule: VecDeque<String>,
    /// How often the daemon died so far.
    pub deaths: usize,
    /// Whether the daemon that runs dies at a failpoint.
    armed: bool,
}

impl FaultHarness {
    /// A daemon that is not started yet.
    pub fn new(environment: &[(&str, &str)]) -> Self {
        let daemon = Daemon::prepare(environment);
        let sessions = daemon.state().join("sessions");
        let script = format!(
            "ln '{}'/\"$HUMANLAYER_SESSION_ID\"/journal.jsonl \"$kept.jsonl\" || echo again >> \"$kept.again\"\n\
             exec '{}' \"$@\"\n",
            sessions.display(),
            scripted_agent::program(),
        );
        Self::around(daemon, &script)
    }

    /// One that is not started yet, where what an agent says is copied on its way: the truth even if its journal
    /// is not, or is on another disk.
    pub fn copying() -> Self {
        let script = format!(
            "[ ! -e \"$kept.jsonl\" ] || echo again >> \"$kept.again\"\n\
             '{}' \"$@\" | tee -ia \"$kept.jsonl\"\n",
            scripted_agent::program(),
        );
        Self::around(Daemon::prepare(&[]), &script)
    }

    fn around(daemon: Daemon, script: &str) -> Self {
        let truth = daemon.root().join("truth");
        fs::create_dir(&truth).unwrap();
        let script = format!(
            "#!/bin/sh\nkept='{}'/\"$HUMANLAYER_SESSION_ID\"\n\
             export HUMANLAYER_SCRIPTED_AGENT_LOG=\"$kept.log\"\n{script}",
            truth.display(),
        );
        // Keeps the mode of the program that is there already.
        fs::write(daemon.root().join("claude"), script).unwrap();
        let recorder = EventRecorder::start(&daemon.socket());
        Self {
            recorder,
            daemon,
            decided: BTreeMap::new(),
            schedule: VecDeque::new(),
            deaths: 0,
            armed: false,
        }
    }

    /// One that runs.
    pub fn start() -> Self {
        let mut rig = Self::new(&[]);
        rig.daemon.launch(&[]);
        rig
    }

    /// One that dies at a failpoint.
    pub fn dying_at(failpoint: &str) -> Self {
        let mut rig = Self::new(&[]);
        rig.schedule.push_back(failpoint.to_owned());
        rig.revive();
        rig
    }

    /// Starts the daemon if it is dead.
    pub fn revive(&mut self) {
        if let Some(status) = self.daemon.try_wait() {
            assert!(
                status.success() || status.signal() == Some(9),
                "the daemon ended with {status}: {}",
                self.daemon.log()
            );
            self.deaths += 1;
        }
        if self.daemon.is_started() {
            return;
        }
        let failpoint = self.schedule.pop_front();
        self.armed = failpoint.is_some();
        match failpoint {
            Some(failpoint) => self.daemon.spawn(&[("HUMANLAYER_FAILPOINT", &failpoint)]),
            None => self.daemon.spawn(&[]),
        }
    }

    /// Has one run that answers, whether it came up before or not.
    pub fn daemon_is_there(&mut self) {
        drop(self.insist("getOverview", &json!({})));
    }

    /// SIGKILL, if it lives.
    pub fn kill(&mut self) {
        if self.daemon.try_wait().is_none() && self.daemon.is_started() {
            self.daemon.kill();
        }
        self.deaths += 1;
    }

    /// One call, which may be lost.
    pub fn ask(&self, method: &str, params: &Value) -> Result<Value, Lost> {
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let answer = (|| -> std::io::Result<Value> {
            let mut stream = UnixStream::connect(self.daemon.socket())?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.write_all(format!("{request}\n").as_bytes())?;
            let mut line = String::new();
            BufReader::new(stream).read_line(&mut line)?;
            Ok(serde_json::from_str(&line)?)
        })();
        match answer {
            Err(_) => Err(Lost::Gone),
            Ok(answer) if answer.get("error").is_some() => {
                Err(Lost::Refused(answer["error"].clone()))
            }
            Ok(answer) => Ok(answer["result"].clone()),
        }
    }

    /// A call that is made until it is answered, whatever dies meanwhile.
    pub fn insist(&mut self, method: &str, params: &Value) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.revive();
            match self.ask(method, params) {
                Ok(answer) => return answer,
                Err(Lost::Gone) => {}
                Err(Lost::Refused(error)) => assert_eq!(
                    error["data"]["kind"], "unavailable",
                    "{method} {params}: {error}"
                ),
            }
            assert!(
                Instant::now() < deadline,
                "no answer to {method}: {}",
                self.daemon.log()
            );
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
    }

    /// Launches a session, once, whatever dies meanwhile.
    pub fn launch(&mut self, query: &str) -> Played {
        let id = uuid::Uuid::new_v4().to_string();
        let params = json!({
            "query": query, "session_id": id, "approvals": true, "working_dir": self.daemon.work(),
        });
        let answer = self.insist("launchSession", &params);
        assert_eq!(answer["session_id"], id.as_str());
        Played {
            id,
            query: query.to_owned(),
            results: 1 + query
                .lines()
                .filter(|line| line.starts_with("BACKGROUND"))
                .count(),
        }
    }

    /// Decides what is pending, as the script wants it. Gives whether all could be asked.
    pub fn decide(&mut self) -> bool {
        let Ok(list) = self.ask("listApprovals", &json!({})) else {
            return false;
        };
        for approval in list["approvals"].as_array().unwrap() {
            let (mut params, outcome) = answer_to(approval);
            params["approval_id"] = approval["id"].clone();
            let Ok(answer) = self.ask("sendDecision", &params) else {
                return false;
            };
            let id = approval["id"].as_str().unwrap().to_owned();
            // An earlier answer of ours may have been lost with its daemon; it must have been this.
            let refused = answer["success"] == false;
            assert!(
                !refused || answer["error_kind"] == "already_resolved",
                "{answer}"
            );
            if answer["approval"]["decided_by"]["kind"] == "person" {
                assert_eq!(answer["approval"]["outcome"], outcome, "{answer}");
                self.decided.insert(id, outcome);
            }
        }
        true
    }

    /// The whole lines of the agent so far, as it wrote them.
    pub fn truth(&self, id: &str) -> Vec<u8> {
        fs::read(self.truth_path(id, "jsonl")).unwrap_or_default()
    }

    pub fn truth_path(&self, id: &str, extension: &str) -> PathBuf {
        self.daemon
            .root()
            .join("truth")
            .join(format!("{id}.{extension}"))
    }

    /// Whether an agent has written all its results.
    pub fn is_played(&self, session: &Played) -> bool {
        let text = String::from_utf8_lossy(&self.truth(&session.id)).into_owned();
        let results = text
            .lines()
            .filter(|line| line.starts_with("{\"type\":\"result\"") || final_state::is_result(line))
            .count();
        assert!(results <= session.results, "more results than expected");
        results == session.results
    }

    /// Lets sessions play to their end, deciding and reviving; `meanwhile` runs at each look.
    pub fn play(&mut self, sessions: &[Played], mut meanwhile: impl FnMut(&mut Self)) {
        let deadline = Instant::now() + PATIENCE;
        while !sessions.iter().all(|session| self.is_played(session)) {
            assert!(
                Instant::now() < deadline,
                "the sessions do not end: {}",
                self.daemon.log()
            );
            self.revive();
            meanwhile(self);
            self.decide();
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
    }

    /// Ends the session's process; waits until all of it is stored; checks everything.
    pub fn end_and_check(&mut self, sessions: &[Played], status: &str) {
        for session in sessions {
            self.until_status(&session.id, status);
            let params = json!({"session_id": session.id});
            match self.ask("endSession", &params) {
                Ok(_) | Err(Lost::Gone) => {}
                // It ended by itself, or by an earlier call whose answer was lost.
                Err(Lost::Refused(error)) => assert_eq!(error["data"]["kind"], "conflict"),
            }
        }
        for session in sessions {
            self.until_over(&session.id);
        }
        self.disarm();
        for session in sessions {
            self.check(session, status, final_state::Agent::Lived);
        }
        self.check_database();
    }

    pub fn until_status(&mut self, id: &str, status: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let session = self.insist("getSessionState", &json!({"session_id": id}));
            if session["session"]["status"] == status {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "not {status}: {session:#}\n{}",
                self.daemon.log()
            );
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
    }

    /// From here on the daemon dies of nothing.
    fn disarm(&mut self) {
        self.schedule.clear();
        self.revive();
        if self.armed {
            self.daemon.kill();
            self.revive();
        }
    }

    pub fn until_over(&mut self, id: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let session = self.insist("getSessionState", &json!({"session_id": id}));
            let live = session["session"]["live"] == true;
            if live && self.schedule.is_empty() {
                // Whoever was asked to end it may have died of it.
                let _ = self.ask("endSession", &json!({"session_id": id}));
            }
            if !live && !self.daemon.session_dir(id).exists() {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "not over: {session:#}\n{}",
                self.daemon.log()
            );
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
    }

    /// All that must be true of a session that is over.
    pub fn check(&mut self, session: &Played, status: &str, agent: final_state::Agent) {
        let seq = self.insist("getOverview", &json!({}))["seq"]
            .as_i64()
            .unwrap();
        let events = self.recorder.until(seq);
        final_state::session(self, session, status, agent, &events);
    }

    /// Stops the daemon properly and looks at its file.
    pub fn check_database(&mut self) {
        assert!(self.daemon.stop().success(), "{}", self.daemon.log());
        final_state::database(&self.daemon.database());
    }
}

/// What the people of these tests say: no to a command with `no-` in it, yes to others.
fn answer_to(approval: &Value) -> (Value, &'static str) {
    if approval["tool_name"] == "AskUserQuestion" {
        return (
            json!({"decision": "respond", "answers": {"Which?": "Left"}}),
            "answered",
        );
    }
    if approval["tool_input"].to_string().contains("no-") {
        (json!({"decision": "deny", "comment": "not this"}), "denied")
    } else {
        (json!({"decision": "approve"}), "approved")
    }
}
