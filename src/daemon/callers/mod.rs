//! Who calls: a person, or somebody who is not proven to be one.
//!
//! Owns the rule that nobody counts as a person but who is proven to be one, and all that the proof
//! needs: which processes are runners, which programs ask, which places are on record. A connection
//! holds on to the process that made it; each decision looks at that process anew: it lives, it is still
//! itself, and each step of its way up is proven ([`crate::platform::walk()`]). What that way means is judged
//! in `judge`, which is pure. Who was an agent when it connected stays one, whatever becomes of its
//! parents.

mod alarm;
mod asking;
mod judge;
#[cfg(test)]
mod judge_tests;
mod landmarks;
mod place;
mod terminals;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

pub use alarm::{Alarm, AlarmKind, RunnerEnd, WatchedProcess};
pub use judge::Runner;
pub use place::{Place, PlaceRecord, top};
pub use terminals::{AgentTime, ConfirmedTerminal, Terminals};

use self::judge::{Knowledge, Verdict};
use crate::domain::{Origin, SessionId};
use crate::ipc::{Credentials, Holder, Peer};
use crate::platform::{self, ProcessHandle, ProcessId, Step};

/// Why nothing is known of a caller: its process is over.
const ENDED: &str = "the process that connected has ended, or could not be looked at";
/// … it cannot be seen from here.
const OUTSIDE: &str = "it runs outside of the daemon's PID namespace (in or beside a container), where the daemon cannot look at it";
/// … the system does not show it.
const HIDDEN: &str = "the daemon cannot look at it: where the daemon runs, /proc is not mounted or hides processes (hidepid)";

/// What to do about a caller that cannot be looked at; none for one that can.
#[must_use]
pub fn remedy(reason: &str) -> Option<&'static str> {
    match reason {
        OUTSIDE => Some(
            "decide where the daemon runs, or restart the daemon where you decide: sessions keep running",
        ),
        HIDDEN => Some(
            "mount /proc there without hidepid (mount -o remount,hidepid=0 /proc), or use hidepid with gid= and a group that the daemon is in",
        ),
        _ => None,
    }
}

/// What the daemon knows about who calls.
pub struct Callers {
    user: u32,
    daemon: u32,
    boot: String,
    runners: Mutex<HashMap<ProcessId, Runner>>,
    asking: Mutex<HashSet<ProcessId>>,
    places: RwLock<Vec<PlaceRecord>>,
    watched: Mutex<alarm::Watched>,
    terminals: Mutex<Terminals>,
}

impl Default for Callers {
    fn default() -> Self {
        Self {
            user: platform::user_id(),
            daemon: std::process::id(),
            boot: platform::boot_id().unwrap_or_default(),
            runners: Mutex::default(),
            asking: Mutex::default(),
            places: RwLock::default(),
            watched: Mutex::default(),
            terminals: Mutex::default(),
        }
    }
}

/// The process at the other end of a connection.
pub struct Caller {
    callers: Arc<Callers>,
    pid: Option<u32>,
    /// None where the system has no such handles.
    process: Option<ProcessHandle>,
    /// When it started, as seen when it connected; none if it was gone by then.
    start_time: Option<u64>,
    /// Who it was when it connected.
    /// Why nothing is known of its process, where that is so.
    unseen: &'static str,
    at_first: Origin,
}

impl Callers {
    /// Notes that a process is the runner of a session's present process, before its agent can run.
    /// `is_child` says that this daemon started it.
    pub fn runner_started(
        &self,
        process: ProcessId,
        session: &SessionId,
        directory: &str,
        is_child: bool,
    ) {
        self.watch_runner(process, directory, is_child);
        lock(&self.terminals).began(directory, process.start_time);
        let runner = Runner {
            session: session.clone(),
            directory: directory.to_owned(),
        };
        lock(&self.runners).insert(process, runner);
    }

    /// Forgets the runner of a process that is over; gives when that ran.
    pub fn runner_ended(&self, directory: &str) -> Option<AgentTime> {
        let now = platform::start_clock();
        let started = lock(&self.terminals).ended(directory, now);
        self.forget_runner(directory);
        lock(&self.runners).retain(|_, runner| runner.directory != directory);
        started.map(|started| AgentTime {
            started,
            ended: Some(now),
        })
    }

    /// Takes a connection in.
    #[must_use]
    pub fn accept(self: &Arc<Self>, peer: Credentials, process: Peer) -> Caller {
        // The kernel has no number for whoever is not in our namespace.
        let is_outside = cfg!(target_os = "linux") && peer.pid.is_none_or(|pid| pid == 0);
        let (process, pid) = match (process, peer.pid) {
            (Peer::Held(handle), pid) => (Some(handle), pid),
            (Peer::Gone, _) => (None, None),
            // Its number is all there is. Whoever has it is held on to from now on.
            (Peer::Unknown, pid) => (pid.and_then(ProcessHandle::open), pid),
        };
        let start_time = pid.and_then(platform::process_start_time);
        let mut caller = Caller {
            callers: Arc::clone(self),
            pid,
            process,
            start_time,
            unseen: ENDED,
            at_first: Origin::Unverified {
                reason: ENDED.to_owned(),
            },
        };
        let lives = caller.process.as_ref().is_some_and(ProcessHandle::is_alive);
        if is_outside {
            caller.unseen = OUTSIDE;
        } else if lives && start_time.is_none() {
            caller.unseen = HIDDEN;
        }
        caller.at_first = caller.look();
        caller
    }

    /// Who a process is. Only for who cannot be held on to; see [`Caller::now`].
    #[must_use]
    pub fn identify(&self, pid: u32) -> Origin {
        match platform::walk(pid) {
            Ok(steps) => self.origin(&steps),
            Err(error) => Origin::Unverified {
                reason: error.to_string(),
            },
        }
    }

    /// Who begins a walk.
    #[must_use]
    pub fn origin(&self, steps: &[Step]) -> Origin {
        let (runners, asking) = (lock(&self.runners), lock(&self.asking));
        let places = self.places.read().unwrap_or_else(PoisonError::into_inner);
        let suspect_since = self.suspect_since();
        let terminals = lock(&self.terminals);
        let verdict = judge::judge(
            steps,
            &Knowledge {
                user: self.user,
                daemon: self.daemon,
                boot: &self.boot,
                runners: &runners,
                asking: &asking,
                places: &places,
                suspect_since,
                terminals: &terminals,
            },
        );
        drop((runners, asking, places, terminals));
        let (pid, program) = steps
            .first()
            .map_or((0, String::new()), |step| (step.pid, step.name.clone()));
        match verdict {
            Verdict::Agent(session_id) => Origin::Agent { session_id, pid },
            Verdict::OtherAgent(evidence) => Origin::OtherAgent {
                pid,
                program,
                evidence,
            },
            Verdict::Person => Origin::Person {
                pid,
                uid: steps
                    .first()
                    .and_then(|step| step.users)
                    .map_or(self.user, |(_, effective)| effective),
                program,
            },
            Verdict::Unproven(reason) => Origin::Unverified { reason },
        }
    }

    /// Whether a process is this daemon, the one that started it and would start the next one, or a runner that is known to
    /// be one.
    #[must_use]
    pub fn is_ours(&self, pid: u32) -> bool {
        let runners = lock(&self.runners);
        pid == self.daemon
            || platform::parent_of(self.daemon) == Some(pid)
            || platform::process_start_time(pid)
                .is_some_and(|start_time| runners.contains_key(&ProcessId { pid, start_time }))
    }

    /// Whether a process is there and is one of the daemon's user.
    #[must_use]
    pub fn is_the_users(&self, pid: u32) -> bool {
        platform::effective_user(pid) == Some(self.user)
    }

    /// The name of this run of the system.
    #[must_use]
    pub fn boot(&self) -> &str {
        &self.boot
    }

    /// The places on record.
    #[must_use]
    pub fn places(&self) -> Vec<PlaceRecord> {
        let places = self.places.read().unwrap_or_else(PoisonError::into_inner);
        places.clone()
    }

    /// Replaces them by what the store has.
    pub fn set_places(&self, places: Vec<PlaceRecord>) {
        *self.places.write().unwrap_or_else(PoisonError::into_inner) = places;
    }
}

impl Caller {
    /// Who this was when it connected.
    #[must_use]
    pub fn at_first(&self) -> &Origin {
        &self.at_first
    }

    /// With whom its connection counts: a session's programs together, those below the same other
    /// agent together, each unproven program by itself.
    #[must_use]
    pub fn holder(&self) -> Holder {
        Holder::Other(match &self.at_first {
            Origin::Person { .. } => return Holder::User,
            Origin::Agent { session_id, .. } => format!("session {session_id}"),
            Origin::OtherAgent { evidence, .. } => evidence.clone(),
            Origin::Unverified { .. } => match (self.pid, self.start_time) {
                (Some(pid), Some(start_time)) => format!("process {pid} of {start_time}"),
                _ => "processes that have ended".to_owned(),
            },
        })
    }

    /// What the daemon knows about who calls.
    #[must_use]
    pub fn callers(&self) -> &Arc<Callers> {
        &self.callers
    }

    /// Its process, unless it had ended when the connection was accepted.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.pid
    }

    /// Its process as it was when it connected, which nobody else ever is.
    #[must_use]
    pub fn process(&self) -> Option<ProcessId> {
        let (pid, start_time) = (self.pid?, self.start_time?);
        Some(ProcessId { pid, start_time })
    }

    /// Whether it is, or is below, a program that has asked, or another agent that is no session's.
    #[must_use]
    pub fn has_asked(&self) -> bool {
        if matches!(self.at_first, Origin::OtherAgent { .. }) {
            return true;
        }
        let Some(steps) = self.steps() else {
            return false;
        };
        let asking = lock(&self.callers.asking);
        steps.iter().any(|step| asking.contains(&step.id()))
    }

    /// Who this is now. Asked at each decision.
    #[must_use]
    pub fn now(&self) -> Origin {
        if self.at_first.is_agent() {
            return self.at_first.clone();
        }
        self.look()
    }

    fn look(&self) -> Origin {
        let gone = || Origin::Unverified {
            reason: ENDED.to_owned(),
        };
        let (Some(pid), Some(start_time)) = (self.pid, self.start_time) else {
            return Origin::Unverified {
                reason: self.unseen.to_owned(),
            };
        };
        let steps = match platform::walk(pid) {
            Ok(steps) => steps,
            Err(error) => {
                return Origin::Unverified {
                    reason: error.to_string(),
                };
            }
        };
        // While the handle's process lives its number is its own, so it is the one that was walked from.
        let is_itself = steps
            .first()
            .is_some_and(|step| step.start_time == start_time);
        let lives = self.process.as_ref().is_none_or(ProcessHandle::is_alive);
        if !is_itself || !lives {
            return gone();
        }
        self.callers.origin(&steps)
    }

    /// The walk from this process, while it lives.
    fn steps(&self) -> Option<Vec<Step>> {
        let steps = platform::walk(self.pid?).ok()?;
        let is_itself = steps.first().map(|step| step.start_time) == self.start_time;
        let lives = self.process.as_ref().is_none_or(ProcessHandle::is_alive);
        (is_itself && lives).then_some(steps)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
