//! Where a daemon keeps its things: beside its database.
//!
//! Owns those names, for the daemon and for who examines them before it starts.

use std::path::{Path, PathBuf};

use crate::platform::SOCKET_DIR_MAX;

/// Bytes of the name of a process's directory and the slash before it.
const SESSION_DIR_NAME: usize = "/00000000-0000-0000-0000-000000000000".len();

/// The places that belong to a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// The directory that holds all of it.
    pub directory: PathBuf,
    /// The key that encrypts what sessions were launched with.
    pub key: PathBuf,
    /// The directories of processes.
    pub sessions: PathBuf,
}

impl Places {
    /// Those of a database.
    #[must_use]
    pub fn of(database: &Path) -> Self {
        let directory = parent(database);
        Self {
            key: key_of(database),
            sessions: directory.join("sessions"),
            directory,
        }
    }

    /// By how many bytes the sessions' directory is too long for the sockets in it on this system.
    #[must_use]
    pub fn excess(&self) -> Option<usize> {
        let longest = SOCKET_DIR_MAX?.saturating_sub(SESSION_DIR_NAME);
        let bytes = self.sessions.as_os_str().len();
        (bytes > longest).then(|| bytes - longest)
    }
}

/// The directory of a file.
#[must_use]
pub fn parent(path: &Path) -> PathBuf {
    path.parent()
        .filter(|dir| !dir.as_os_str().is_empty())
        .map_or_else(|| PathBuf::from("."), Path::to_owned)
}

/// Where the key of a database is.
#[must_use]
pub fn key_of(database: &Path) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(".key");
    PathBuf::from(path)
}
