//! What a command does with the daemon's own code in its own process: become the daemon, and work on the
//! database while none may be running.
//!
//! The only module of the commands that names [`crate::daemon`], for `daemon start`, `backup`, `restore` and the check of
//! the database; all other commands ask the daemon over its socket.

use std::path::Path;

pub use crate::daemon::http::HttpOptions;
pub use crate::daemon::remote_api::Settings as RemoteApiSettings;
pub use crate::daemon::restoring::restore_at_rest;
pub use crate::daemon::store::{BackupError, back_up, key_of_backup};
pub use crate::daemon::{Options, run};

/// Says in a few words what is in a database, without changing it.
///
/// # Errors
/// Why the daemon would not open it, and what to do.
pub fn inspect_database(database: &Path) -> Result<String, String> {
    crate::daemon::store::inspect(database).map_err(|problem| problem.to_string())
}
