//! Claude Code, its runner and the daemon are killed at each step of a message's way, at random.
//!
//! What holds whatever is killed when, and is checked after each seed:
//!
//! - A message that was accepted is in the agent's conversation exactly once, in the order of acceptance, once
//!   the next turn is over: the model is told it once. One of which it is not known whether it was accepted,
//!   because the daemon died before it answered, is there once or not at all, and the record says which.
//!   2.0.37 does not write down what it takes up in the middle of a turn: of a process that was killed after it
//!   had acted on such a message the next one does not know it. The model was told it, once, before the kill.
//! - So a message begins at most one turn that goes anywhere: the model can be asked about it a second time
//!   only where the first answer never reached the agent's own record, and no tool that it leads to runs twice.
//!   A turn that was killed after the agent had written the message down is not begun anew; the next turn knows of
//!   it.
//! - What ran was approved. Nothing is pending, queued or marked as never delivered in the end; a killed turn is
//!   noted in the conversation, and its cost said to be at least what is known. A killed runner is an alarm.
//! - The session goes on: its next message runs its tool, once.
//!
//! The seed chooses Claude Code's version, the messages and the kills. `HUMANLAYER_KILL_SEEDS=N` runs N
//! seeds, or `A..B` those from A up to B; a failure names its seed.
#![allow(clippy::print_stderr, reason = "a campaign says which seed it is at")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::ClaudeHarness;
use crate::support::daemon::PATIENCE;
use crate::support::dice::{Dice, seeds};

/// The seeds of a usual run.
const SEEDS: std::ops::Range<u64> = 0..10;

/// Seeds that are played at a time.
const AT_A_TIME: usize = 2;

/// The versions that take turns.
const VERSIONS: [&str; 4] = ["2.1.332", "2.0.37", "2.1.133", "2.1.330"];

/// Messages of a seed, beside the first and the last.
const MESSAGES: u64 = 4;

/// How long the session may take to go on, on a slow machine with several real agents.
const GOING_ON: Duration = Duration::from_secs(120);

/// How often it is looked.
const POLL: Duration = Duration::from_millis(15);

/// How long a step is waited for: a message behind a killed one may never come there.
const STEP_PATIENCE: Duration = Duration::from_secs(6);

/// Who is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Who {
    Claude,
    Runner,
    Daemon,
    /// The daemon and then, while it is dead, the agent.
    DaemonThenClaude,
    DaemonThenRunner,
}

/// How far the message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    /// On its way to the daemon.
    Asked,
    /// Accepted.
    Accepted,
    /// On its way to the runner.
    Sending,
    /// Written to the agent's standard input.
    Written,
    /// Repeated by the agent, or taken out of its queue.
    Echoed,
    /// The model was asked.
    InTurn,
    /// Its tool runs.
    Acting,
    /// Its turn is over.
    Done,
}

const EVERYBODY: [Who; 5] = [
    Who::Claude,
    Who::Runner,
    Who::Daemon,
    Who::DaemonThenClaude,
    Who::DaemonThenRunner,
];

const STEPS: [Step; 8] = [
    Step::Asked,
    Step::Accepted,
    Step::Sending,
    Step::Written,
    Step::Echoed,
    Step::InTurn,
    Step::Acting,
    Step::Done,
];

impl Who {
    fn kills_the_agent(self) -> bool {
        self != Self::Daemon
    }

    fn kills_the_runner(self) -> bool {
        matches!(self, Self::Runner | Self::DaemonThenRunner)
    }

    fn kills_the_daemon(self) -> bool {
        !matches!(self, Self::Claude | Self::Runner)
    }
}

impl Step {
    /// Where the daemon dies by itself at this step.
    fn failpoint(self, dice: &mut Dice) -> Option<String> {
        match self {
            Self::Asked => {
                let when = ["store.before_commit", "store.after_commit"];
                let when = when[usize::try_from(dice.below(2)).unwrap()];
                Some(format!("{when}:{}", 1 + dice.below(6)))
            }
            Self::Sending => Some("outbox.sending".to_owned()),
            Self::Written => {
                let when = ["outbox.delivered", "outbox.acknowledging"];
                Some(when[usize::try_from(dice.below(2)).unwrap()].to_owned())
            }
            Self::Accepted | Self::Echoed | Self::InTurn | Self::Acting | Self::Done => None,
        }
    }
}

/// A kill that happened.
#[derive(Clone, Copy, Debug)]
struct Killed {
    who: Who,
    step: Step,
    /// Whether the session was at work then, as it said itself.
    in_a_turn: bool,
}

/// A message as it was sent.
#[derive(Clone, Debug)]
struct Sent {
    name: String,
    /// Whether the daemon said that it took it.
    is_accepted: bool,
}

/// One seed.
struct Play {
    rig: ClaudeHarness,
    version: &'static str,
    id: String,
    dice: Dice,
    sent: Vec<Sent>,
    kills: Vec<Killed>,
    /// Whether the daemon that runs dies at a failpoint.
    armed: bool,
}

impl Play {
    fn new(seed: u64) -> Self {
        let version = VERSIONS[usize::try_from(seed % 4).unwrap()];
        let mut play = Self {
            rig: ClaudeHarness::of_version(version),
            version,
            id: String::new(),
            dice: Dice::new(seed),
            sent: Vec::new(),
            kills: Vec::new(),
            armed: false,
        };
        play.id = play.rig.launch("TEXT m0");
        play.sent.push(Sent {
            name: "m0".to_owned(),
            is_accepted: true,
        });
        let first = play.wait(GOING_ON, |play| play.session()["result"] == "m0");
        assert!(first, "{:#}", play.session());
        play
    }

    /// One call, which may be lost with the daemon; or its error.
    fn ask(&self, method: &str, params: &Value) -> Option<Result<Value, Value>> {
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let answer = (|| -> std::io::Result<Value> {
            let mut stream = UnixStream::connect(self.rig.daemon.socket())?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.write_all(format!("{request}\n").as_bytes())?;
            let mut line = String::new();
            BufReader::new(stream).read_line(&mut line)?;
            Ok(serde_json::from_str(&line)?)
        })();
        let answer = answer.ok()?;
        Some(match answer.get("error") {
            Some(error) => Err(error.clone()),
            None => Ok(answer["result"].clone()),
        })
    }

    /// Starts the daemon if it is dead; one that lives and is to die somewhere as well.
    fn revive(&mut self, disarm: bool) {
        let died = self.rig.daemon.try_wait().is_some();
        if disarm && self.armed && !died && self.rig.daemon.is_started() {
            self.rig.daemon.kill();
        }
        if self.rig.daemon.is_started() {
            return;
        }
        self.armed = false;
        self.rig.daemon.launch(&[]);
    }

    /// Approves whatever is asked.
    fn decide(&self) {
        let listed = self.ask("listApprovals", &json!({}));
        let Some(Ok(list)) = listed else { return };
        for approval in list["approvals"].as_array().unwrap() {
            let params = json!({"approval_id": approval["id"], "decision": "approve"});
            self.ask("sendDecision", &params);
        }
    }

    /// Waits for something while all that is asked is approved and no daemon stays dead; gives up after a
    /// time.
    fn wait(&mut self, patience: Duration, mut found: impl FnMut(&Self) -> bool) -> bool {
        let deadline = Instant::now() + patience;
        loop {
            self.revive(false);
            if found(self) {
                return true;
            }
            if Instant::now() > deadline {
                return false;
            }
            self.decide();
            std::thread::sleep(POLL);
        }
    }

    /// The session, as the daemon tells it; null when it does not.
    fn session(&self) -> Value {
        let asked = self.ask("getSessionState", &json!({"session_id": self.id}));
        match asked {
            Some(Ok(answer)) => answer["session"].clone(),
            Some(Err(_)) | None => Value::Null,
        }
    }

    fn database(&self) -> rusqlite::Connection {
        let db = rusqlite::Connection::open(self.rig.daemon.database()).unwrap();
        db.busy_timeout(PATIENCE).unwrap();
        db
    }

    /// The processes of the session's present runner and agent.
    fn processes(&self) -> Option<(Pid, Pid)> {
        let query = "SELECT directory FROM sessions WHERE id = ?";
        let directory = self
            .database()
            .query_row(query, [&self.id], |row| row.get::<_, String>(0));
        let directory = self.rig.daemon.session_dir(&directory.unwrap());
        let state = fs::read(directory.join("runner.json")).ok()?;
        let state: Value = serde_json::from_slice(&state).ok()?;
        let pid = |name: &str| Pid::from_raw(i32::try_from(state[name].as_i64()?).ok()?);
        let (runner, agent) = (pid("runner_pid")?, pid("agent_pid")?);
        // Whoever has its number now would be killed.
        let command = fs::read(format!("/proc/{}/cmdline", runner.as_raw_nonzero())).ok()?;
        let is_it = String::from_utf8_lossy(&command).contains(directory.to_str()?);
        let parent =
            humanlayer::platform::parent_of(u32::try_from(agent.as_raw_nonzero().get()).ok()?);
        let is_its = parent == u32::try_from(runner.as_raw_nonzero().get()).ok();
        (is_it && is_its).then_some((runner, agent))
    }

    /// How far a message is in the outbox: whether it was written to the agent, and taken by it; none when it
    /// is not there (any more).
    fn in_outbox(&self, name: &str) -> Option<(bool, bool)> {
        let query =
            "SELECT written, started FROM outbox WHERE message_seq IS NOT NULL AND instr(line, ?)";
        let row = self
            .database()
            .query_row(query, [format!("TEXT {name}")], |row| {
                Ok((row.get(0)?, row.get(1)?))
            });
        row.ok()
    }

    /// Whether a message has come to a step, or beyond it.
    fn has_come(&self, name: &str, step: Step) -> bool {
        match step {
            Step::Asked | Step::Accepted => true,
            Step::Sending | Step::Written => {
                self.in_outbox(name).is_none_or(|(written, _)| written)
            }
            Step::Echoed => self.in_outbox(name).is_none_or(|(_, started)| started),
            Step::InTurn => self.rig.model.heard().contains(&format!("TEXT {name}")),
            Step::Acting => self.rig.lines("ran").iter().any(|ran| ran == name),
            Step::Done => self.session()["result"] == name,
        }
    }

    fn kill_agent(&mut self, who: Who) -> bool {
        let Some((runner, agent)) = self.processes() else {
            return false;
        };
        let victim = if who.kills_the_runner() {
            runner
        } else {
            agent
        };
        kill_process(victim, Signal::KILL).is_ok()
    }

    /// Kills, now.
    fn kill(&mut self, who: Who, step: Step) {
        let in_a_turn = self.session()["status"] == "running";
        let died = self.rig.daemon.try_wait().is_some();
        if who.kills_the_daemon() && !died && self.rig.daemon.is_started() {
            self.rig.daemon.kill();
        }
        let hit = !who.kills_the_agent() || self.kill_agent(who);
        if hit {
            self.kills.push(Killed {
                who,
                step,
                in_a_turn: in_a_turn && who.kills_the_agent(),
            });
        }
        self.revive(false);
    }

    /// Sends a message, and kills while it is on its way. Gives what is known of it.
    fn send(&mut self, name: &str, script: &str, kill: Option<(Who, Step)>) {
        let failpoint = match kill {
            Some((Who::Daemon, step)) => step.failpoint(&mut self.dice),
            _ => None,
        };
        self.revive(true);
        if let Some(failpoint) = &failpoint {
            self.rig.daemon.kill();
            let environment = [("HUMANLAYER_FAILPOINT", failpoint.as_str())];
            self.rig.daemon.spawn(&environment);
            self.armed = true;
            // It may die before it is asked anything.
            let deadline = Instant::now() + PATIENCE;
            while UnixStream::connect(self.rig.daemon.socket()).is_err() {
                if self.rig.daemon.try_wait().is_some() {
                    self.note_death(kill);
                    self.revive(true);
                }
                assert!(Instant::now() < deadline, "{}", self.rig.daemon.log());
                std::thread::sleep(Duration::from_millis(2));
            }
        }
        if let (Some((who, Step::Asked)), None) = (kill, &failpoint) {
            self.kill(who, Step::Asked);
        }
        let environment = self.rig.environment();
        let params = json!({"session_id": self.id, "message": script, "env": environment});
        let answer = self.ask("sendMessage", &params);
        if let Some(Err(error)) = &answer {
            panic!("{name} was refused: {error}");
        }
        self.sent.push(Sent {
            name: name.to_owned(),
            is_accepted: answer.is_some(),
        });
        match (kill, failpoint) {
            (Some(_), Some(_)) => {
                let died = self.wait(STEP_PATIENCE, |play| !play.armed);
                if died {
                    self.note_death(kill);
                }
                self.revive(true);
            }
            (Some((_, Step::Asked)), None) | (None, _) => {}
            (Some((who, step)), None) => {
                let moment = Duration::from_millis(self.dice.below(40));
                if self.wait(STEP_PATIENCE, |play| play.has_come(name, step)) {
                    std::thread::sleep(moment);
                    self.kill(who, step);
                }
            }
        }
    }

    fn note_death(&mut self, kill: Option<(Who, Step)>) {
        if let Some((who, step)) = kill {
            self.kills.push(Killed {
                who,
                step,
                in_a_turn: false,
            });
        }
    }

    /// A message's script: with or without a tool, at once or after a while.
    fn script(&mut self, name: &str) -> String {
        let pause = ["", "SLEEP 0.4\n", "SLEEP 1.2\n"];
        let pause = pause[usize::try_from(self.dice.below(3)).unwrap()];
        let tool = match self.dice.below(4) {
            0 => String::new(),
            _ => format!(
                "TOOL Bash {}\n",
                json!({"command": format!("echo {name} >> ran; sleep 0.3")})
            ),
        };
        format!("{pause}{tool}TEXT {name}")
    }

    fn play(&mut self) {
        for number in 1..=MESSAGES {
            let name = format!("m{number}");
            let script = self.script(&name);
            let kill = (self.dice.below(4) > 0).then(|| {
                let who = EVERYBODY[usize::try_from(self.dice.below(5)).unwrap()];
                let step = STEPS[usize::try_from(self.dice.below(8)).unwrap()];
                match step {
                    Step::Acting if !script.contains("TOOL") => (who, Step::InTurn),
                    step => (who, step),
                }
            });
            eprintln!("  {name}: {kill:?} {script:?}");
            self.send(&name, &script, kill);
            // Sometimes the next one comes at once, sometimes when all is still.
            if self.dice.below(2) == 0 {
                self.wait(STEP_PATIENCE, |play| {
                    let session = play.session();
                    session["live"] == false || session["status"] == "completed"
                });
            }
        }
        // What waits is read first: the model plays the newest script only, and no part of one that is told in
        // the middle of another one's turn.
        self.send("m8", "TEXT m8", None);
        let rests =
            |play: &Self| play.in_outbox("m").is_none() && play.session()["status"] == "completed";
        // An agent that was just killed can still be handed a message. The session says then that it has not been
        // read, and goes on with whoever writes to it next.
        let fails = |play: &Self| {
            let session = play.session();
            session["status"] == "failed"
                && session["live"] == false
                && session["waiting_for"].is_null()
        };
        self.wait(GOING_ON, |play| rests(play) || fails(play));
        if fails(self) {
            eprintln!("  m7: the session had failed");
            self.send("m7", "TEXT m7", None);
        }
        let rests = self.wait(GOING_ON, rests);
        assert!(
            rests,
            "the session does not come to rest: {:#}",
            self.session()
        );
        self.send(
            "m9",
            "TOOL Bash {\"command\": \"echo m9 >> ran\"}\nTEXT m9",
            None,
        );
        let done = self.wait(GOING_ON, |play| {
            let session = play.session();
            session["result"] == "m9" && session["status"] == "completed"
        });
        assert!(done, "the session does not go on: {:#}", self.session());
        let all_read = self.wait(GOING_ON, |play| {
            let query = "SELECT count(*) FROM outbox";
            let left: i64 = play
                .database()
                .query_row(query, [], |row| row.get(0))
                .unwrap();
            left == 0
        });
        assert!(all_read, "something is left in the outbox");
    }

    /// All that must be true in the end.
    fn check(&mut self) {
        let told = self.told();
        let params = json!({"session_id": self.id, "by_conversation": true});
        let pieces = self.rig.daemon.call("getConversation", params)["events"].clone();
        let pieces = pieces.as_array().unwrap();
        let notes: Vec<String> = pieces
            .iter()
            .filter(|piece| piece["event_type"] == "system")
            .map(|piece| piece["content"].as_str().unwrap().to_owned())
            .collect();
        let recorded: Vec<String> = pieces
            .iter()
            .filter(|piece| piece["event_type"] == "message" && piece["role"] == "user")
            .map(|piece| {
                assert_eq!(piece["delivery"], Value::Null, "{piece}");
                last_line(piece["content"].as_str().unwrap())
            })
            .collect();
        // The record is what the model is told, and all that was accepted is in it, once and in order. What a
        // killed agent had acted on and not written down is noted.
        let heard = self.rig.model.heard();
        let mut in_order = told.iter().peekable();
        let mut noted: usize = notes.iter().map(|note| forgotten(note)).sum();
        for name in &recorded {
            if in_order.next_if_eq(&name).is_none() {
                let was_told = heard.contains(&format!("TEXT {name}"));
                let may_forget = was_told && (self.version == "2.0.37" || noted > 0);
                assert!(may_forget, "{name} is lost: {recorded:?}, {told:?}");
                noted = noted.saturating_sub(1);
            }
        }
        assert_eq!(in_order.next(), None, "{recorded:?}, {told:?}");
        let mut expected = self.sent.iter();
        for name in &recorded {
            loop {
                let sent = expected
                    .next()
                    .expect("a message that nobody sent, or twice");
                if sent.name == *name {
                    break;
                }
                assert!(!sent.is_accepted, "{} was accepted and is lost", sent.name);
            }
        }
        assert!(expected.all(|sent| !sent.is_accepted), "a message is lost");

        // No tool ran twice, and none that nobody approved.
        let ran = self.rig.lines("ran");
        let mut times: BTreeMap<&str, usize> = BTreeMap::new();
        for name in &ran {
            *times.entry(name).or_default() += 1;
        }
        assert!(times.values().all(|times| *times == 1), "{ran:?}");
        assert_eq!(times.get("m9"), Some(&1), "{ran:?}");
        let approvals = self.rig.approvals();
        let approved: Vec<&Value> = approvals
            .iter()
            .filter(|approval| approval["outcome"] == "approved")
            .collect();
        for name in &ran {
            let is_its = |approval: &&&Value| {
                let command = approval["tool_input"]["command"].as_str();
                command.is_some_and(|command| command.starts_with(&format!("echo {name} ")))
            };
            assert_eq!(approved.iter().filter(is_its).count(), 1, "{approvals:#?}");
        }
        assert!(
            approvals
                .iter()
                .all(|approval| approval["outcome"] != "pending"),
            "{approvals:#?}"
        );

        // The record says what happened.
        let session = self.session();
        assert_eq!(session["pending_approvals"], 0);
        assert_eq!(session["live"], true);
        let lost_turns = self.kills.iter().filter(|kill| kill.in_a_turn).count();
        let noted = notes.iter().filter(|note| note.contains("killed")).count();
        assert!(noted >= lost_turns.min(1), "{notes:#?}");
        let unpriced = session["unpriced_turns"].as_u64().unwrap_or(0);
        assert!(
            unpriced <= u64::try_from(self.kills.len()).unwrap(),
            "{session}"
        );

        let alarms = self.rig.daemon.call("listAlarms", json!({}))["alarms"].clone();
        let alarms = alarms.as_array().unwrap();
        let of_runners = alarms
            .iter()
            .filter(|alarm| alarm["kind"] == "runner_killed");
        let killed = self.kills.iter().filter(|kill| kill.who.kills_the_runner());
        assert_eq!(of_runners.count() > 0, killed.count() > 0, "{alarms:#?}");
        for alarm in alarms {
            assert_eq!(alarm["kind"], "runner_killed", "{alarm}");
            self.rig
                .daemon
                .call("acknowledgeAlarm", json!({"id": alarm["id"]}));
        }
        let end = json!({"session_id": self.id});
        self.rig.daemon.call("endSession", end);
        self.rig.daemon.until_over(&self.id);
        assert!(
            self.rig.daemon.stop().success(),
            "{}",
            self.rig.daemon.log()
        );
        crate::faults::final_state::database(&self.rig.daemon.database());
    }

    /// What the model was told by the user in its last request, in order. A message that is taken up in the
    /// middle of a turn stands within a tool's result there.
    fn told(&self) -> Vec<String> {
        let requests = self.rig.model.requests();
        let last = requests.iter().rev().find(|request| {
            let tools = request.body["tools"].as_array();
            tools.is_some_and(|tools| !tools.is_empty())
        });
        let text = last.unwrap().body["messages"].to_string();
        let names = text.split("TEXT m").skip(1);
        names
            .map(|rest| format!("m{}", rest.chars().next().unwrap()))
            .collect()
    }
}

/// How many messages a note says that the next process does not know.
fn forgotten(note: &str) -> usize {
    let Some((_, rest)) = note.split_once("before it had written down your last ") else {
        return 0;
    };
    let count = rest.split(' ').next().and_then(|count| count.parse().ok());
    count.unwrap_or(1)
}

/// The name of a message, which its script's last line says.
fn last_line(script: &str) -> String {
    let line = script.lines().last().unwrap_or_default();
    line.strip_prefix("TEXT ").unwrap_or(line).to_owned()
}

fn run(seed: u64) -> Vec<Killed> {
    eprintln!("seed {seed}");
    let mut play = Play::new(seed);
    play.play();
    play.check();
    eprintln!("seed {seed}: {:?}", play.kills);
    std::mem::take(&mut play.kills)
}

#[test]
fn whoever_is_killed_no_message_is_lost_and_none_runs_twice() {
    let seeds = seeds("HUMANLAYER_KILL_SEEDS", SEEDS);
    let (next, end) = (AtomicU64::new(seeds.start), seeds.end);
    let kills = Mutex::new(Vec::new());
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::SeqCst);
                    if seed >= end {
                        return;
                    }
                    match std::panic::catch_unwind(|| run(seed)) {
                        Ok(killed) => kills.lock().unwrap().extend(killed),
                        Err(_) => {
                            eprintln!("seed {seed} FAILED");
                            failed.lock().unwrap().push(seed);
                        }
                    }
                }
            });
        }
    });
    let kills = kills.into_inner().unwrap();
    let mut counts: BTreeMap<(Who, Step), usize> = BTreeMap::new();
    for kill in &kills {
        *counts.entry((kill.who, kill.step)).or_default() += 1;
    }
    let failed = failed.into_inner().unwrap();
    eprintln!("{} kills: {counts:?}", kills.len());
    assert!(failed.is_empty(), "seeds {failed:?} failed");
    let many = seeds.end - seeds.start;
    assert!(
        kills.len() as u64 > many || many < 5,
        "hardly anything was killed"
    );
}
