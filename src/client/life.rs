//! The files beside the socket that say whether a daemon lives.
//!
//! The *life lock* is held by a daemon for its whole life and holds its pid as
//! text, until it is stopped; the *start lock* is held by whoever starts one, or looks whether one
//! is gone. Owns their names and how they are tried. Nothing here waits
//! without bound; used by [`super::spawn`] and by the commands that stop and examine.

use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Longest text of a pid that is read.
const PID_BYTES: u64 = 20;
/// How long between two tries of a lock.
const RETRY: Duration = Duration::from_millis(5);

fn beside(socket: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(socket.as_os_str());
    name.push(suffix);
    PathBuf::from(name)
}

/// The life lock of the daemon on `socket`.
#[must_use]
pub fn life_lock(socket: &Path) -> PathBuf {
    beside(socket, ".lock")
}

/// The start lock of the daemon on `socket`.
#[must_use]
pub fn start_lock(socket: &Path) -> PathBuf {
    beside(socket, ".start.lock")
}

/// Who holds the life lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// Nobody: no daemon lives.
    Free,
    /// A daemon, with the pid that it wrote, if it has written one yet.
    Held(Option<u32>),
}

/// Looks whether a daemon lives, served or not.
///
/// For a moment a free lock is taken, so a caller that may meet a starting
/// daemon holds the start lock.
///
/// # Errors
/// When the file is there but cannot be opened or tried.
pub fn look(socket: &Path) -> io::Result<Life> {
    let mut file = match File::open(life_lock(socket)) {
        Ok(file) => file,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Life::Free),
        Err(cause) => return Err(cause),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(Life::Free),
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            (&mut file).take(PID_BYTES).read_to_string(&mut text)?;
            Ok(Life::Held(text.trim().parse().ok()))
        }
        Err(TryLockError::Error(cause)) => Err(cause),
    }
}

/// Whether the last daemon on `socket` died: it left its pid in its life lock, which one that is stopped
/// takes out.
#[must_use]
pub fn has_died(socket: &Path) -> bool {
    matches!(look(socket), Ok(Life::Free))
        && std::fs::metadata(life_lock(socket)).is_ok_and(|lock| lock.len() > 0)
}

/// Whether the last daemon on `socket` was stopped: its life lock is there and says nothing.
#[must_use]
pub fn was_stopped(socket: &Path) -> bool {
    matches!(look(socket), Ok(Life::Free))
        && std::fs::metadata(life_lock(socket)).is_ok_and(|lock| lock.len() == 0)
}

/// Notes that the daemon on `socket` is ended because it is to be stopped, though it cannot say so
/// itself.
///
/// # Errors
/// When its lock cannot be written.
pub fn note_stopped(socket: &Path) -> io::Result<()> {
    OpenOptions::new()
        .write(true)
        .open(life_lock(socket))?
        .set_len(0)
}

/// Waits until no daemon lives, for at most `limit`; says whether that came true.
///
/// # Errors
/// As [`look`].
pub async fn wait_until_free(socket: &Path, limit: Duration) -> io::Result<bool> {
    let deadline = Instant::now() + limit;
    loop {
        if look(socket)? == Life::Free {
            return Ok(true);
        }
        if Instant::now() >= deadline {
            return Ok(false);
        }
        tokio::time::sleep(RETRY).await;
    }
}

/// Takes the start lock if it is free. It is released when the file is dropped.
///
/// # Errors
/// When it cannot be created, opened or tried.
pub fn try_start_lock(socket: &Path) -> io::Result<Option<File>> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(start_lock(socket))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(cause)) => Err(cause),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use std::io::Write;

    #[test]
    fn a_life_lock_is_free_or_held_with_a_pid() {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("d.sock");
        assert_eq!(look(&socket).unwrap(), Life::Free);
        let mut held = File::create(life_lock(&socket)).unwrap();
        assert_eq!(look(&socket).unwrap(), Life::Free);
        held.lock().unwrap();
        assert_eq!(look(&socket).unwrap(), Life::Held(None));
        assert!(!has_died(&socket));
        writeln!(held, "4711").unwrap();
        assert_eq!(look(&socket).unwrap(), Life::Held(Some(4711)));
        assert!(!has_died(&socket));
        drop(held);
        assert_eq!(look(&socket).unwrap(), Life::Free);
        assert!(has_died(&socket));
        File::create(life_lock(&socket)).unwrap();
        assert!(!has_died(&socket), "it was stopped");
    }

    #[test]
    fn only_one_holds_the_start_lock() {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("d.sock");
        let first = try_start_lock(&socket).unwrap();
        assert!(first.is_some());
        assert!(try_start_lock(&socket).unwrap().is_none());
        drop(first);
        assert!(try_start_lock(&socket).unwrap().is_some());
    }
}
