//! The connection that writes, to the file that is in the database's place.
//!
//! Owns opening it, and opening it again where its files were deleted meanwhile ([`Files`]).

use std::fs::File;
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::files::{self, Files, State};
use super::known_sessions::KnownSessions;
use super::stamp::Stamps;
use super::{Doing as _, StoreError, schema, seals, secret_functions};
use crate::daemon::secrets::Sealer;

/// Pages in the write-ahead log after which it is folded into the database.
const LONG_LOG: u32 = 1000;

/// Why there is no transaction.
#[derive(Clone, Debug)]
pub enum NotBegun {
    /// The database said no; why.
    Failed(Arc<str>),
    /// Its files are not where they were.
    Moved(String),
}

/// The open database, and what it takes to open it again.
pub struct Database {
    db: Connection,
    known: KnownSessions,
    /// Pages in its write-ahead log.
    log: Arc<AtomicU32>,
    files: Files,
    path: PathBuf,
    sealer: Arc<Sealer>,
    openings: Arc<AtomicU64>,
    stamps: Arc<Stamps>,
    /// Kept until the end, and longer than the connection: a file that is closed takes SQLite's locks
    /// on it along.
    held: Vec<Option<File>>,
}

impl Database {
    /// Opens, creates or migrates it.
    pub fn open(path: &Path, sealer: &Arc<Sealer>) -> Result<Self, StoreError> {
        create_private(path);
        let held = files::hold(path)?;
        let (mut known, log) = (KnownSessions::default(), Arc::default());
        let db = open_current(path, sealer, &mut known, &log)?;
        let stamps = Stamps::begin(&db, path)?;
        if stamps.was_put_back() {
            super::seen_version::was_put_back(&db).doing("note that it was put back")?;
        }
        Ok(Self {
            stamps: Arc::new(stamps),
            db,
            known,
            log,
            files: Files::of(path),
            path: path.to_owned(),
            sealer: Arc::clone(sealer),
            openings: Arc::default(),
            held: vec![held],
        })
    }

    /// The connection, wherever its files are.
    pub fn as_opened(&self) -> &Connection {
        &self.db
    }

    /// Where its files are.
    pub fn files(&self) -> &Files {
        &self.files
    }

    /// Whether it is the one that was used last.
    pub fn stamps(&self) -> &Arc<Stamps> {
        &self.stamps
    }

    /// How often it was opened again.
    pub fn openings(&self) -> &Arc<AtomicU64> {
        &self.openings
    }

    /// The connection, if its files are where they are to be, and what is known of what it has stored; else why it
    /// is not to be written. What was deleted is written back first.
    pub fn in_place(&mut self) -> Result<(&Connection, &mut KnownSessions), NotBegun> {
        let state = self.files.state();
        match state {
            State::InPlace => {}
            State::Missing => {
                if let Some(to) = self.directory_moved_to() {
                    let from = crate::config::places::parent(&self.path);
                    return Err(NotBegun::Moved(format!(
                        "the directory {from} was moved to {to} while it was in use: nothing is decided or recorded before it is back (`mv {to} {from}`), or the daemon is stopped",
                        from = from.display(),
                        to = to.display()
                    )));
                }
                if let Err(error) = self.put_back() {
                    tracing::error!(%error, "the database was deleted and cannot be written back");
                    let problem = self.files.problem(&state).unwrap_or_default();
                    return Err(NotBegun::Moved(format!("{problem}: {error}")));
                }
            }
            State::Replaced => {
                let is_back = self
                    .files
                    .make_room()
                    .map_err(|error| error.to_string())
                    .and_then(|room| match room {
                        true => self
                            .put_back()
                            .map(|()| true)
                            .map_err(|error| error.to_string()),
                        false => Ok(false),
                    });
                match is_back {
                    Ok(true) => return Ok((&self.db, &mut self.known)),
                    Ok(false) => {}
                    Err(error) => tracing::error!(error, "the database cannot be put back"),
                }
                self.files.keep(&self.db);
                return Err(NotBegun::Moved(
                    self.files.problem(&state).unwrap_or_default(),
                ));
            }
        }
        Ok((&self.db, &mut self.known))
    }

    /// Folds the write-ahead log in if it has become long. SQLite would do that within a commit, and whoever waits
    /// for that commit would wait for the disk.
    pub fn fold_in_long_log(&self) {
        if self.log.load(Ordering::Relaxed) < LONG_LOG {
            return;
        }
        self.log.store(0, Ordering::Relaxed);
        if let Err(error) = self.db.execute_batch("PRAGMA wal_checkpoint(PASSIVE)") {
            tracing::warn!(%error, "the write-ahead log could not be folded in; that is tried again");
        }
    }

    /// Where the database's directory was moved to, if it is there no more and the system tells.
    fn directory_moved_to(&self) -> Option<PathBuf> {
        let from = crate::config::places::parent(&self.path);
        if from.exists() {
            return None;
        }
        let open = self.held.iter().flatten().next_back()?;
        let now = std::fs::read_link(format!("/proc/self/fd/{}", open.as_raw_fd())).ok()?;
        // One that was deleted has another name there.
        now.exists().then(|| crate::config::places::parent(&now))
    }

    fn put_back(&mut self) -> Result<(), StoreError> {
        // It must not fold its log in nor remove that of the one in its place.
        keep_log(&self.db, true).doing("spare its log")?;
        self.files
            .write_back(&self.db)
            .map_err(|error| StoreError::Commit(error.to_string()))?;
        self.held.push(files::hold(&self.path)?);
        self.sealer.write_back();
        self.stamps.write_back();
        self.db = open_current(&self.path, &self.sealer, &mut self.known, &self.log)?;
        self.openings.fetch_add(1, Ordering::AcqRel);
        tracing::error!(path = %self.path.display(), "the database was deleted or replaced while it was in use; it was written back");
        Ok(())
    }

    /// Folds the log in and closes it.
    pub fn close(mut self) {
        crate::failpoint::hit("store.closing");
        if self.files.state() == State::Missing
            && let Err(error) = self.put_back()
        {
            tracing::error!(%error, "the database was deleted and cannot be written back");
        }
        if self.files.state() == State::InPlace
            && let Ok(seq) = super::sequence::last_seq(&self.db)
        {
            self.stamps.note(seq);
        }
        let Self { db, held, .. } = self;
        if let Err(error) = db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)") {
            tracing::warn!(%error, "the write-ahead log could not be folded in; the next start does it");
        }
        if let Err((_, error)) = db.close() {
            tracing::warn!(%error, "the database did not close cleanly");
        }
        drop(held);
    }
}

/// Counts the pages in the write-ahead log, instead of SQLite's folding it in.
fn follow_log(db: &mut Connection, log: &Arc<AtomicU32>) -> Result<(), StoreError> {
    let log = Arc::clone(log);
    let count = move |_: &mut rusqlite::hooks::Wal, pages: std::ffi::c_int| {
        log.store(pages.unsigned_abs(), Ordering::Relaxed);
        Ok(())
    };
    db.wal_hook(Some(count)).doing("follow its log")
}

/// Opens the database for writing, in its present shape, and follows what becomes of it.
fn open_current(
    path: &Path,
    sealer: &Arc<Sealer>,
    known: &mut KnownSessions,
    log: &Arc<AtomicU32>,
) -> Result<Connection, StoreError> {
    let mut db = open(path)?;
    // Its log may show that it is not ours to fold in.
    keep_log(&db, true).doing("spare its log")?;
    secret_functions::add_functions(&db, sealer).doing("prepare the migration")?;
    schema::migrate(&mut db, path, sealer)?;
    keep_log(&db, false).doing("take its log over")?;
    secret_functions::rewrite_if_asked(&db);
    db.set_prepared_statement_cache_capacity(64);
    // NORMAL: a commit survives the death of the process, and the database survives the loss of
    // power, at which every agent is gone anyway.
    // What a savepoint may have to undo is small, so it is kept in memory, not in a file.
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY",
    )
    .map_err(|source| schema::unreadable(path, source))?;
    super::seen_version::begin(&db, sealer).doing("watch for other writers")?;
    seals::begin(&db).doing("watch what permits something")?;
    known.follow(&mut db)?;
    follow_log(&mut db, log)?;
    Ok(db)
}

fn open(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)
        .map_err(|source| schema::unreadable(path, source))?;
    let prepare = || -> rusqlite::Result<()> {
        db.busy_timeout(std::time::Duration::from_secs(5))?;
        // Reading the header first: a file that is not ours must not get even a WAL file.
        let _: i64 = db.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))?;
        schema::keep_plans(&db)?;
        db.pragma_update(None, "foreign_keys", "ON")
    };
    prepare().map_err(|source| schema::unreadable(path, source))?;
    Ok(db)
}

/// Whether closing the database leaves its write-ahead log as it is.
fn keep_log(db: &Connection, keep: bool) -> rusqlite::Result<()> {
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep)
        .map(drop)
}

/// Makes the file 0600 before SQLite would make it with the process's mask. When it exists already
/// or cannot be made, opening it says what is the matter.
fn create_private(path: &Path) {
    use std::os::unix::fs::OpenOptionsExt as _;
    drop(
        std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path),
    );
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::super::SettingsChange;
    use super::super::requests_tests::rig;

    #[tokio::test]
    async fn a_trigger_of_another_program_changes_nothing_and_our_own_ones_stay() {
        let rig = rig();
        rig.session("a", None).await;
        let other = rusqlite::Connection::open(rig.dir.path().join("db")).unwrap();
        let triggers = || -> Vec<String> {
            let mut query = other
                .prepare("SELECT name FROM sqlite_master WHERE type = 'trigger' ORDER BY name")
                .unwrap();
            let names = query.query_map([], |row| row.get(0)).unwrap();
            names.map(Result::unwrap).collect()
        };
        let own = triggers();
        assert_eq!(own.len(), 6, "{own:?}");
        other
            .execute_batch(
                "CREATE TRIGGER \"an \"\"evil\"\" one\" AFTER UPDATE ON counters BEGIN
                   UPDATE sessions SET auto_accept_edits = 1; END",
            )
            .unwrap();
        rig.store.probe().await.unwrap();
        let accepts: bool = other
            .query_row("SELECT auto_accept_edits FROM sessions", [], |row| {
                row.get(0)
            })
            .unwrap();
        assert!(!accepts);
        assert_eq!(triggers(), own);
    }

    #[tokio::test]
    async fn the_log_is_folded_in_while_the_daemon_goes_on_writing() {
        let rig = rig();
        rig.session("a", None).await;
        let log = rig.dir.path().join("db-wal");
        for number in 0..1_500 {
            let change = SettingsChange {
                title: Some(number.to_string()),
                ..SettingsChange::default()
            };
            rig.store.change_settings("a", change).await.unwrap();
        }
        // All of these changes have several times as many pages.
        let bytes = std::fs::metadata(log).unwrap().len();
        assert!(bytes < 6 * 1024 * 1024, "{bytes} bytes");
    }
}
