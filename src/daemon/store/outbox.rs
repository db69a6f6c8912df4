//! The outbox: lines for agents that have been decided on and are not known to have arrived.
//!
//! A line is put here in the transaction that makes it necessary, and taken out when the runner has
//! acknowledged it; a message of the user stays until the agent has read it ([`super::messages`]).
//! Whoever delivers may die at any point: sending again is harmless, because the runner writes each
//! frame id once.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::messages::{self, Fate, ReadMessages};
use super::rows::micros;
use super::writer::Write;
use super::{Doing as _, Store, StoreError, approvals, sessions};
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
                let session = sessions::by_key(db, session_key)?;
                Ok((session, next(db, session_key, after)?))
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

fn delivered(write: &mut Write<'_>, session_key: i64, frame_id: &str) -> Result<(), StoreError> {
    if OutgoingLine::is_message(frame_id) {
        return handed_over(write, session_key, frame_id);
    }
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

/// A message was written to the session's process, which may not have read it yet.
fn handed_over(write: &mut Write<'_>, session_key: i64, frame_id: &str) -> Result<(), StoreError> {
    let session = sessions::by_key(write.db, session_key)?;
    let sql = if session.stream.tells_messages {
        "UPDATE outbox SET written = 1 WHERE session_key = ? AND frame_id = ? RETURNING message_seq"
    } else {
        "DELETE FROM outbox WHERE session_key = ? AND frame_id = ? RETURNING message_seq"
    };
    let messages: Vec<Option<i64>> = write
        .db
        .prepare_cached(sql)
        .and_then(|mut note| {
            note.query_map(params![session_key, frame_id], |row| row.get(0))?
                .collect()
        })
        .doing("note that a message was written")?;
    if !session.stream.tells_messages {
        for message in messages {
            messages::handed_over(write, &session, message)?;
        }
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

/// What becomes of a session's outbox when its agent is gone.
#[derive(Debug, Default)]
pub struct GivenUp {
    /// Messages of the user that wait for the next process.
    pub messages: usize,
    /// Those of them that came while the process seemed to live and were never written to it.
    pub never_written: usize,
    /// Messages that were queued before the end of the process was asked for.
    pub dropped: usize,
}

/// Empties a session's outbox: its agent is gone. Decisions in it are marked so; messages of the user that
/// it had not read stay, but for those from before `end_requested_at`.
pub fn give_up(
    write: &mut Write<'_>,
    session: &Session,
    reason: &str,
    read: &ReadMessages,
    end_requested_at: Option<Timestamp>,
) -> Result<GivenUp, StoreError> {
    let mut given_up = GivenUp::default();
    for line in waiting(write.db, session.key)? {
        if OutgoingLine::is_message(&line.line.frame_id) {
            match messages::settle(write, session, &line, read, end_requested_at)? {
                Fate::Waits => {
                    given_up.messages += 1;
                    if !line.written && line.generation == Some(session.generation) {
                        given_up.never_written += 1;
                    }
                }
                Fate::Dropped => given_up.dropped += 1,
                Fate::Read | Fate::Withdrawn => {}
            }
            continue;
        }
        write
            .db
            .prepare_cached("DELETE FROM outbox WHERE id = ?")
            .and_then(|mut delete| delete.execute([line.id]))
            .doing("empty an outbox")?;
        if let Some(approval_key) = line.approval_key {
            approvals::mark_undelivered(write, approval_key, reason)?;
        }
    }
    Ok(given_up)
}
