//! Alarms: what must not have happened and has; and the runners that are watched for it.
//!
//! After a runner was killed, what its agent left behind may have no runner above it any more. So from then
//! on nobody counts as a person whose way up ends at a process of this user that is younger than the
//! session, until a person whose way does not has acknowledged it. How a runner ended is taken from the
//! kernel where it is the daemon's child, and from the runner itself where it is not; a file that it left is
//! believed only of a runner that ended while no daemon watched.

use std::collections::HashMap;
use std::time::Instant;

use jiff::Timestamp;
use strum::{EnumString, IntoStaticStr};

use super::{Callers, lock};
use crate::domain::SessionId;
use crate::platform::{ProcessHandle, ProcessId};

/// What has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum AlarmKind {
    /// A runner was killed.
    RunnerKilled,
    /// A tool ran about which a question was open, or which was denied.
    RanUnapproved,
    /// Another program has written to the database.
    ForeignWriter,
    /// A signal has stopped a runner.
    RunnerStopped,
    /// The database's files were deleted while they were in use.
    DatabaseMoved,
    /// The socket was taken away.
    SocketTaken,
    /// A journal was cut off or taken away while its session ran.
    JournalDamaged,
    /// The files that a project brings for Claude Code have changed while an agent worked.
    ProjectChanged,
    /// An agent told the daemon to stop.
    DaemonSignalled,
    /// A session was made of a directory that the database did not know.
    SessionAdopted,
    /// Something of a newer version.
    Other,
}

impl AlarmKind {
    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// The kind of a name.
    #[must_use]
    pub fn parse(name: &str) -> Self {
        name.parse().unwrap_or(Self::Other)
    }
}

/// An alarm on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// Its number.
    pub id: i64,
    /// What has happened.
    pub kind: AlarmKind,
    /// In which session.
    pub session_id: SessionId,
    /// What exactly.
    pub detail: String,
    /// The run of the system in which it happened, where that matters.
    pub boot: String,
    /// When the session's process started in that run.
    pub since: u64,
    /// When it was noticed.
    pub created_at: Timestamp,
    /// When a person acknowledged it.
    pub acknowledged_at: Option<Timestamp>,
    /// Who that was.
    pub acknowledged_by: Option<String>,
}

/// The runners that are watched, by their directories.
#[derive(Default)]
pub struct Watched {
    runners: HashMap<String, Watch>,
    /// From the open alarms: the earliest start of a session whose runner was killed in this run of the
    /// system.
    killed_since: Option<u64>,
}

struct Watch {
    process: ProcessId,
    handle: Option<ProcessHandle>,
    /// Whether it was killed, once its parent, which is this daemon, knows.
    killed: Option<bool>,
    is_child: bool,
    /// Its agent, as it said itself.
    agent: Option<ProcessId>,
    /// This daemon kills it, once nothing is left below it.
    ended_here: bool,
    /// Since when this daemon is not connected to it.
    unlinked_since: Option<Instant>,
    /// Whether this daemon ever was connected to it.
    was_linked: bool,
    /// An alarm tells of its end.
    is_told: bool,
}

impl Watch {
    fn is_alive(&self) -> bool {
        match &self.handle {
            Some(handle) => handle.is_alive(),
            // It had ended before it was watched, or the system has no such handles.
            None => self.process.exists(),
        }
    }
}

/// A process that is watched.
#[derive(Clone, Debug)]
pub struct WatchedProcess {
    /// Its directory.
    pub directory: String,
    /// Its session.
    pub session: SessionId,
    /// Its runner.
    pub runner: ProcessId,
    /// Its agent, where that is known.
    pub agent: Option<ProcessId>,
    /// Since when this daemon is not connected to its runner.
    pub unlinked_since: Option<Instant>,
    /// Whether this daemon started its runner and was never connected to it.
    pub is_starting: bool,
}

/// How a runner ended, as far as the kernel told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunnerEnd {
    /// By itself.
    Exited,
    /// By a signal.
    Killed,
    /// It is this daemon's child, and its parent's part is not done yet.
    NotKnownYet,
    /// It is no child of this daemon's.
    NotTold,
}

impl Callers {
    pub(super) fn watch_runner(&self, process: ProcessId, directory: &str, is_child: bool) {
        let handle = ProcessHandle::open(process.pid);
        let mut watched = lock(&self.watched);
        let known = watched.runners.get(directory);
        if known.is_some_and(|known| known.process == process) {
            return;
        }
        watched.runners.insert(
            directory.to_owned(),
            Watch {
                process,
                handle,
                killed: None,
                is_child,
                agent: None,
                ended_here: false,
                unlinked_since: Some(Instant::now()),
                was_linked: false,
                is_told: false,
            },
        );
    }

    /// All runners that are watched.
    #[must_use]
    pub fn watched(&self) -> Vec<WatchedProcess> {
        let runners = lock(&self.runners);
        let watched = lock(&self.watched);
        watched
            .runners
            .iter()
            .filter_map(|(directory, watch)| {
                Some(WatchedProcess {
                    directory: directory.clone(),
                    session: runners.get(&watch.process)?.session.clone(),
                    runner: watch.process,
                    agent: watch.agent,
                    unlinked_since: watch.unlinked_since,
                    is_starting: watch.is_child && !watch.was_linked,
                })
            })
            .collect()
    }

    /// Notes which process a runner says its agent is.
    pub fn note_agent(&self, directory: &str, agent: ProcessId) {
        if let Some(watch) = lock(&self.watched).runners.get_mut(directory) {
            watch.agent = Some(agent);
        }
    }

    /// Notes that an alarm tells of a runner's end: whether that is acknowledged decides from now on.
    pub fn runner_is_told(&self, directory: &str) {
        if let Some(watch) = lock(&self.watched).runners.get_mut(directory) {
            watch.is_told = true;
        }
    }

    /// Notes whether this daemon is connected to a runner.
    pub fn note_link(&self, directory: &str, is_linked: bool) {
        if let Some(watch) = lock(&self.watched).runners.get_mut(directory) {
            watch.was_linked |= is_linked;
            watch.unlinked_since = match watch.unlinked_since {
                _ if is_linked => None,
                None => Some(Instant::now()),
                since => since,
            };
        }
    }

    /// Notes that this daemon kills a runner below which nothing is left that could escape.
    pub fn runner_ends_here(&self, directory: &str) {
        if let Some(watch) = lock(&self.watched).runners.get_mut(directory) {
            watch.ended_here = true;
        }
    }

    /// Notes how a child ended.
    pub fn runner_was_collected(&self, directory: &str, killed: bool) {
        if let Some(watch) = lock(&self.watched).runners.get_mut(directory) {
            watch.killed = Some(killed);
        }
    }

    /// How a runner that is gone ended.
    #[must_use]
    pub fn runner_end(&self, directory: &str) -> RunnerEnd {
        match lock(&self.watched).runners.get(directory) {
            Some(Watch {
                ended_here: true, ..
            }) => RunnerEnd::Exited,
            Some(Watch {
                killed: Some(true), ..
            }) => RunnerEnd::Killed,
            Some(Watch {
                killed: Some(false),
                ..
            }) => RunnerEnd::Exited,
            Some(Watch { is_child: true, .. }) => RunnerEnd::NotKnownYet,
            Some(_) | None => RunnerEnd::NotTold,
        }
    }

    /// Whether a process is a runner that this daemon started and watches.
    #[must_use]
    pub fn is_watched(&self, pid: u32) -> bool {
        let watched = lock(&self.watched);
        watched
            .runners
            .values()
            .any(|watch| watch.process.pid == pid)
    }

    /// Which process a runner is, if it is known.
    #[must_use]
    pub fn runner_process(&self, directory: &str) -> Option<ProcessId> {
        let watched = lock(&self.watched);
        let watch = watched.runners.get(directory);
        watch.map(|watch| watch.process)
    }

    pub(super) fn forget_runner(&self, directory: &str) {
        lock(&self.watched).runners.remove(directory);
    }

    /// Takes over which alarms are open.
    pub fn set_alarms(&self, open: &[Alarm]) {
        let here = open
            .iter()
            .filter(|alarm| alarm.kind == AlarmKind::RunnerKilled && alarm.boot == self.boot);
        lock(&self.watched).killed_since = here.map(|alarm| alarm.since).min();
    }

    /// From when on a process of this user may be an agent's that escaped: a runner was killed, or is gone
    /// and nobody knows yet how.
    pub(super) fn suspect_since(&self) -> Option<u64> {
        let watched = lock(&self.watched);
        let gone = watched.runners.values().filter(|watch| {
            watch.killed != Some(false) && !watch.ended_here && !watch.is_told && !watch.is_alive()
        });
        let gone = gone.map(|watch| watch.process.start_time).min();
        watched.killed_since.into_iter().chain(gone).min()
    }
}
