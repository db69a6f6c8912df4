//! The outbox: lines for agents that have been decided on and are not known to have arrived.
//!
//! A line is put here in the transaction that makes it necessary, and taken out when the runner has
//! acknowledged it. Whoever delivers may die at any point: sending again is harmless, because the
//! runner writes each frame id once.

use jiff::Timestamp;
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

/// Takes the messages of the user that wait for a session's next process out of its outbox, in order.
pub fn take(write: &mut Write<'_>, session_key: i64) -> Result<Vec<OutgoingLine>, StoreError> {
    let mut lines: Vec<(i64, OutgoingLine)> = write
        .db
        .prepare_cached("DELETE FROM outbox WHERE session_key = ? RETURNING id, frame_id, line")
        .and_then(|mut delete| {
            delete
                .query_map([session_key], |row| {
                    let (frame_id, line) = (row.get(1)?, row.get(2)?);
                    Ok((row.get(0)?, OutgoingLine { frame_id, line }))
                })?
                .collect()
        })
        .doing("take what waits for a process")?;
    lines.sort_by_key(|(id, _)| *id);
    Ok(lines.into_iter().map(|(_, line)| line).collect())
}

/// What becomes of a session's outbox when its agent is gone.
#[derive(Debug, Default)]
pub struct GivenUp {
    /// Messages of the user that wait for the next process.
    pub messages: usize,
    /// Messages that were queued before the end of the process was asked for.
    pub dropped: usize,
}

/// Empties a session's outbox: its agent is gone. Decisions in it are marked so; messages of the user
/// stay, but for those from before `end_requested_at`.
pub fn give_up(
    write: &mut Write<'_>,
    session_key: i64,
    reason: &str,
    end_requested_at: Option<Timestamp>,
) -> Result<GivenUp, StoreError> {
    let mut given_up = GivenUp::default();
    let end_requested_at = end_requested_at.map(micros);
    let lines: Vec<(i64, String, Option<i64>, i64)> = write
        .db
        .prepare_cached(
            "SELECT id, frame_id, approval_key, created_at FROM outbox WHERE session_key = ? ORDER BY id",
        )
        .and_then(|mut query| {
            query
                .query_map([session_key], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
                })?
                .collect()
        })
        .doing("read an outbox")?;
    for (id, frame_id, approval_key, created_at) in lines {
        if OutgoingLine::is_message(&frame_id) {
            if end_requested_at.is_none_or(|end| created_at > end) {
                given_up.messages += 1;
                continue;
            }
            given_up.dropped += 1;
        }
        write
            .db
            .prepare_cached("DELETE FROM outbox WHERE id = ?")
            .and_then(|mut delete| delete.execute([id]))
            .doing("empty an outbox")?;
        if let Some(approval_key) = approval_key {
            approvals::mark_undelivered(write, approval_key, reason)?;
        }
    }
    Ok(given_up)
}
