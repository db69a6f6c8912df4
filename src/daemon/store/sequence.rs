//! The global sequence number of what has happened.

use rusqlite::Connection;

use super::{Doing as _, StoreError};

/// The last sequence number that is stored.
pub fn last_seq(db: &Connection) -> Result<i64, StoreError> {
    db.prepare_cached(
        "SELECT max((SELECT value FROM counters WHERE name = 'seq'),
                    (SELECT coalesce(max(seq), 0) FROM conversation), (SELECT coalesce(max(seq), 0) FROM events),
                    (SELECT coalesce(max(seq), 0) FROM deleted_sessions))",
    )
    .and_then(|mut query| query.query_row([], |row| row.get(0)))
    .doing("read the last sequence number")
}
