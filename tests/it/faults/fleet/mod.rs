//! A fleet that runs while everything around it goes wrong: twenty sessions that ask and are answered, a client that
//! answers, one that watches, and attacks at random to daemon, runners, agents, disk, clock and files. In the end all is
//! made well, every session is ended, and the record is compared with what the agents know themselves.
//!
//! `HUMANLAYER_FLEET_SECONDS=1800 cargo test --test it fleet` strikes for so long, with one seed
//! (`HUMANLAYER_FLEET_SEED=N`). Without it ten fixed seeds run for a minute each, two side by side. A fleet that was
//! in the wrong leaves its directory, with the daemon's log and the agents' accounts, and names it.
#![allow(clippy::print_stderr, reason = "a campaign says what it does")]

mod attacks;
mod evidence;
mod people;
pub mod verdict;
mod verdict_tests;

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;

use self::attacks::Attack;
use self::people::{Decider, Keeper, Office, Reply};
use super::event_recorder::EventRecorder;
use crate::support::daemon::{Daemon, PATIENCE};
use crate::support::dice::Dice;
use crate::support::disk::{self, MoodyDisk, SmallDisk};
use crate::support::scripted_agent;

/// How long each of the ten seeds is struck where nothing else is said.
const SECONDS: u64 = 60;

const SEEDS: std::ops::Range<u64> = 0..10;

/// Fleets at a time: more of them would be slow for want of processors, and keep up the other tests.
const AT_A_TIME: usize = 2;

const SECONDS_VARIABLE: &str = "HUMANLAYER_FLEET_SECONDS";
const SEED_VARIABLE: &str = "HUMANLAYER_FLEET_SEED";

/// A daemon with its agents, and what they stand on.
struct Fleet {
    // Stopped before the daemon is.
    recorder: EventRecorder,
    daemon: Daemon,
    small: SmallDisk,
    moody: MoodyDisk,
    office: Arc<Office>,
    dice: Dice,
    /// Of which sessions an agent, and a runner, was killed.
    killed: BTreeMap<String, (bool, bool)>,
    /// Whether a daemon that is gone is nothing to wonder about.
    may_have_ended: bool,
    /// In milliseconds.
    longest_hold: u64,
}

impl Fleet {
    fn start(seed: u64, seconds: u64) -> Self {
        let mut daemon = Daemon::prepare(&[]);
        let leap = daemon.root().join("leap");
        fs::write(&leap, "0").unwrap();
        daemon.set_environment("LEAP", &leap.display().to_string());
        daemon.set_environment("HUMANLAYER_LOG_LEVEL", "info");
        let truth = daemon.root().join("truth");
        fs::create_dir(&truth).unwrap();
        let script = format!(
            "#!/bin/sh\nkept='{}'/\"$HUMANLAYER_SESSION_ID.$$\"\n\
             export HUMANLAYER_SCRIPTED_AGENT_LOG=\"$kept.heard\" HUMANLAYER_SCRIPTED_AGENT_SAID=\"$kept.said\"\n\
             exec '{}' \"$@\"\n",
            truth.display(),
            scripted_agent::program(),
        );
        // Keeps the mode of the program that is there already.
        fs::write(daemon.root().join("claude"), script).unwrap();
        let small = SmallDisk::mount_of(&daemon.state(), 48 + seconds);
        let clock = disk::build(daemon.root(), "clock/leaping.c");
        let moody = MoodyDisk::beside(&daemon.state(), daemon.root(), &[clock]);
        daemon.launch(&[]);
        let command = daemon.maker_of_commands();
        let office = Arc::new(Office {
            socket: daemon.socket(),
            command: Box::new(command),
            work: daemon.work(),
            ahead: Mutex::new(0),
            closing: AtomicBool::new(false),
            commands: AtomicU64::new(0),
            decisions: Mutex::default(),
            messages: Mutex::default(),
        });
        Self {
            recorder: EventRecorder::start(&daemon.socket()),
            daemon,
            small,
            moody,
            office,
            dice: Dice::new(seed),
            killed: BTreeMap::new(),
            may_have_ended: false,
            longest_hold: (seconds * 1_000 / 3).clamp(1_000, 8_000),
        }
    }

    /// Has a daemon run. Only after a attack it may have ended.
    fn tend(&mut self) {
        if let Some(status) = self.daemon.try_wait() {
            assert!(
                self.may_have_ended,
                "the daemon ended with {status}: {}",
                self.end_of_log()
            );
        }
        if !self.daemon.is_started() {
            self.daemon.spawn(&[]);
        }
    }

    fn end_of_log(&self) -> String {
        let log = self.daemon.log();
        let mut last: Vec<&str> = log.lines().rev().take(40).collect();
        last.reverse();
        last.join("\n")
    }

    /// Strikes until the time is over.
    fn suffer(&mut self, seed: u64, seconds: u64) {
        let end = Instant::now() + Duration::from_secs(seconds);
        while Instant::now() < end {
            let pause = 50 + self.dice.below(500);
            std::thread::sleep(Duration::from_millis(pause));
            self.tend();
            let which = self.dice.below(attacks::ALL.len() as u64);
            let attack: Attack = attacks::ALL[usize::try_from(which).unwrap()];
            eprintln!("seed {seed}: {attack:?}");
            self.strike(attack);
            self.tend();
            // It has time to come up, or to find that it cannot.
            if !self.answers() {
                self.until_it_answers();
            }
            self.may_have_ended = false;
        }
    }

    fn answers(&self) -> bool {
        matches!(self.office.ask("health", &json!({})), Reply::Result(_))
    }

    fn until_it_answers(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while !self.answers() {
            self.tend();
            assert!(
                Instant::now() < deadline,
                "no daemon answers: {}",
                self.end_of_log()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Has everything decided that is asked, until nobody works, and ends every session.
    fn settle(&mut self, decider: &mut Decider<'_>) {
        let deadline = Instant::now() + 2 * PATIENCE;
        loop {
            self.tend();
            let is_quiet = decider.round(false);
            if let Reply::Result(list) = self.office.ask("listSessions", &json!({})) {
                let all = list["sessions"].as_array().unwrap();
                let mut is_over = is_quiet;
                for session in all {
                    let status = session["status"].as_str().unwrap();
                    let has_ended = matches!(status, "completed" | "failed" | "interrupted");
                    if has_ended && session["live"] == true {
                        let id = json!({"session_id": session["id"]});
                        drop(self.office.ask("endSession", &id));
                    }
                    is_over &= has_ended && session["live"] == false;
                }
                if is_over && self.directories() == 0 {
                    return;
                }
                assert!(
                    Instant::now() < deadline,
                    "the fleet does not come to rest: {:#?}\n{}",
                    all.iter()
                        .filter(|it| it["live"] == true || it["status"] != "completed")
                        .collect::<Vec<_>>(),
                    self.end_of_log()
                );
            }
            assert!(
                Instant::now() < deadline,
                "no daemon answers: {}",
                self.end_of_log()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn directories(&self) -> usize {
        fs::read_dir(self.daemon.state().join("sessions")).map_or(0, Iterator::count)
    }
}

/// One fleet, in mounts of its own.
fn play(seed: u64, seconds: u64) {
    let mut fleet = Fleet::start(seed, seconds);
    let office = Arc::clone(&fleet.office);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let mut decider = Decider::new(&office, seed ^ 0xdec1de);
        let deciding = scope.spawn(move || decider.work());
        let keeping = {
            let mut keeper = Keeper::new(&office, seed ^ 0x6ee9);
            scope.spawn(move || keeper.work())
        };
        // Whatever fails, they go home.
        let suffered = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            fleet.suffer(seed, seconds);
        }));
        office.closing.store(true, Ordering::SeqCst);
        deciding.join().unwrap();
        keeping.join().unwrap();
        if let Err(cause) = suffered {
            fleet.leave();
            std::panic::resume_unwind(cause);
        }
    });
    let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        fleet.settle(&mut Decider::new(&office, seed));
        let mut evidence = fleet.evidence();
        assert!(fleet.daemon.stop().success(), "{}", fleet.end_of_log());
        super::final_state::database_of_killed(&fleet.daemon.database());
        let root = fleet.daemon.root().to_owned();
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let left = evidence::processes_of(&root);
            if left.is_empty() || Instant::now() > deadline {
                evidence.left_over = left
                    .into_iter()
                    .map(|(pid, it)| format!("{pid} {it}"))
                    .collect();
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let wrong = verdict::verdict(&evidence);
        let questions: usize = evidence.sessions.iter().map(|it| it.approvals.len()).sum();
        let lines: usize = evidence.sessions.iter().map(|it| it.stored.len()).sum();
        eprintln!(
            "seed {seed}: {} sessions, {lines} lines, {questions} questions, {} decisions, {} killed, {} s",
            evidence.sessions.len(),
            evidence.decisions.len(),
            fleet.killed.len(),
            begun.elapsed().as_secs(),
        );
        assert!(
            wrong.is_empty(),
            "seed {seed}: {} things are wrong:\n{}",
            wrong.len(),
            wrong.join("\n")
        );
    }));
    if let Err(cause) = ended {
        fleet.leave();
        std::panic::resume_unwind(cause);
    }
}

impl Fleet {
    /// Keeps what there is to look at.
    fn leave(&mut self) {
        let root = self.daemon.root();
        let kept = std::env::temp_dir().join(format!("fleet-{}", std::process::id()));
        let copied = Command::new("cp").arg("-a").arg(root).arg(&kept).status();
        if copied.is_ok_and(|status| status.success()) {
            eprintln!("what there is to look at is in {}", kept.display());
        }
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable)
        .ok()
        .map(|text| text.parse().expect("a number"))
}

const NAME: &str =
    "faults::fleet::whatever_happens_to_a_fleet_nothing_is_lost_undecided_or_done_twice";

#[test]
fn whatever_happens_to_a_fleet_nothing_is_lost_undecided_or_done_twice() {
    let (seed, seconds) = (number(SEED_VARIABLE), number(SECONDS_VARIABLE));
    if disk::is_in_own_mounts() {
        return play(seed.unwrap_or_default(), seconds.unwrap_or(SECONDS));
    }
    let seeds = match (seed, seconds) {
        (None, None) => SEEDS,
        (seed, _) => seed.unwrap_or_default()..seed.unwrap_or_default() + 1,
    };
    let left = Mutex::new(seeds);
    let failed = Mutex::new(Vec::new());
    let work = || {
        loop {
            let Some(seed) = left.lock().unwrap().next() else {
                return;
            };
            let mut command = disk::command_in_own_mounts(NAME);
            command.env(SEED_VARIABLE, seed.to_string());
            // Who waits for long wants to see it.
            let (status, said) = match seconds {
                Some(_) => (command.status().unwrap(), Vec::new()),
                None => {
                    let output = command.stdout(Stdio::null()).output().unwrap();
                    (output.status, output.stderr)
                }
            };
            if !status.success() {
                let said = format!("seed {seed}: {}", String::from_utf8_lossy(&said));
                failed.lock().unwrap().push(said);
            }
        }
    };
    std::thread::scope(|scope| {
        (0..AT_A_TIME).for_each(|_| drop(scope.spawn(work)));
    });
    let failed = failed.into_inner().unwrap();
    assert!(
        failed.is_empty(),
        "{SEED_VARIABLE}=N runs one of them again: {}",
        failed.join("\n")
    );
}
