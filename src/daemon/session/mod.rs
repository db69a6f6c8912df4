//! Sessions: the state machine, and the supervisors that run one process each.
//!
//! A supervisor reads its process's journal into the store and carries the store's outbox to the
//! runner. It keeps no truth of its own: at any moment it can be dropped and started again from
//! the store and the session's directory. [`Sessions`] starts and recovers them.

pub mod adopt;
mod agent_info;
mod agent_record;
mod credentials;
pub mod ending;
mod force;
mod isolation;
mod isolation_git;
pub mod journal;
mod launch;
mod link;
pub mod machine;
#[cfg(test)]
mod machine_tests;
mod manager;
mod moving;
mod projects;
#[cfg(test)]
mod recordings_tests;
mod recover;
mod remains;
mod resume;
mod supervisor;
mod watch;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub use ending::GRACE_PERIOD;
pub use isolation::Places as IsolatedPlaces;
pub use launch::{LaunchError, Request, check_line};
pub use manager::Sessions;
pub use moving::carry_over;
pub use resume::{Message, find_program, in_present_mode, own_env};

use super::bus::Bus;
use super::callers::Callers;
use super::conditions::Conditions;
use super::open_files::Starts;
use super::store::Store;
use crate::domain::Session;
use crate::platform;
use crate::runner::SessionDir;

/// What all supervisors share.
pub struct Context {
    /// The store.
    pub store: Store,
    /// The bus.
    pub bus: Arc<Bus>,
    /// What is wrong now.
    pub conditions: Arc<Conditions>,
    /// Who calls; knows which runner belongs to which session.
    pub callers: Arc<Callers>,
    /// How long a session may rest before its process is ended.
    pub session_idle: Duration,
    /// Where the session directories are.
    pub sessions_dir: PathBuf,
    /// The agent's program, where one is configured.
    pub claude_path: Option<PathBuf>,
    /// The daemon's socket, for the agent's programs.
    pub socket: String,
    /// Where isolated agents are served; none where they cannot be.
    pub isolated: Option<IsolatedPlaces>,
    /// Whether sessions are isolated whose launch does not say so.
    pub isolation: bool,
    /// What the daemon holds locked, where the system shows that.
    pub lock: Option<PathBuf>,
    /// Processes that are being started.
    starts: Starts,
    /// What installed agents say about themselves.
    agents: agent_info::AgentInfo,
    /// Directories that belong to no session and were left as they are.
    kept: Mutex<Vec<adopt::Kept>>,
    watcher: watch::Watcher,
}

impl Context {
    /// Brings the parts together.
    ///
    /// # Errors
    /// When the system offers no way to watch files.
    pub fn new(
        store: Store,
        callers: Arc<Callers>,
        bus: Arc<Bus>,
        session_idle: Duration,
        sessions_dir: PathBuf,
        claude_path: Option<PathBuf>,
        socket: String,
    ) -> io::Result<Self> {
        let watcher = watch::Watcher::new()?;
        Ok(Self {
            store,
            conditions: Arc::new(Conditions::new(Arc::clone(&bus))),
            bus,
            callers,
            session_idle,
            sessions_dir,
            claude_path,
            socket,
            isolated: None,
            isolation: false,
            lock: None,
            starts: Starts::default(),
            agents: agent_info::AgentInfo::default(),
            kept: Mutex::default(),
            watcher,
        })
    }

    /// Tells runners by which lock they know this daemon.
    #[must_use]
    pub fn with_lock(self, lock: PathBuf) -> Self {
        Self {
            lock: is_shown(&lock).then_some(lock),
            ..self
        }
    }

    /// Says where isolated agents are served, and whether agents are isolated unless a launch says
    /// otherwise.
    #[must_use]
    pub fn with_isolation(self, isolated: Option<IsolatedPlaces>, isolation: bool) -> Self {
        Self {
            isolated,
            isolation,
            ..self
        }
    }

    /// What is wrong with directories that belong to no session.
    #[must_use]
    pub fn kept(&self) -> Option<String> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        adopt::describe(&kept, &self.sessions_dir)
    }

    fn keep(&self, kept: Vec<adopt::Kept>) {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = kept;
    }

    /// The directory of a session's present process.
    fn session_dir(&self, session: &Session) -> SessionDir {
        SessionDir::new(self.sessions_dir.join(&session.directory))
    }
}

/// Whether the system shows that this process holds a lock.
fn is_shown(lock: &Path) -> bool {
    platform::lock_holders(lock).contains(&std::process::id())
}
