//! Why a daemon does not start, or ends badly, and what a person can do about it.

use std::io;
use std::path::PathBuf;

use super::store::StoreError;
use crate::domain::origin::NOT_BELOW_AN_AGENT;
use crate::ipc::listener::BindError;

/// Why a daemon did not start, or ended badly.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// A directory cannot be made.
    #[error("cannot make the directory {path}: {source}; if you cannot write there, name other places with HUMANLAYER_DATABASE_PATH and HUMANLAYER_DAEMON_SOCKET", path = path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others can write to a directory.
    #[error("cannot keep the database or the socket in {path}: {why}; take the others' rights away (`chmod go-w {path}`), or name another place with HUMANLAYER_DATABASE_PATH or HUMANLAYER_DAEMON_SOCKET", path = path.display())]
    OpenDirectory {
        /// The directory.
        path: PathBuf,
        /// Who can.
        why: &'static str,
    },
    /// It is another user's.
    #[error("cannot keep the database or the socket in {path}: it belongs to {owner}, and this is {user}. If the daemon was started as {owner} before, give it back with `sudo chown -R {user} {path}`, or name another place with HUMANLAYER_DATABASE_PATH or HUMANLAYER_DAEMON_SOCKET", path = path.display())]
    OthersDirectory {
        /// The directory.
        path: PathBuf,
        /// Whose it is.
        owner: String,
        /// Who this is.
        user: String,
    },
    /// Another daemon is there.
    #[error("another daemon holds {path}: {holder}. `humanlayer daemon status` shows a daemon; what is none has no business with that file", path = path.display())]
    Running {
        /// The lock.
        path: PathBuf,
        /// Who holds it.
        holder: String,
    },
    /// A lock cannot be taken.
    #[error("cannot lock {path}: {source}", path = path.display())]
    Lock {
        /// The lock.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The directory is too deep for sockets in it.
    #[error("{path} is too long: sockets below it would exceed the system's limit. Put the database into a directory that is {over} bytes shorter, with HUMANLAYER_DATABASE_PATH", path = path.display())]
    TooDeep {
        /// The sessions directory.
        path: PathBuf,
        /// How many bytes it is too long.
        over: usize,
    },
    /// It would run below an agent.
    #[error(
        "{NOT_BELOW_AN_AGENT}: {0}. Start it in a terminal of your own: humanlayer daemon start"
    )]
    BelowAnAgent(String),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The socket.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The database cannot be written.
    #[error("{problem}; the database is locked by {holder}")]
    DatabaseLocked {
        /// What could not be done.
        problem: Box<DaemonError>,
        /// Who holds it.
        holder: String,
    },
    /// Something of the system.
    #[error("cannot {doing}: {problem}")]
    System {
        /// What was being done.
        doing: &'static str,
        /// Why it failed.
        problem: String,
    },
}

pub(super) fn system(doing: &'static str) -> impl Fn(&dyn std::fmt::Display) -> DaemonError {
    move |problem| DaemonError::System {
        doing,
        problem: problem.to_string(),
    }
}
