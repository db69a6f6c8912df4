//! The daemon: one per socket; sessions, approvals and events behind it.
//!
//! The way through: an agent's line goes journal → `claude::line` → `session::machine` → one
//! transaction of the `store` → the `bus` → `rpc::events` → client. A decision goes client → `rpc` →
//! one transaction with an outbox row → bus → `session::supervisor` → runner → agent. Programs that
//! use a HumanLayer SDK come in through `http`, which runs apart from the rest. `lifecycle`
//! brings it up and down. Nothing here knows of terminals.

mod askers;
mod blocking;
pub mod bus;
pub mod callers;
mod clock;
mod conditions;
mod directories;
mod disk;
mod error;
mod follow;
mod git_settings;
pub mod http;
pub mod lifecycle;
mod locks;
mod open_files;
mod orphans;
mod permissions;
mod private_directory;
mod project;
mod recall;
pub mod remote_api;
pub mod restoring;
pub mod rpc;
pub mod secrets;
pub mod session;
mod signals;
mod sockets;
mod stopped;
pub mod store;
mod user_names;
mod waiters;

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::Notify;

pub use error::DaemonError;
pub use lifecycle::{Options, run};

/// What handlers work with.
pub struct Daemon {
    /// The store.
    pub store: store::Store,
    /// The bus.
    pub bus: Arc<bus::Bus>,
    /// The sessions.
    pub sessions: session::Sessions,
    /// The keys of the local HumanLayer API.
    pub keys: Arc<http::KeyRing>,
    /// How that API fares.
    pub http: Arc<http::Http>,
    /// When this daemon started.
    pub started_at: Timestamp,
    /// How the work with a remote API goes, where there is one.
    pub remote_api: Option<Arc<remote_api::Status>>,
    /// Answers of the last requests that may be sent again.
    answers: rpc::Answers,
    conditions: Arc<conditions::Conditions>,
    user_names: user_names::UserNames,
    socket: PathBuf,
    /// Held while an agent's launch is counted and put on record.
    agent_launches: tokio::sync::Mutex<()>,
    most_agent_launches: u16,
    permissions: Arc<Notify>,
    askers: Arc<Notify>,
    restoring: restoring::Restoring,
}

impl Daemon {
    /// The socket's path, for the programs of agents.
    #[must_use]
    pub fn socket(&self) -> String {
        self.socket.to_string_lossy().into_owned()
    }

    /// What is known about who calls.
    #[must_use]
    pub fn callers(&self) -> &Arc<callers::Callers> {
        &self.sessions.context().callers
    }

    /// A process asks with which its request ends.
    pub fn asker_noted(&self) {
        self.askers.notify_one();
    }

    /// Standing permissions changed, so the next one to end may be another.
    pub fn permissions_changed(&self) {
        self.permissions.notify_one();
    }
}
