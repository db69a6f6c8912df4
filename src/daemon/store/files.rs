//! Notices that the database's files are not where they were, and puts them back.
//!
//! A file that is deleted or replaced while it is open goes on being written, and all of it is gone with the
//! process. So before each transaction it is looked whether the paths still lead to the files that are
//! open; while they do not, nothing is written. What was deleted is written back from what is still open.
//! What was replaced is somebody else's to judge: the open one is kept beside it under another name, and
//! nothing is decided until a person has settled which one holds.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::StoreError;
use crate::platform;

/// How long it is tried to hold the file: a daemon that died may have left a child that has not become a
/// runner yet.
const HOLD_WAIT: Duration = Duration::from_millis(500);
const HOLD_POLL: Duration = Duration::from_millis(10);

/// Which file it is.
type Identity = (u64, u64);

/// How the files are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Where they were.
    InPlace,
    /// One of them is gone, and nothing is in the database's place.
    Missing,
    /// Another file is in the database's place.
    Replaced,
}

#[derive(Clone, Copy, Default)]
struct Known {
    database: Option<Identity>,
    log: Option<Identity>,
    index: Option<Identity>,
}

/// The files of an open database.
#[derive(Clone)]
pub struct Files {
    path: Arc<PathBuf>,
    known: Arc<Mutex<Known>>,
    /// Where the open database was kept when another file took its place.
    kept: Arc<Mutex<Option<PathBuf>>>,
    /// Whether a person wants the open one back in its place, and where the file went that was there.
    back: Arc<Mutex<Back>>,
}

/// Putting the open database back.
#[derive(Clone, Debug, Default)]
struct Back {
    is_wanted: bool,
    set_aside: Option<PathBuf>,
}

impl Files {
    /// Of the database that was just opened.
    pub fn of(path: &Path) -> Self {
        let files = Self {
            path: Arc::new(path.to_owned()),
            known: Arc::default(),
            kept: Arc::default(),
            back: Arc::default(),
        };
        files.learn();
        files
    }

    /// Takes what is there for what is open.
    fn learn(&self) {
        *self.known() = Known {
            database: identity(&self.path),
            ..Known::default()
        };
    }

    /// How they are now.
    pub fn state(&self) -> State {
        let mut known = self.known();
        match identity(&self.path) {
            None => return State::Missing,
            Some(now) if known.database.is_some_and(|database| database != now) => {
                return State::Replaced;
            }
            Some(_) => {}
        }
        // They come with the first transaction, and stay as long as the database is open.
        for (suffix, log) in [("-wal", true), ("-shm", false)] {
            let now = identity(&beside(&self.path, suffix));
            let known = if log {
                &mut known.log
            } else {
                &mut known.index
            };
            match (*known, now) {
                (None, now) => *known = now,
                (Some(known), now) if now != Some(known) => return State::Missing,
                (Some(_), _) => {}
            }
        }
        State::InPlace
    }

    /// Why nothing is written now, for people.
    pub fn problem(&self, state: &State) -> Option<String> {
        let path = self.path.display();
        match state {
            State::InPlace => None,
            State::Missing => Some(format!(
                "the database {path} was deleted while it was in use and cannot be written back: nothing is decided or recorded until it can"
            )),
            State::Replaced => {
                let kept = match &*self.kept() {
                    Some(kept) => format!("what this daemon has is kept in {}", kept.display()),
                    None => "what this daemon has cannot be kept beside it".to_owned(),
                };
                Some(format!(
                    "another file was put in the place of the database {path} while it was in use: nothing is decided or recorded. {kept}. `humanlayer doctor --repair` puts what this daemon has back; to use the file that is there now, `humanlayer daemon restart`"
                ))
            }
        }
    }

    /// Writes the open database back to its place, from where it is to be opened again.
    ///
    /// # Errors
    /// When that cannot be done; then nothing has changed.
    pub fn write_back(&self, db: &Connection) -> io::Result<()> {
        let whole = beside(&self.path, ".rescue");
        copy(db, &whole)?;
        // A log that somebody put there is not this file's.
        for suffix in ["-wal", "-shm"] {
            let _ = fs::remove_file(beside(&self.path, suffix));
        }
        fs::rename(&whole, &*self.path)?;
        self.learn();
        Ok(())
    }

    /// Has the open database put back when it is written next, whatever is in its place.
    pub fn want_back(&self) {
        self.back().is_wanted = true;
    }

    /// Where the file went that was in the database's place, once.
    pub fn set_aside(&self) -> Option<PathBuf> {
        self.back().set_aside.take()
    }

    /// Makes room for the open database, if a person wants it back; says whether there is room now.
    ///
    /// # Errors
    /// When the file in its place cannot be moved.
    pub fn make_room(&self) -> io::Result<bool> {
        let mut back = self.back();
        if !std::mem::take(&mut back.is_wanted) {
            return Ok(false);
        }
        let at = jiff::Timestamp::now().as_second();
        let other = beside(&self.path, &format!(".other-{at}"));
        fs::rename(&*self.path, &other)?;
        // A log that is the open one's must not stand beside another file: it would be read into that.
        let known = *self.known();
        for (suffix, own) in [("-wal", known.log), ("-shm", known.index)] {
            let (log, aside) = (beside(&self.path, suffix), beside(&other, suffix));
            if identity(&log) != own {
                // It is there only where that file was in use.
                let _ = fs::rename(log, aside);
            }
        }
        back.set_aside = Some(other);
        *self.kept() = None;
        Ok(true)
    }

    fn back(&self) -> MutexGuard<'_, Back> {
        self.back.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the open database beside what has taken its place, once.
    pub fn keep(&self, db: &Connection) {
        let mut kept = self.kept();
        if kept.is_some() {
            return;
        }
        let at = jiff::Timestamp::now().as_second();
        let path = beside(&self.path, &format!(".kept-{at}"));
        match copy(db, &path) {
            Ok(()) => *kept = Some(path),
            Err(error) => {
                tracing::error!(%error, path = %path.display(), "the open database cannot be kept")
            }
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept(&self) -> MutexGuard<'_, Option<PathBuf>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn identity(path: &Path) -> Option<Identity> {
    fs::metadata(path)
        .ok()
        .map(|found| (found.dev(), found.ino()))
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Writes a whole copy of an open database, for its user alone.
fn copy(db: &Connection, to: &Path) -> io::Result<()> {
    let _ = fs::remove_file(to);
    drop(
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(to)?,
    );
    let name = to.to_str().ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("{} is not UTF-8", to.display()),
        )
    })?;
    db.execute("VACUUM INTO ?1", [name])
        .map(drop)
        .map_err(io::Error::other)
}

/// Holds a database file for the life of this process, whatever paths lead to it: another daemon on the
/// same file, over a link, is refused. (On Linux; elsewhere such a hold would get into the way of
/// SQLite's own.)
///
/// # Errors
/// [`StoreError::InUse`].
pub fn hold(path: &Path) -> Result<Option<File>, StoreError> {
    if !cfg!(target_os = "linux") {
        return Ok(None);
    }
    // Opening it says what is the matter with it.
    let Ok(file) = File::open(path) else {
        return Ok(None);
    };
    if platform::is_remote(&file) {
        return Ok(None);
    }
    let deadline = Instant::now() + HOLD_WAIT;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                std::thread::sleep(HOLD_POLL);
            }
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::InUse {
                    path: path.to_owned(),
                    holder: platform::who_holds(path)
                        .unwrap_or_else(|| "the system does not tell which".to_owned()),
                });
            }
            Err(TryLockError::Error(error)) => {
                tracing::warn!(%error, path = %path.display(), "the database cannot be held");
                return Ok(None);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn open(path: &Path) -> Connection {
        let db = Connection::open(path).unwrap();
        db.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE IF NOT EXISTS t (n)")
            .unwrap();
        db
    }

    fn count(db: &Connection) -> i64 {
        db.query_row("SELECT count(*) FROM t", [], |row| row.get(0))
            .unwrap()
    }

    #[test]
    fn what_was_deleted_is_written_back_whole() {
        for suffix in ["", "-wal", "-shm"] {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("d.db");
            let db = open(&path);
            let files = Files::of(&path);
            assert_eq!(files.state(), State::InPlace);
            db.execute("INSERT INTO t VALUES (1)", []).unwrap();
            assert_eq!(files.state(), State::InPlace);
            fs::remove_file(beside(&path, suffix)).unwrap();
            assert_eq!(files.state(), State::Missing, "{suffix}");
            files.write_back(&db).unwrap();
            let again = open(&path);
            drop(db);
            assert_eq!(files.state(), State::InPlace, "{suffix}");
            assert_eq!(count(&again), 1);
            again.execute("INSERT INTO t VALUES (2)", []).unwrap();
            drop(again);
            assert_eq!(count(&open(&path)), 2, "{suffix}");
        }
    }

    #[test]
    fn what_was_replaced_stays_and_the_open_one_is_kept_beside_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("d.db");
        let db = open(&path);
        let files = Files::of(&path);
        assert_eq!(files.state(), State::InPlace);
        db.execute("INSERT INTO t VALUES (1)", []).unwrap();
        let (aside, other) = (directory.path().join("aside"), b"another file");
        fs::rename(&path, &aside).unwrap();
        fs::write(&path, other).unwrap();
        assert_eq!(files.state(), State::Replaced);
        files.keep(&db);
        let kept = files.kept().clone().unwrap();
        assert_eq!(count(&Connection::open(kept).unwrap()), 1);
        assert_eq!(fs::read(&path).unwrap(), other);
        fs::rename(aside, &path).unwrap();
        assert_eq!(files.state(), State::InPlace);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn one_file_is_held_once_whatever_its_name() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("d.db");
        fs::write(&path, "").unwrap();
        let held = hold(&path).unwrap();
        assert!(held.is_some());
        let (link, hard) = (directory.path().join("link"), directory.path().join("hard"));
        std::os::unix::fs::symlink(&path, &link).unwrap();
        fs::hard_link(&path, &hard).unwrap();
        for other in [&link, &hard] {
            assert!(matches!(hold(other), Err(StoreError::InUse { .. })));
        }
        drop(held);
        assert!(hold(&hard).unwrap().is_some());
    }
}
