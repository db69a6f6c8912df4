//! Whether the disk takes what is to be recorded: said while it does not, and when it does again.
//!
//! A commit that fails, or takes long, is noticed by the store ([`super::store::Commits`]); here it is found
//! out what is the matter, by asking the file system and by trying to write beside the database, and it is
//! tried each second whether that is over. Nothing waits for this, and nobody has to ask for it.

use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::blocking::blocking;
use super::conditions::{Conditions, Part};
use super::store::{Store, StoreError};
use crate::platform;

/// How often it is looked.
const EVERY: Duration = Duration::from_secs(1);

/// How long a write may take before the disk is called slow, and how long after the last such write it is.
const SLOW: Duration = Duration::from_secs(2);
const SLOW_AFTER: Duration = Duration::from_secs(5);

/// How long after a commit failed that is the case, though a small write goes: what is to be recorded may be
/// larger, and is tried again within two seconds.
const FAILED_AFTER: Duration = Duration::from_millis(2_500);

/// With less room than this it is tried whether there is any, in bytes.
const LITTLE: u64 = 1024 * 1024;

/// How much is written to find out why nothing can be.
const TRIAL: usize = 64 * 1024;

/// How long `health` waits for a trial.
const TRIAL_WAIT: Duration = Duration::from_secs(2);

/// Runs until the daemon shuts down.
pub async fn watch(store: Store, conditions: Arc<Conditions>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        look(&store, &conditions).await;
    }
}

/// Looks how the disk is, and says it.
pub async fn look(store: &Store, conditions: &Conditions) {
    // Then it is not the disk for which writes wait.
    let is_locked = store.locked_by().is_some();
    let commits = store.commits();
    let lasts = commits.running_for();
    let is_slow = !is_locked
        && (lasts.is_some_and(|lasts| lasts >= SLOW) || commits.was_slow_within(SLOW, SLOW_AFTER));
    conditions.set(Part::SlowDisk, is_slow.then(|| slow(store.path())));
    if is_locked || lasts.is_some_and(|lasts| lasts >= SLOW) {
        // A trial would only wait.
        return;
    }
    let failed = commits.failed_within(FAILED_AFTER);
    let path = store.path().to_owned();
    let is_suspect = failed.is_some()
        || conditions.has(&Part::Disk)
        || blocking(move || room(&path).is_none_or(|room| room.read_only || room.left < LITTLE))
            .await;
    if !is_suspect {
        return conditions.set(Part::Disk, None);
    }
    let problem = match store.probe().await {
        Err(error) => Some(error.to_string()),
        Ok(()) => failed,
    };
    let words = match problem {
        Some(problem) => Some(explain(store.path(), problem).await),
        None => None,
    };
    conditions.set(Part::Disk, words);
}

/// Looks for `health`, which does not wait for long; what is wrong is in the conditions then.
pub async fn look_soon(store: &Store, conditions: &Conditions) {
    // While the disk is known to refuse, or the database is locked, others look.
    if conditions.has(&Part::Disk) || store.locked_by().is_some() {
        return;
    }
    match tokio::time::timeout(TRIAL_WAIT, store.probe()).await {
        Ok(Ok(())) => {}
        Ok(Err(StoreError::Moved(problem))) => conditions.set(Part::Database, Some(problem)),
        Ok(Err(error)) => {
            let words = explain(store.path(), error.to_string()).await;
            conditions.set(Part::Disk, Some(words));
        }
        Err(_) if store.locked_by().is_none() => {
            conditions.set(Part::SlowDisk, Some(slow(store.path())));
        }
        Err(_) => {}
    }
}

fn slow(database: &Path) -> String {
    let place = directory(database).display();
    format!(
        "the disk is slow: writing to {place} takes seconds, and what is decided and recorded waits for it"
    )
}

/// What is the matter with the disk that holds the database, in words that begin with it.
pub async fn explain(database: &Path, problem: String) -> String {
    let path = database.to_owned();
    blocking(move || {
        let place = directory(&path);
        let trial = try_to_write(place);
        describe(place, &problem, room(&path), trial.err().as_ref())
    })
    .await
}

fn directory(database: &Path) -> &Path {
    match database.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// What a file system says of itself.
#[derive(Clone, Copy, Debug)]
struct Room {
    left: u64,
    read_only: bool,
}

fn room(database: &Path) -> Option<Room> {
    platform::room_on_disk(directory(database)).map(|(left, read_only)| Room { left, read_only })
}

fn describe(place: &Path, problem: &str, room: Option<Room>, trial: Option<&io::Error>) -> String {
    let place = place.display();
    let kind = trial.map(io::Error::kind);
    let is_full = kind == Some(ErrorKind::StorageFull) || problem.contains("disk is full");
    if kind == Some(ErrorKind::ReadOnlyFilesystem) || room.is_some_and(|room| room.read_only) {
        format!(
            "the disk is read-only: nothing can be decided or recorded until {place} can be written again; what agents say meanwhile is kept"
        )
    } else if kind == Some(ErrorKind::QuotaExceeded) {
        format!(
            "your disk quota is used up: nothing can be decided or recorded until there is room in {place}; what agents say meanwhile is kept"
        )
    } else if is_full {
        let left = match room {
            Some(room) => format!(" ({} kB left)", room.left / 1024),
            None => String::new(),
        };
        format!(
            "the disk is full: nothing can be decided or recorded until there is room in {place}{left}; what agents say meanwhile is kept"
        )
    } else {
        let why = match trial {
            Some(trial) => trial.to_string(),
            None => problem.to_owned(),
        };
        format!(
            "the disk fails: nothing can be decided or recorded in {place}: {why}; what agents say meanwhile is kept"
        )
    }
}

/// Writes something beside the database and takes it away again.
fn try_to_write(place: &Path) -> io::Result<()> {
    let path = place.join(".disk-trial");
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
        .open(&path)?;
    let written = file.write_all(&[0; TRIAL]).and_then(|()| file.sync_data());
    let removed = std::fs::remove_file(&path);
    written.and(removed)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn it_is_said_what_is_the_matter_with_the_disk() {
        let place = Path::new("/home/me/.humanlayer");
        let room = |left, read_only| Some(Room { left, read_only });
        let error = |kind: ErrorKind| io::Error::from(kind);
        for (problem, room, trial, begins) in [
            (
                "database or disk is full",
                room(4096, false),
                None,
                "the disk is full: nothing can be decided or recorded until there is room in /home/me/.humanlayer (4 kB left)",
            ),
            (
                "disk I/O error",
                None,
                Some(error(ErrorKind::StorageFull)),
                "the disk is full: nothing can be decided or recorded until there is room in /home/me/.humanlayer;",
            ),
            (
                "disk I/O error",
                room(1 << 30, false),
                Some(error(ErrorKind::QuotaExceeded)),
                "your disk quota is used up",
            ),
            (
                "attempt to write a readonly database",
                room(1 << 30, true),
                None,
                "the disk is read-only",
            ),
            (
                "disk I/O error",
                room(1 << 30, false),
                Some(io::Error::from_raw_os_error(5)),
                "the disk fails: nothing can be decided or recorded in /home/me/.humanlayer: Input/output error",
            ),
            (
                "disk I/O error",
                room(1 << 30, false),
                None,
                "the disk fails: nothing can be decided or recorded in /home/me/.humanlayer: disk I/O error",
            ),
        ] {
            let said = describe(place, problem, room, trial.as_ref());
            assert!(said.starts_with(begins), "{said}");
        }
    }

    #[test]
    fn a_trial_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        try_to_write(directory.path()).unwrap();
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
        assert!(try_to_write(&directory.path().join("gone")).is_err());
    }
}
