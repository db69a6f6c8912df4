//! The session directory: where its files are, and who holds it.
//!
//! Owns paths and the lock. Knows nothing of what the files say. Called by the runner and, for reading, by the daemon.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

/// How long a starting runner tries for the lock: much longer than
/// [`is_alive`] may hold it.
pub const LOCK_WAIT: Duration = Duration::from_secs(1);

/// The pause between two tries for the lock.
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// The directory of one session (mode 0700, made by the daemon).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionDir {
    path: PathBuf,
}

impl SessionDir {
    /// The directory at `path`, which need not exist.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The directory itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What to run, and with which secrets; gone once that was tried.
    #[must_use]
    pub fn spec(&self) -> PathBuf {
        self.path.join("spec.json")
    }

    /// Locked by the runner for its whole life.
    #[must_use]
    pub fn lock(&self) -> PathBuf {
        self.path.join("runner.lock")
    }

    /// Who runs the session.
    #[must_use]
    pub fn state(&self) -> PathBuf {
        self.path.join("runner.json")
    }

    /// The runner's socket. One letter, as socket paths are short.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.path.join("s")
    }

    /// The agent's stdout.
    #[must_use]
    pub fn journal(&self) -> PathBuf {
        self.path.join("journal.jsonl")
    }

    /// The newest of the agent's stderr.
    #[must_use]
    pub fn stderr_log(&self) -> PathBuf {
        self.path.join("stderr.log")
    }

    /// What [`SessionDir::stderr_log`] held before it was last full.
    #[must_use]
    pub fn stderr_log_old(&self) -> PathBuf {
        self.path.join("stderr.log.1")
    }

    /// How the session ended; there from its end on.
    #[must_use]
    pub fn exit(&self) -> PathBuf {
        self.path.join("exit.json")
    }
}

/// Whether a runner lives in this directory, told by its lock, which the
/// system frees when the runner ends, however it ends. A directory without a
/// lock file has none.
///
/// The probe takes a shared lock for an instant, and so could be in the way of
/// a runner that starts in that instant; the runner therefore tries for
/// [`LOCK_WAIT`], and probes are not in each other's way.
///
/// # Errors
/// The lock file cannot be opened or locked; the path is in the message.
pub fn is_alive(dir: &SessionDir) -> io::Result<bool> {
    let path = dir.lock();
    let named = |error: io::Error| {
        io::Error::new(
            error.kind(),
            format!("cannot probe lock {}: {error}", path.display()),
        )
    };
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(named(error)),
    };
    match file.try_lock_shared() {
        // Closing the file frees the lock.
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(named(error)),
    }
}

/// Takes the runner's lock; `None` if another runner has it for all of
/// [`LOCK_WAIT`]. The lock is held while the file lives.
pub(super) fn take_lock(dir: &SessionDir) -> io::Result<Option<File>> {
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(dir.lock())?;
    let deadline = Instant::now() + LOCK_WAIT;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if Instant::now() >= deadline => return Ok(None),
            Err(TryLockError::WouldBlock) => thread::sleep(LOCK_PAUSE),
        }
    }
}
