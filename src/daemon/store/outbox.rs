//! The outbox: lines for agents that have been decided on and are not known to have arrived.
//!
//! A line is put here in the transaction that makes it necessary, and taken out when the runner has
//! acknowledged it; a message of the user stays until the agent has read it ([`super::messages`]).
//! Whoever delivers may die at any point: sending again is harmless, because the runner writes each
//! frame id once.

use rusqlite::{Connection, params};

use super::rows::micros;
use super::tx::Write;
use super::{Doing as _, Store, StoreError, session_reads};
use crate::domain::{OutgoingLine, Session};

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
            .run(move |db| next(db, session_key, after))
            .await
    }

    /// A session and the next lines of it, both of the same moment.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn session_with_outbox(
        &self,
        session_key: i64,
        after: i64,
    ) -> Result<(Session, Vec<OutboxLine>), StoreError> {
        self.readers
            .run(move |db| {
                let session = session_reads::by_key(db, session_key)?;
                Ok((session, next(db, session_key, after)?))
            })
            .await
    }
}

fn next(db: &Connection, session_key: i64, after: i64) -> Result<Vec<OutboxLine>, StoreError> {
    db.prepare_cached(
        "SELECT id, frame_id, line FROM outbox WHERE session_key = ? AND id > ? AND written = 0 ORDER BY id LIMIT ?",
    )
    .and_then(|mut query| {
        query
            .query_map(params![session_key, after, BATCH], |row| {
                Ok(OutboxLine {
                    id: row.get(0)?,
                    line: OutgoingLine {
                        frame_id: row.get(1)?,
                        line: row.get(2)?,
                    },
                })
            })?
            .collect()
    })
    .doing("read the outbox")
}

/// Puts a line on its way; the same frame id twice is one line.
pub fn enqueue(
    write: &mut Write<'_>,
    session_key: i64,
    approval_key: Option<i64>,
    line: &OutgoingLine,
) -> Result<(), StoreError> {
    let message = MessageRow::default();
    insert(write, session_key, approval_key, line, message)
}

/// What an outbox keeps of a message of the user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MessageRow {
    /// Its piece of conversation.
    pub id: Option<i64>,
    /// The generation of the process that it was accepted for while that seemed to live; none when it was
    /// accepted to begin a process.
    pub generation: Option<i64>,
}

/// Puts a message of the user on its way, which is a piece of the conversation.
pub fn enqueue_message(
    write: &mut Write<'_>,
    session_key: i64,
    line: &OutgoingLine,
    message: MessageRow,
) -> Result<(), StoreError> {
    insert(write, session_key, None, line, message)
}

fn insert(
    write: &mut Write<'_>,
    session_key: i64,
    approval_key: Option<i64>,
    line: &OutgoingLine,
    message: MessageRow,
) -> Result<(), StoreError> {
    write
        .db
        .prepare_cached(
            "INSERT INTO outbox (session_key, frame_id, line, approval_key, created_at, message_seq, generation)
             VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (frame_id) DO NOTHING",
        )
        .and_then(|mut insert| {
            let created_at = micros(write.now);
            insert.execute(params![
                session_key, line.frame_id, line.line, approval_key, created_at, message.id, message.generation
            ])
        })
        .doing("put a line into the outbox")?;
    write.wake(session_key);
    Ok(())
}

/// A line that waits, and what is known of it.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// Its place.
    pub id: i64,
    /// The line.
    pub line: OutgoingLine,
    /// The approval that it answers.
    pub approval_key: Option<i64>,
    /// When it was accepted.
    pub created_at: i64,
    /// For a message of the user: its piece of conversation.
    pub message_id: Option<i64>,
    /// For a message of the user: the generation of the process that it was accepted for.
    pub generation: Option<i64>,
    /// Whether it was written to the process.
    pub written: bool,
    /// Whether the process has taken it out of its queue.
    pub started: bool,
    /// Whether a person wants it back.
    pub withdrawing: bool,
}

/// All that a session's outbox holds, in order.
pub fn waiting(db: &Connection, session_key: i64) -> Result<Vec<Waiting>, StoreError> {
    db.prepare_cached(
        "SELECT id, frame_id, line, approval_key, created_at, message_seq, started, withdrawing,
            generation, written
         FROM outbox WHERE session_key = ? ORDER BY id",
    )
    .and_then(|mut query| {
        query
            .query_map([session_key], |row| {
                Ok(Waiting {
                    id: row.get(0)?,
                    line: OutgoingLine {
                        frame_id: row.get(1)?,
                        line: row.get(2)?,
                    },
                    approval_key: row.get(3)?,
                    created_at: row.get(4)?,
                    message_id: row.get(5)?,
                    started: row.get(6)?,
                    withdrawing: row.get(7)?,
                    generation: row.get(8)?,
                    written: row.get(9)?,
                })
            })?
            .collect()
    })
    .doing("read an outbox")
}

/// Takes the messages of the user that wait for a session's next process out of its outbox, in order.
pub fn take(write: &mut Write<'_>, session_key: i64) -> Result<Vec<Waiting>, StoreError> {
    let waiting = waiting(write.db, session_key)?;
    write
        .db
        .prepare_cached("DELETE FROM outbox WHERE session_key = ?")
        .and_then(|mut delete| delete.execute([session_key]))
        .doing("take what waits for a process")?;
    Ok(waiting)
}
