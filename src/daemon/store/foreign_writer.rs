//! Notices that somebody else has written to the database, whose only writer is this daemon.
//!
//! SQLite tells a connection when another one has committed. What the writing connection has seen of that is in
//! a temporary table of its own. Where somebody has, no standing permission applies until a person has
//! acknowledged the alarm: it could be theirs who wrote. (A writer while no daemon runs is not noticed.)

use rusqlite::Connection;

use super::writer::Write;
use super::{Doing as _, Store, StoreError, alarms};
use crate::daemon::callers::AlarmKind;

/// Begins to watch; on the connection that writes.
pub fn begin(db: &Connection) -> rusqlite::Result<()> {
    let version = version(db)?;
    db.execute_batch("CREATE TEMP TABLE seen_version (version INTEGER NOT NULL)")?;
    db.execute("INSERT INTO temp.seen_version VALUES (?)", [version])
        .map(drop)
}

fn version(db: &Connection) -> rusqlite::Result<i64> {
    db.pragma_query_value(None, "data_version", |row| row.get(0))
}

/// Looks whether somebody else has written, and says whether standing permissions are suspended.
pub fn suspends_rules(write: &mut Write<'_>) -> Result<bool, StoreError> {
    let now = version(write.db).doing("ask who has written")?;
    let changed = write
        .db
        .prepare_cached("UPDATE temp.seen_version SET version = ?1 WHERE version <> ?1")
        .and_then(|mut update| update.execute([now]))
        .doing("note who has written")?
        > 0;
    if changed && !alarms::is_open(write.db, AlarmKind::ForeignWriter)? {
        let detail = "another program has written to the database: no standing permission applies until you have looked at what is in force and acknowledged this";
        alarms::raise_without_session(write, AlarmKind::ForeignWriter, detail)?;
    }
    alarms::is_open(write.db, AlarmKind::ForeignWriter)
}

impl Store {
    /// Looks whether somebody else has written to the database.
    ///
    /// # Errors
    /// When the database cannot be read or written.
    pub async fn look_for_foreign_writer(&self) -> Result<bool, StoreError> {
        self.writer.run(suspends_rules).await
    }
}
