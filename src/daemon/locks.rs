//! The locks that make a daemon the only one of its socket and of its database.
//!
//! Held for life and freed by the system, however the daemon ends. A lock is one of a file, so that whoever moves the file
//! away takes the lock with it: where another file, or none, is in its place, that is locked as well.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::error::DaemonError;
use super::private_directory::private_dir;
use crate::config::places::parent;
use crate::platform;

/// How long a lock is tried for. A daemon that is killed while it starts a runner leaves a child
/// that holds its locks until it has become that runner, a moment later.
const LOCK_WAIT: Duration = Duration::from_millis(500);

/// The pause between two tries.
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// The daemon's locks.
pub struct Locks {
    /// Where they are, and what is locked, the newest last.
    held: Mutex<Vec<(PathBuf, Vec<File>)>>,
}

impl Locks {
    /// Takes the locks.
    ///
    /// # Errors
    /// When another daemon has one, or the system gives none.
    pub fn take(paths: Vec<PathBuf>) -> Result<Self, DaemonError> {
        let take = |path: PathBuf| lock(&path).map(|file| (path, vec![file]));
        let held = paths.into_iter().map(take).collect::<Result<_, _>>()?;
        Ok(Self {
            held: Mutex::new(held),
        })
    }

    /// Takes those again whose files are no more where they were, as long as their directories are there.
    pub fn renew(&self) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        for (path, files) in held.iter_mut() {
            let is_there = path.parent().is_some_and(Path::is_dir);
            if !is_there || files.iter().any(|file| is_at(file, path)) {
                continue;
            }
            match lock(path) {
                Ok(file) => {
                    tracing::error!(path = %path.display(), "a lock of the daemon's was deleted or replaced; it was taken again");
                    files.push(file);
                }
                Err(error) => {
                    tracing::warn!(%error, "a lock of the daemon's was deleted or replaced and cannot be taken again");
                }
            }
        }
    }

    /// Empties them: whoever sees one empty knows that this daemon was stopped and did not die.
    pub fn empty(&self) {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((_, files)) = held.first() else {
            return;
        };
        for file in files {
            if let Err(error) = file.set_len(0) {
                tracing::warn!(%error, "clients may start another daemon: the lock cannot be emptied");
            }
        }
    }
}

/// Whether a file is what is at a path.
fn is_at(file: &File, path: &Path) -> bool {
    let (Ok(open), Ok(found)) = (file.metadata(), path.symlink_metadata()) else {
        return false;
    };
    (open.dev(), open.ino()) == (found.dev(), found.ino())
}

/// Takes a lock for the life of this process; the file tells people whose it is. Waits up to
/// [`LOCK_WAIT`] for it.
pub(super) fn lock(path: &Path) -> Result<File, DaemonError> {
    let failed = |source| DaemonError::Lock {
        path: path.to_owned(),
        source,
    };
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path)
        .map_err(failed)?;
    let deadline = Instant::now() + LOCK_WAIT;
    loop {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                std::thread::sleep(LOCK_PAUSE);
            }
            Err(TryLockError::WouldBlock) => {
                return Err(DaemonError::Running {
                    path: path.to_owned(),
                    holder: platform::who_holds(path).unwrap_or_else(|| {
                        "the system does not tell which process that is".to_owned()
                    }),
                });
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
    }
    // Over what stands there, and never empty meanwhile: a disk that is full takes that, and who sees it empty
    // takes the last daemon for one that was stopped.
    let text = format!("{}\n", std::process::id());
    file.write_all(text.as_bytes())
        .and_then(|()| file.set_len(text.len() as u64))
        .map_err(failed)?;
    Ok(file)
}

/// Holds a database as a daemon does, so that none can be started on it meanwhile.
///
/// # Errors
/// When a daemon runs.
pub(super) fn hold_database(database: &Path) -> Result<Vec<File>, DaemonError> {
    private_dir(&parent(database))?;
    let real = fs::canonicalize(database).ok();
    let real = real.filter(|real| real != database);
    std::iter::once(database.to_owned())
        .chain(real)
        .map(|path| lock(&with_suffix(&path, ".lock")))
        .collect()
}

/// A path with more at the end of its name.
pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    PathBuf::from(path)
}
