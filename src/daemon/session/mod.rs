//! Sessions: the state machine, and the supervisors that run one agent each.
//!
//! A supervisor reads its session's journal into the store and carries the store's outbox to the
//! runner. It keeps no truth of its own: at any moment it can be dropped and started again from
//! the store and the session's directory. [`Sessions`] starts and recovers them.

mod agent_info;
mod credentials;
pub mod journal;
mod launch;
mod link;
pub mod machine;
#[cfg(test)]
mod machine_tests;
mod manager;
#[cfg(test)]
mod recordings_tests;
mod recover;
mod remains;
mod runners;
mod supervisor;
mod watch;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub use launch::{LaunchError, Request, check_line};
pub use manager::Sessions;
pub use runners::Runners;
pub use supervisor::POLITE_WAIT;

use super::bus::Bus;
use super::store::Store;
use crate::domain::SessionId;
use crate::runner::SessionDir;

/// What all supervisors share.
pub struct Context {
    /// The store.
    pub store: Store,
    /// The bus.
    pub bus: Arc<Bus>,
    /// Which runner belongs to which session.
    pub runners: Runners,
    /// How long a session may rest before its process is ended.
    pub session_idle: Duration,
    /// Where the session directories are.
    pub sessions_dir: PathBuf,
    watcher: watch::Watcher,
}

impl Context {
    /// Brings the parts together.
    ///
    /// # Errors
    /// When the system offers no way to watch files.
    pub fn new(
        store: Store,
        bus: Arc<Bus>,
        session_idle: Duration,
        sessions_dir: PathBuf,
    ) -> io::Result<Self> {
        let (watcher, runners) = (watch::Watcher::new()?, Runners::default());
        Ok(Self {
            store,
            bus,
            runners,
            session_idle,
            sessions_dir,
            watcher,
        })
    }

    fn session_dir(&self, id: &SessionId) -> SessionDir {
        SessionDir::new(self.sessions_dir.join(id.as_str()))
    }
}
