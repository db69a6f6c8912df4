//! Notices that somebody else has written to the database, whose only writer is this daemon.
//!
//! SQLite tells a connection when another one has committed. What the writing connection has seen of that is in
//! a temporary table of its own. What was written while no daemon ran shows by its seal ([`super::seals`]). Where
//! somebody has written, no standing permission applies until a person has acknowledged the alarm: it could be
//! theirs who wrote.

use rusqlite::params;

use super::tx::Write;
use super::{Doing as _, Store, StoreError, alarms, seen_version};
use crate::daemon::callers::AlarmKind;

/// Looks whether somebody else has written, and says whether standing permissions are suspended.
pub fn suspends_rules(write: &mut Write<'_>) -> Result<bool, StoreError> {
    let now = seen_version::version(write.db).doing("ask who has written")?;
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
                params![now, seen_version::WHILE_RUNNING],
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
