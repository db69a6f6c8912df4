//! What becomes of the lines in the outbox: they have arrived, or they never will.

use jiff::Timestamp;
use rusqlite::params;

use super::messages::{self, Fate, ReadMessages};
use super::outbox::waiting;
use super::tx::Write;
use super::{Doing as _, Store, StoreError, approval_delivery, session_reads};
use crate::domain::{OutgoingLine, Session};

impl Store {
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
        approval_delivery::mark_delivered(write, approval_key)?;
    }
    Ok(())
}

/// A message was written to the session's process, which may not have read it yet.
fn handed_over(write: &mut Write<'_>, session_key: i64, frame_id: &str) -> Result<(), StoreError> {
    let session = session_reads::by_key(write.db, session_key)?;
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
            approval_delivery::mark_undelivered(write, approval_key, reason)?;
        }
    }
    Ok(given_up)
}
