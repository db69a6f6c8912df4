//! Whole copies of the database: made while it is used, and put in its place while it is not.
//!
//! What belongs to a database is its file and the key beside it, without which what sessions were launched with cannot
//! be read. The directories of processes that run belong to those, and are no part of a copy.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, OpenFlags};

use super::{StoreError, callers, schema, stamp};
pub use crate::config::places::key_of;
use crate::daemon::callers::PlaceRecord;
use crate::daemon::secrets::{self, Sealer};
use crate::platform::{self, Links};

/// What belongs to a database and is not to be overwritten by a copy of it.
const BESIDE: [&str; 6] = ["", "-wal", "-shm", ".key", ".lock", ".last"];

/// Why a copy cannot be made, or put back.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// It is no database that can be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something is there already.
    #[error("{} is there already", .0.display())]
    Exists(PathBuf),
    /// It would overwrite what it is to be a copy of.
    #[error("{} belongs to the database itself", .0.display())]
    Itself(PathBuf),
    /// Its contents are damaged.
    #[error("{} is damaged: {problem}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        problem: String,
    },
    /// A file cannot be read or written.
    #[error("cannot {doing} {}: {source}", path.display())]
    File {
        /// What was being done.
        doing: &'static str,
        /// To which file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> BackupError {
    move |source| BackupError::File {
        doing,
        path: path.to_owned(),
        source,
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Makes a copy of a database that may be in use, and of its key beside it; both are for their user alone, and there
/// whole or not at all. Says what is in it.
///
/// # Errors
/// [`BackupError`]; what was there before is untouched then.
pub fn back_up(database: &Path, to: &Path, overwrite: bool) -> Result<String, BackupError> {
    let is_same = |one: &Path, other: &Path| match (fs::metadata(one), fs::metadata(other)) {
        (Ok(one), Ok(other)) => (one.dev(), one.ino()) == (other.dev(), other.ino()),
        _ => false,
    };
    for target in [to.to_owned(), key_of(to)] {
        let own = BESIDE.iter().map(|suffix| beside(database, suffix));
        if own
            .into_iter()
            .any(|own| own == target || is_same(&own, &target))
        {
            return Err(BackupError::Itself(target));
        }
        if !overwrite && fs::symlink_metadata(&target).is_ok() {
            return Err(BackupError::Exists(target));
        }
    }
    let part = beside(to, ".part");
    let copied = copy(database, &part).and_then(|()| check(&part));
    let contents = match copied {
        Ok(contents) => contents,
        Err(error) => {
            let _ = fs::remove_file(&part);
            return Err(error);
        }
    };
    let placed = copy_key(database, to).and_then(|()| place(&part, to, overwrite));
    if placed.is_err() {
        let _ = fs::remove_file(&part);
    }
    placed.map(|()| contents)
}

/// Checks that a file is a whole database of ours that this program knows; says what is in it.
///
/// # Errors
/// [`BackupError`].
pub fn check(path: &Path) -> Result<String, BackupError> {
    // SQLite would wait for ever for what comes out of a pipe.
    platform::open_regular(path, Links::Follow).map_err(failed("read", path))?;
    let contents = schema::inspect(path)?;
    if contents == schema::EMPTY {
        let damaged = "it is empty".to_owned();
        return Err(BackupError::Damaged {
            path: path.to_owned(),
            problem: damaged,
        });
    }
    let problem = open(path)
        .and_then(|db| {
            db.query_row("PRAGMA integrity_check(1)", [], |row| {
                row.get::<_, String>(0)
            })
        })
        .unwrap_or_else(|error| error.to_string());
    if problem == "ok" {
        Ok(contents)
    } else {
        Err(BackupError::Damaged {
            path: path.to_owned(),
            problem,
        })
    }
}

fn open(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    db.busy_timeout(std::time::Duration::from_secs(5))?;
    Ok(db)
}

/// Copies a database as it is at one moment. A copy is known as none that was used here last.
fn copy(from: &Path, to: &Path) -> Result<(), BackupError> {
    let sql = |source: rusqlite::Error| BackupError::Store(schema::unreadable(from, source));
    schema::inspect(from)?;
    let _ = fs::remove_file(to);
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(to)
        .map_err(failed("make", to))?;
    let name = to.to_str().ok_or_else(|| {
        failed("name", to)(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is not UTF-8",
        ))
    })?;
    open(from)
        .and_then(|db| db.execute("VACUUM INTO ?1", [name]))
        .map_err(sql)?;
    let mark = || -> rusqlite::Result<()> {
        let db = Connection::open(to)?;
        // Whole at each moment: no log is left beside it.
        db.execute_batch("PRAGMA journal_mode = DELETE")?;
        stamp::mark_as_copy(&db)?;
        db.close().map_err(|(_, error)| error)
    };
    mark().map_err(sql)?;
    File::open(to)
        .and_then(|file| file.sync_all())
        .map_err(failed("write", to))
}

fn copy_key(from: &Path, to: &Path) -> Result<(), BackupError> {
    let (key, copy) = (key_of(from), key_of(to));
    match read_key(&key) {
        Ok(bytes) => platform::write_atomically(&copy, &bytes).map_err(failed("write", &copy)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(failed("read", &key)(error)),
    }
}

/// A key's file, which holds one.
fn read_key(path: &Path) -> io::Result<Vec<u8>> {
    const MOST: u64 = 4096;
    let bytes = platform::read_regular(path, Links::Follow, MOST)?;
    if secrets::is_key(&bytes) {
        return Ok(bytes);
    }
    let problem = "it does not hold a key: put the key of that database there, or take this file away to keep the present key";
    Err(io::Error::new(io::ErrorKind::InvalidData, problem))
}

fn place(part: &Path, to: &Path, overwrite: bool) -> Result<(), BackupError> {
    if overwrite {
        return fs::rename(part, to).map_err(failed("write", to));
    }
    match fs::hard_link(part, to) {
        Ok(()) => {
            let _ = fs::remove_file(part);
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err(BackupError::Exists(to.to_owned()))
        }
        // Some file systems have no such links.
        Err(_) if fs::symlink_metadata(to).is_err() => {
            fs::rename(part, to).map_err(failed("write", to))
        }
        Err(_) => Err(BackupError::Exists(to.to_owned())),
    }
}

/// A copy that is ready to be put in the place of a database.
#[derive(Clone, Debug)]
pub struct Prepared {
    copy: PathBuf,
    /// The copy's own key, where it is another one.
    key: Option<Vec<u8>>,
    /// Where the database that is in place will be kept.
    pub kept: PathBuf,
    /// What is in the copy.
    pub contents: String,
}

/// Checks a copy and makes it ready beside the database, which is not touched.
///
/// # Errors
/// [`BackupError`].
pub fn prepare(from: &Path, database: &Path) -> Result<Prepared, BackupError> {
    check(from)?;
    let ready = beside(database, ".restoring");
    copy(from, &ready)?;
    let contents = check(&ready)?;
    let own = key_of(from);
    let key = match read_key(&own) {
        Ok(key) => Some(key),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(failed("read", &own)(error)),
    };
    let key = key.filter(|key| read_key(&key_of(database)).ok().as_ref() != Some(key));
    let at = jiff::Timestamp::now().as_second();
    let kept = (0..)
        .map(|count| beside(database, &format!(".before-restore-{}", at + count)))
        .find(|path| fs::symlink_metadata(path).is_err())
        .unwrap_or_else(|| beside(database, ".before-restore"));
    Ok(Prepared {
        copy: ready,
        key,
        kept,
        contents,
    })
}

/// Puts a prepared copy in the place of a database that nobody has open. What was there is kept, with its log and, where
/// it is another one, its key. The database's place is never empty meanwhile.
///
/// # Errors
/// [`BackupError`].
pub fn put_in_place(prepared: &Prepared, database: &Path) -> Result<(), BackupError> {
    let Prepared {
        copy, key, kept, ..
    } = prepared;
    if fs::symlink_metadata(database).is_ok() {
        fs::hard_link(database, kept)
            .or_else(|_| fs::copy(database, kept).map(drop))
            .map_err(failed("keep the database as", kept))?;
    }
    let log = beside(database, "-wal");
    match fs::symlink_metadata(&log) {
        // Whoever looked at the database left it.
        Ok(found) if found.len() == 0 => fs::remove_file(&log).map_err(failed("remove", &log))?,
        Ok(_) => fs::rename(&log, beside(kept, "-wal")).map_err(failed("keep", &log))?,
        Err(_) => {}
    }
    let _ = fs::remove_file(beside(database, "-shm"));
    if let Some(key) = key {
        let own = key_of(database);
        if let Ok(before) = read_key(&own) {
            let kept = key_of(kept);
            platform::write_atomically(&kept, &before).map_err(failed("write", &kept))?;
        }
        platform::write_atomically(&own, key).map_err(failed("write", &own))?;
    }
    fs::rename(copy, database).map_err(failed("write", database))?;
    let directory = crate::config::places::parent(database);
    File::open(&directory)
        .and_then(|directory| directory.sync_all())
        .map_err(failed("write", &directory))
}

/// The places on record in a database that no daemon serves; none that somebody else wrote.
#[must_use]
pub fn places_at_rest(database: &Path) -> Vec<PlaceRecord> {
    let Ok(db) = open(database) else {
        return Vec::new();
    };
    callers::places(&db, &Arc::new(Sealer::beside(database))).unwrap_or_default()
}
