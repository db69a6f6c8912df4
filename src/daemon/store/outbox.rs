//! The outbox: lines for agents that have been decided on and are not known to have arrived.
//!
//! A line is put here in the transaction that makes it necessary, and taken out when the runner has
//! acknowledged it. Whoever delivers may die at any point: sending again is harmless, because the
//! runner writes each frame id once.

use rusqlite::params;

use super::rows::micros;
use super::writer::Write;
use super::{Doing as _, Store, StoreError, approvals};
use crate::domain::OutgoingLine;

/// Lines that one look into the outbox returns.
const BATCH: u32 = 64;

/// A line that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxLine {
    /// Its place; lines of a session are delivered in this order.
    pub id: i64,
    /// The line.
    pub line: OutgoingLine,
}

impl Store {
    /// The next lines of a session after a place, in order.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn outbox(
        &self,
        session_key: i64,
        after: i64,
    ) -> Result<Vec<OutboxLine>, StoreError> {
        self.readers
            .run(move |db| {
                db.prepare_cached(
                    "SELECT id, frame_id, line FROM outbox WHERE session_key = ? AND id > ? ORDER BY id LIMIT ?",
                )
                .and_then(|mut query| {
                    query
                        .query_map(params![session_key, after, BATCH], |row| {
                            Ok(OutboxLine {
                                id: row.get(0)?,
                                line: OutgoingLine { frame_id: row.get(1)?, line: row.get(2)? },
                            })
                        })?
                        .collect()
                })
                .doing("read the outbox")
            })
            .await
    }

    /// Notes that lines have arrived.
    ///
    /// # Errors
    /// When the database cannot be written; the lines are then sent again, harmlessly.
    pub async fn delivered(
        &self,
        session_key: i64,
        frame_ids: Vec<String>,
    ) -> Result<(), StoreError> {
        self.writer
            .run(move |write| {
                crate::failpoint::hit("outbox.acknowledging");
                for frame_id in &frame_ids {
                    delivered(write, session_key, frame_id)?;
                }
                Ok(())
            })
            .await
    }
}

fn delivered(write: &mut Write<'_>, session_key: i64, frame_id: &str) -> Result<(), StoreError> {
    let approvals: Vec<Option<i64>> = write
        .db
        .prepare_cached(
            "DELETE FROM outbox WHERE session_key = ? AND frame_id = ? RETURNING approval_key",
        )
        .and_then(|mut delete| {
            delete
                .query_map(params![session_key, frame_id], |row| row.get(0))?
                .collect()
        })
        .doing("note a delivery")?;
    for approval_key in approvals.into_iter().flatten() {
        approvals::mark_delivered(write, approval_key)?;
    }
    Ok(())
}

/// Puts a line on its way; the same frame id twice is one line.
pub fn enqueue(
    write: &mut Write<'_>,
    session_key: i64,
    approval_key: Option<i64>,
    line: &OutgoingLine,
) -> Result<(), StoreError> {
    write
        .db
        .prepare_cached(
            "INSERT INTO outbox (session_key, frame_id, line, approval_key, created_at) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT (frame_id) DO NOTHING",
        )
        .and_then(|mut insert| {
            insert.execute(params![session_key, line.frame_id, line.line, approval_key, micros(write.now)])
        })
        .doing("put a line into the outbox")?;
    write.wake(session_key);
    Ok(())
}

/// Empties a session's outbox for good: its agent is gone. Decisions in it are marked so.
pub fn give_up(write: &mut Write<'_>, session_key: i64, reason: &str) -> Result<(), StoreError> {
    let approvals: Vec<Option<i64>> = write
        .db
        .prepare_cached("DELETE FROM outbox WHERE session_key = ? RETURNING approval_key")
        .and_then(|mut delete| delete.query_map([session_key], |row| row.get(0))?.collect())
        .doing("empty an outbox")?;
    for approval_key in approvals.into_iter().flatten() {
        approvals::mark_undelivered(write, approval_key, reason)?;
    }
    Ok(())
}
