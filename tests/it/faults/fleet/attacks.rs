//! What is done to a fleet: to its daemon, its runners and agents, its disk, its clock, its files.

use std::fs;
use std::io;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, prlimit};
use serde_json::{Value, json};

use super::Fleet;
use super::people::{Reply, lock};
use crate::support::daemon::PATIENCE;

/// What is done once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attack {
    KillDaemon,
    StopDaemon,
    RestartDaemon,
    KillRunner,
    KillAgent,
    StopRunner,
    StopAgent,
    FullDisk,
    RefusingDisk,
    SlowDisk,
    LeapingClock,
    LockedDatabase,
    TakenSocket,
    DeletedDatabase,
    ReplacedDatabase,
    FewFiles,
}

pub const ALL: [Attack; 16] = [
    Attack::KillDaemon,
    Attack::StopDaemon,
    Attack::RestartDaemon,
    Attack::KillRunner,
    Attack::KillAgent,
    Attack::StopRunner,
    Attack::StopAgent,
    Attack::FullDisk,
    Attack::RefusingDisk,
    Attack::SlowDisk,
    Attack::LeapingClock,
    Attack::LockedDatabase,
    Attack::TakenSocket,
    Attack::DeletedDatabase,
    Attack::ReplacedDatabase,
    Attack::FewFiles,
];

const DAY: i64 = 24 * 3_600;

fn pause(milliseconds: u64) {
    std::thread::sleep(Duration::from_millis(milliseconds));
}

fn send(pid: u32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid.cast_signed()) {
        // It may be gone already.
        let _ = kill_process(pid, signal);
    }
}

/// A runner that lives, or its agent.
struct Below {
    session: String,
    runner: u32,
    agent: u32,
}

impl Fleet {
    /// Strikes once, and has all well again but for what was killed.
    pub fn strike(&mut self, attack: Attack) {
        match attack {
            Attack::KillDaemon => {
                self.kill_daemon();
                let wait = self.dice.below(400);
                pause(wait);
            }
            Attack::StopDaemon => {
                let pid = self.daemon.pid();
                send(pid, Signal::STOP);
                self.hold();
                send(pid, Signal::CONT);
            }
            Attack::RestartDaemon => {
                self.daemon.ask_to_stop();
                self.until_gone();
            }
            Attack::KillRunner | Attack::KillAgent | Attack::StopRunner | Attack::StopAgent => {
                self.strike_below(attack);
            }
            Attack::FullDisk => {
                self.small.fill();
                self.hold_and_perhaps_kill();
                self.small.free();
            }
            Attack::RefusingDisk => {
                let errors = [Errno::ROFS, Errno::IO, Errno::DQUOT, Errno::NOSPC];
                let which = self.dice.below(4);
                self.moody.refuse(errors[usize::try_from(which).unwrap()]);
                self.hold_and_perhaps_kill();
                self.moody.be_well();
            }
            Attack::SlowDisk => {
                let slow = [5, 20, 100, 500, 2_000];
                let which = self.dice.below(5);
                self.moody.be_slow(slow[usize::try_from(which).unwrap()]);
                self.hold_and_perhaps_kill();
                self.moody.be_well();
            }
            Attack::LeapingClock => {
                let leaps = [-400 * DAY, -3 * 3_600, -5, 5, 3_600, 20 * DAY, 400 * DAY];
                let which = self.dice.below(7);
                self.leap(leaps[usize::try_from(which).unwrap()]);
                self.hold_and_perhaps_kill();
                if self.dice.below(2) == 0 {
                    self.leap(0);
                }
            }
            Attack::LockedDatabase => self.lock_database(),
            Attack::TakenSocket => self.take_socket(),
            Attack::DeletedDatabase => self.delete_database(),
            Attack::ReplacedDatabase => self.replace_database(),
            Attack::FewFiles => self.leave_few_files(),
        }
    }

    fn kill_daemon(&mut self) {
        self.may_have_ended = true;
        send(self.daemon.pid(), Signal::KILL);
        self.until_gone();
    }

    fn until_gone(&mut self) {
        self.may_have_ended = true;
        let deadline = Instant::now() + PATIENCE;
        while self.daemon.is_started() && self.daemon.try_wait().is_none() {
            assert!(Instant::now() < deadline, "the daemon does not end");
            pause(5);
        }
    }

    /// Has it last: mostly a moment, sometimes beyond what anybody waits for.
    fn hold(&mut self) {
        let longest = self.longest_hold;
        let wait = match self.dice.below(6) {
            0 => longest,
            _ => longest / 5,
        };
        let wait = self.dice.below(wait);
        pause(wait);
    }

    fn hold_and_perhaps_kill(&mut self) {
        self.may_have_ended = true;
        self.hold();
        if self.dice.below(4) == 0 {
            if self.daemon.is_started() && self.daemon.try_wait().is_none() {
                self.kill_daemon();
            }
            if !self.daemon.is_started() {
                self.daemon.spawn(&[]);
            }
            self.hold();
        }
    }

    fn leap(&self, seconds: i64) {
        let new = self.daemon.root().join("leap.new");
        fs::write(&new, seconds.to_string()).unwrap();
        fs::rename(new, self.daemon.root().join("leap")).unwrap();
        *lock(&self.office.ahead) = seconds;
    }

    /// One that lives, by chance.
    fn below(&mut self) -> Option<Below> {
        let entries = fs::read_dir(self.daemon.state().join("sessions")).ok()?;
        let mut all: Vec<Below> = entries
            .flatten()
            .filter_map(|entry| {
                let state = fs::read(entry.path().join("runner.json")).ok()?;
                let state: Value = serde_json::from_slice(&state).ok()?;
                let pid = |name: &str| u32::try_from(state[name].as_u64()?).ok();
                let session = entry.file_name().to_str()?.get(..36)?.to_owned();
                let (runner, agent) = (pid("runner_pid")?, pid("agent_pid")?);
                let is_ours = fs::read(format!("/proc/{runner}/cmdline")).ok()?;
                let root = self.daemon.root().display().to_string();
                String::from_utf8_lossy(&is_ours)
                    .contains(&root)
                    .then_some(Below {
                        session,
                        runner,
                        agent,
                    })
            })
            .collect();
        if all.is_empty() {
            return None;
        }
        all.sort_by(|one, other| one.session.cmp(&other.session));
        let which = self.dice.below(all.len() as u64);
        Some(all.swap_remove(usize::try_from(which).unwrap()))
    }

    fn strike_below(&mut self, attack: Attack) {
        let Some(Below {
            session,
            runner,
            agent,
        }) = self.below()
        else {
            return;
        };
        match attack {
            Attack::KillRunner => {
                self.killed.entry(session).or_default().1 = true;
                send(runner, Signal::KILL);
            }
            Attack::KillAgent => {
                self.killed.entry(session).or_default().0 = true;
                send(agent, Signal::KILL);
            }
            _ => {
                let pid = if attack == Attack::StopRunner {
                    runner
                } else {
                    agent
                };
                send(pid, Signal::STOP);
                self.hold();
                send(pid, Signal::CONT);
            }
        }
    }

    fn lock_database(&mut self) {
        let db = rusqlite::Connection::open(self.daemon.database()).unwrap();
        db.busy_timeout(Duration::from_secs(1)).unwrap();
        if db.execute_batch("BEGIN IMMEDIATE").is_ok() {
            self.hold_and_perhaps_kill();
            db.execute_batch("ROLLBACK").unwrap();
        }
    }

    fn take_socket(&mut self) {
        let socket = self.daemon.socket();
        let _ = fs::remove_file(&socket);
        if self.dice.below(2) == 0 {
            let impostor = UnixListener::bind(&socket);
            self.hold();
            drop(impostor);
        }
        if self.dice.below(4) == 0 {
            self.kill_daemon();
        }
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        PathBuf::from(format!("{}{suffix}", self.daemon.database().display()))
    }

    /// Waits until a change can be recorded.
    fn until_well(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.tend();
            if let Reply::Result(health) = self.office.ask("health", &json!({}))
                && health["status"] == "ok"
            {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "it does not become well: {}",
                self.end_of_log()
            );
            pause(20);
        }
    }

    /// One file of the database or all of them are deleted, until the daemon has written it back.
    fn delete_database(&mut self) {
        self.until_well();
        let before = identity(&self.daemon.database());
        let suffixes: &[&str] = match self.dice.below(3) {
            0 => &["", "-wal", "-shm"],
            1 => &[""],
            _ => &["-wal"],
        };
        for suffix in suffixes {
            let _ = fs::remove_file(self.beside(suffix));
        }
        let deadline = Instant::now() + PATIENCE;
        while identity(&self.daemon.database()).is_none_or(|now| Some(now) == before) {
            assert!(
                Instant::now() < deadline,
                "the database is not written back: {}",
                self.end_of_log()
            );
            pause(10);
        }
        self.until_well();
    }

    /// Another file is in its place for a while.
    fn replace_database(&mut self) {
        self.until_well();
        let aside = self.daemon.root().join("state").join("aside");
        let database = self.daemon.database();
        fs::rename(&database, &aside).unwrap();
        fs::write(&database, "a backup, perhaps").unwrap();
        self.hold();
        // Between the two the daemon may have written it back: then that one holds.
        if fs::read(&database).is_ok_and(|found| found == b"a backup, perhaps") {
            fs::rename(aside, &database).unwrap();
        }
        self.until_well();
        for entry in fs::read_dir(self.daemon.state()).unwrap().flatten() {
            if entry.file_name().to_string_lossy().contains(".kept-") {
                fs::remove_file(entry.path()).unwrap();
            }
        }
    }

    fn leave_few_files(&mut self) {
        let Some(pid) = Pid::from_raw(self.daemon.pid().cast_signed()) else {
            return;
        };
        let open = match fs::read_dir(format!("/proc/{pid}/fd")) {
            Ok(entries) => entries.count() as u64,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => panic!("{error}"),
        };
        // Only the soft one: another may not be raised again. The daemon has its own from here.
        let maximum = getrlimit(Resource::Nofile).maximum;
        let limit = |current| Rlimit {
            current: Some(current),
            maximum,
        };
        let few = open + self.dice.below(12);
        let before = prlimit(Some(pid), Resource::Nofile, limit(few)).unwrap();
        self.hold_and_perhaps_kill();
        let _ = prlimit(Some(pid), Resource::Nofile, before);
    }
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata(path)
        .ok()
        .map(|found| (found.dev(), found.ino()))
}
