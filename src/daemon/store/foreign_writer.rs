//! Notices that somebody else has written to the database, whose only writer is this daemon.
//!
//! SQLite tells a connection when another one has committed. What the writing connection has seen of that is in
//! a temporary table of its own. What was written while no daemon ran shows by its seal ([`seals`]). Where
//! somebody has written, no standing permission applies until a person has acknowledged the alarm: it could be
//! theirs who wrote.

use rusqlite::{Connection, params};

use super::writer::Write;
use super::{Doing as _, Store, StoreError, alarms, seals};
use crate::daemon::callers::AlarmKind;
use crate::daemon::secrets::Sealer;

/// Begins to watch; on the connection that writes.
pub fn begin(db: &Connection, sealer: &Sealer) -> rusqlite::Result<()> {
    let foreign = seals::foreign(db, sealer)?;
    let (version, detail) = if foreign.is_empty() {
        (version(db)?, WHILE_RUNNING.to_owned())
    } else {
        // No version: the next look finds that it has changed.
        (-1, seals::describe(&foreign))
    };
    db.execute_batch(
        "CREATE TEMP TABLE seen_version (version INTEGER NOT NULL, detail TEXT NOT NULL)",
    )?;
    db.execute(
        "INSERT INTO temp.seen_version VALUES (?, ?)",
        params![version, detail],
    )
    .map(drop)
}

/// Has the next look find that the database is another one than was used here last.
pub fn was_put_back(db: &Connection) -> rusqlite::Result<()> {
    db.execute(
        "UPDATE temp.seen_version SET version = -1, detail = ?",
        [super::stamp::PUT_BACK],
    )
    .map(drop)
}

const WHILE_RUNNING: &str = "another program has written to the database: no standing permission applies until you have looked at what is in force and acknowledged this";

/// A number that changes when another connection has committed.
pub fn version(db: &Connection) -> rusqlite::Result<i64> {
    db.prepare_cached("PRAGMA data_version")?
        .query_row([], |row| row.get(0))
}

/// Looks whether somebody else has written, and says whether standing permissions are suspended.
pub fn suspends_rules(write: &mut Write<'_>) -> Result<bool, StoreError> {
    let now = version(write.db).doing("ask who has written")?;
    let seen: (i64, String) = write
        .db
        .prepare_cached("SELECT version, detail FROM temp.seen_version")
        .and_then(|mut query| query.query_row([], |row| Ok((row.get(0)?, row.get(1)?))))
        .doing("look up who has written")?;
    if seen.0 != now {
        if !alarms::is_open(write.db, AlarmKind::ForeignWriter)? {
            alarms::raise_without_session(write, AlarmKind::ForeignWriter, &seen.1)?;
        }
        write
            .db
            .execute(
                "UPDATE temp.seen_version SET version = ?, detail = ?",
                params![now, WHILE_RUNNING],
            )
            .doing("note who has written")?;
    }
    alarms::is_open(write.db, AlarmKind::ForeignWriter)
}

impl Store {
    /// Looks whether somebody else has written to the database, and says whether standing permissions are
    /// suspended.
    ///
    /// # Errors
    /// When the database cannot be read or written.
    pub async fn look_for_foreign_writer(&self) -> Result<bool, StoreError> {
        self.writer.run(suspends_rules).await
    }
}
