//! What the writing connection has seen of the commits of other connections, in a temporary table of its own.
//!
//! Owns that table. What follows from it is [`super::foreign_writer`]'s.

use super::seals;
use rusqlite::{Connection, params};

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

pub const WHILE_RUNNING: &str = "another program has written to the database: no standing permission applies until you have looked at what is in force and acknowledged this";

/// A number that changes when another connection has committed.
pub fn version(db: &Connection) -> rusqlite::Result<i64> {
    db.prepare_cached("PRAGMA data_version")?
        .query_row([], |row| row.get(0))
}
