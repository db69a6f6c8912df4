//! Which processes are runners, and so which callers are agents.
//!
//! Owns the table that tells an agent from a person: whoever has a runner among its ancestors is an
//! agent. The runner is a subreaper, so a process that lets its parents die stays below it. Every
//! runner is in the table before its agent can run, and before a restarted daemon listens.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::domain::{Origin, SessionId};
use crate::ipc::Credentials;
use crate::platform::{self, ProcessId};

/// The table.
#[derive(Default)]
pub struct Runners {
    by_process: Mutex<HashMap<ProcessId, Runner>>,
}

/// What a runner runs.
struct Runner {
    session: SessionId,
    /// Its process's directory.
    directory: String,
}

impl Runners {
    /// Notes that a process is the runner of a session's present process.
    pub fn insert(&self, process: ProcessId, session: &SessionId, directory: &str) {
        let runner = Runner {
            session: session.clone(),
            directory: directory.to_owned(),
        };
        self.lock().insert(process, runner);
    }

    /// Forgets the runner of a process that is over.
    pub fn remove(&self, directory: &str) {
        self.lock()
            .retain(|_, runner| runner.directory != directory);
    }

    /// Who is behind a connection. Called once, when it is accepted: what a process was then, no
    /// later change of its parents can undo.
    pub fn identify(&self, peer: Credentials) -> Origin {
        let Some(pid) = peer.pid else {
            return Origin::Unverified {
                reason: "the system does not tell which process connected".to_owned(),
            };
        };
        // A program that an agent started outside of its runner still carries the session's mark.
        if let Some(session) =
            platform::environ_var(pid, "HUMANLAYER_SESSION_ID").filter(|id| !id.is_empty())
        {
            return Origin::Agent {
                session_id: SessionId::from(session),
                pid,
            };
        }
        let ancestors = match platform::ancestors(pid) {
            Ok(ancestors) => ancestors,
            Err(error) => {
                return Origin::Unverified {
                    reason: error.to_string(),
                };
            }
        };
        let runners = self.lock();
        if let Some(runner) = ancestors.iter().find_map(|process| runners.get(process)) {
            return Origin::Agent {
                session_id: runner.session.clone(),
                pid,
            };
        }
        drop(runners);
        let program = platform::process_name(pid).unwrap_or_else(|| "unknown".to_owned());
        Origin::Person {
            pid,
            uid: peer.uid,
            program,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<ProcessId, Runner>> {
        self.by_process
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
