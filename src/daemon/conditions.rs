//! What is wrong now, for `health` and for whoever looks: said when it begins and when it ends.
//!
//! Nothing here is stored. What must not be forgotten when it is over is an alarm
//! ([`super::callers::AlarmKind`]).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::bus::Bus;
use crate::domain::{Event, EventBody, RunId, SessionId};

/// What something is wrong with.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The database's files.
    Database,
    /// Whether the database can be written.
    DatabaseLock,
    /// Whether the disk takes what is to be recorded.
    Disk,
    /// Whether it does so within a moment.
    SlowDisk,
    /// The socket's file.
    Socket,
    /// Directories that belong to no session.
    SessionDirectories,
    /// The file of the socket that isolated agents see.
    AgentsSocket,
    /// The runner of the process with this directory.
    Runner(String),
    /// The agent of the process with this directory.
    Agent(String),
    /// The connection to the runner of the process with this directory.
    Link(String),
    /// The journal of the process with this directory.
    Journal(String),
    /// Whether the process with this directory can be followed.
    Following(String),
}

/// All that is wrong now.
pub struct Conditions {
    bus: Arc<Bus>,
    problems: Mutex<BTreeMap<Part, String>>,
}

impl Conditions {
    /// Nothing yet; changes are told on the bus.
    #[must_use]
    pub fn new(bus: Arc<Bus>) -> Self {
        Self {
            bus,
            problems: Mutex::default(),
        }
    }

    /// Says what is wrong with a part, or that nothing is.
    pub fn set(&self, part: Part, problem: Option<String>) {
        let mut problems = self.lock();
        let changed = match problem {
            Some(problem) if problems.get(&part) == Some(&problem) => false,
            Some(problem) => {
                tracing::error!(?part, problem, "something is wrong");
                problems.insert(part, problem);
                true
            }
            None => {
                let was = problems.remove(&part);
                if was.is_some() {
                    tracing::info!(?part, "that is over");
                }
                was.is_some()
            }
        };
        drop(problems);
        if changed {
            self.bus.publish_live(Event {
                seq: 0,
                at: Timestamp::now(),
                session_id: SessionId::from(String::new()),
                run_id: RunId::from(String::new()),
                body: EventBody::ProblemChanged {
                    problem: self.problem(),
                },
            });
        }
    }

    /// Whether something is wrong with a part.
    #[must_use]
    pub fn has(&self, part: &Part) -> bool {
        self.lock().contains_key(part)
    }

    /// Forgets what is wrong with processes that are not among these directories.
    pub fn keep_processes(&self, directories: &[&str]) {
        let over: Vec<Part> = self
            .lock()
            .keys()
            .filter(|part| match part {
                Part::Runner(directory)
                | Part::Agent(directory)
                | Part::Link(directory)
                | Part::Journal(directory)
                | Part::Following(directory) => !directories.contains(&directory.as_str()),
                Part::Database
                | Part::DatabaseLock
                | Part::Disk
                | Part::SlowDisk
                | Part::Socket
                | Part::SessionDirectories
                | Part::AgentsSocket => false,
            })
            .cloned()
            .collect();
        for part in over {
            self.set(part, None);
        }
    }

    /// All of it in one line, for people.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        let problems = self.lock();
        let all: Vec<&str> = problems.values().map(String::as_str).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Part, String>> {
        self.problems.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
