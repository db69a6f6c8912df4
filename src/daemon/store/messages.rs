//! Messages of the user: from the moment they are accepted until the agent has read them.
//!
//! A message is a piece of conversation and a line in the outbox, stored together. The line stays there
//! until the agent has acted on it: that it was written to a process says nothing, because a
//! process that dies takes its queue with it. What a process has not read waits for the next one. A
//! message ends in exactly one way: it was read, it was withdrawn, or it never will be read.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, ToSql, params};

use super::outbox::{self, MessageRow, Waiting};
use super::rows::micros;
use super::tx::Write;
use super::{Doing as _, Store, StoreError, conversation, events, session_reads, session_state};
use crate::domain::session::Process;
use crate::domain::{Delivery, MessageSign, OutgoingLine, Phase, Session};

/// A message that was accepted.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// The session as it is after.
    pub session: Session,
    /// The message; none where a process was started for those that waited already.
    pub message: Option<(i64, Delivery)>,
}

/// What a process that has ended had read of what was written to it, as far as can be found out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ReadMessages {
    /// The UUIDs of those that are in the agent's own record of the conversation.
    Known(Vec<String>),
    /// There is no record that can be looked at: what it took out of its queue counts as read.
    #[default]
    Unknown,
}

impl ReadMessages {
    fn contains(&self, uuid: &str, started: bool) -> bool {
        match self {
            Self::Known(read) => read.iter().any(|known| known == uuid),
            Self::Unknown => started,
        }
    }
}

/// Messages that were sent to a process, each with its UUID and its line, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SentMessages {
    /// Those that it has read just now.
    pub read: Vec<(String, String)>,
    /// Those that it is not known to have read.
    pub unread: Vec<(String, String)>,
}

/// What came of a withdrawal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Withdrawal {
    /// It never reaches the agent.
    Withdrawn,
    /// The agent was asked to give it back.
    Requested,
    /// The agent has it, and why it cannot be had back.
    TooLate(String),
}

/// A message that is to be withdrawn, and what came of that.
#[derive(Clone, Debug)]
pub struct Withdrawn {
    /// The session.
    pub session: Session,
    /// The message.
    pub message_id: i64,
    /// What came of it.
    pub withdrawal: Withdrawal,
}

/// How a message is taken back from an agent, which only the agent's protocol knows.
#[derive(Clone, Copy, Debug)]
pub struct CancelProtocol {
    /// The request for a message's UUID.
    pub request: fn(&str) -> OutgoingLine,
    /// Whether a version of the agent knows that request.
    pub is_known_to: fn(&str) -> bool,
}

/// How far a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageState {
    /// What is shown of it; none when the agent has taken it.
    pub delivery: Option<Delivery>,
    /// Whether the agent was asked to give it back and has not answered.
    pub withdrawing: bool,
}

/// How long a message is kept after it was read. An agent that lives has written it into its own record of the
/// conversation after a tenth of a second; that an agent has died may be noticed some seconds later.
const KEPT_READ_MICROS: i64 = 30_000_000;

impl Store {
    /// Withdraws a message that the agent has not read, or the newest such one.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Conflict`] when there is nothing to withdraw.
    pub async fn withdraw_message(
        &self,
        session: &str,
        message_id: Option<i64>,
        protocol: CancelProtocol,
    ) -> Result<Withdrawn, StoreError> {
        let session = session.to_owned();
        self.writer
            .run_once(move |write| {
                let session = session_reads::resolve(write.db, &session)?;
                session_reads::must_be_ours(&session)?;
                withdraw(write, session, message_id, protocol)
            })
            .await
    }

    /// How far a message is.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn message_state(&self, message_id: i64) -> Result<MessageState, StoreError> {
        self.readers
            .run(move |db| {
                db.prepare_cached(
                    "SELECT c.delivery, coalesce(o.withdrawing, 0) FROM conversation c
                     LEFT JOIN outbox o ON o.session_key = c.session_key AND o.message_seq = c.seq
                     WHERE c.seq = ?",
                )
                .and_then(|mut query| {
                    query.query_row([message_id], |row| {
                        Ok(MessageState {
                            delivery: row.get_ref(0)?.as_str_or_null()?.and_then(Delivery::parse),
                            withdrawing: row.get(1)?,
                        })
                    })
                })
                .doing("read how far a message is")
            })
            .await
    }

    /// Messages that were sent to a session's process, and of which its own record of the conversation is to
    /// be asked.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn sent_messages(&self, session_key: i64) -> Result<SentMessages, StoreError> {
        let since = micros(Timestamp::now()).saturating_sub(KEPT_READ_MICROS);
        self.readers
            .run(move |db| {
                Ok(SentMessages {
                    read: sent(
                        db,
                        "SELECT frame_id, line FROM read_messages WHERE session_key = ? AND read_at >= ? ORDER BY id",
                        params![session_key, since],
                    )?,
                    unread: sent(
                        db,
                        "SELECT frame_id, line FROM outbox WHERE session_key = ? AND message_seq IS NOT NULL ORDER BY id",
                        params![session_key],
                    )?,
                })
            })
            .await
    }
}

fn sent(
    db: &Connection,
    sql: &str,
    values: &[&dyn ToSql],
) -> Result<Vec<(String, String)>, StoreError> {
    db.prepare_cached(sql)
        .and_then(|mut query| {
            query
                .query_map(values, |row| {
                    let frame_id: String = row.get(0)?;
                    let uuid = OutgoingLine::message_uuid(&frame_id).unwrap_or_default();
                    Ok((uuid.to_owned(), row.get(1)?))
                })?
                .collect()
        })
        .doing("read what an agent was sent")
}

/// Accepts a message: into the conversation and on its way; `generation` as in [`MessageRow`]. Returns its id.
pub fn accept(
    write: &mut Write<'_>,
    session: &Session,
    text: String,
    line: &OutgoingLine,
    delivery: Delivery,
    generation: Option<i64>,
) -> Result<i64, StoreError> {
    let sequence = conversation::next_sequence(write, session)?;
    let id = conversation::append_message(write, session, sequence, text, delivery)?;
    let row = MessageRow {
        id: Some(id),
        generation,
    };
    outbox::enqueue_message(write, session.key, line, row)?;
    Ok(id)
}

/// How a message begins its way to a session that has a process.
pub fn first_delivery(session: &Session) -> Delivery {
    let works = match session.phase {
        Phase::Starting | Phase::Running | Phase::Interrupting => true,
        Phase::Completed | Phase::Failed | Phase::Interrupted => session.pending_approvals > 0,
    };
    if works || session.end_requested_at.is_some() {
        Delivery::Queued
    } else {
        Delivery::Sending
    }
}

/// Notes and tells how far a message is.
fn set_delivery(
    write: &mut Write<'_>,
    session: &Session,
    message_id: Option<i64>,
    delivery: Option<Delivery>,
) -> Result<(), StoreError> {
    // Messages of an earlier release have none.
    let Some(id) = message_id else {
        return Ok(());
    };
    let changed: Option<i64> = write
        .db
        .prepare_cached(
            "UPDATE conversation SET delivery = ?2 WHERE seq = ?1 AND delivery IS NOT ?2 RETURNING sequence",
        )
        .and_then(|mut update| {
            update
                .query_row(params![id, delivery.map(Delivery::as_str)], |row| row.get(0))
                .optional()
        })
        .doing("note how far a message is")?;
    match changed {
        Some(sequence) => events::message_updated(write, session, id, sequence, delivery),
        None => Ok(()),
    }
}

/// Notes what the agent has done with messages.
pub fn apply(
    write: &mut Write<'_>,
    session: &Session,
    sign: &MessageSign,
) -> Result<(), StoreError> {
    let key = session.key;
    let frame = |uuid: &str| format!("{}{uuid}", OutgoingLine::MESSAGE);
    match sign {
        MessageSign::Started(uuid) => started(write, session, &frame(uuid)),
        MessageSign::StartedAreRead => read(write, session, "started = 1", params![key]),
        MessageSign::Read(uuid) => read(write, session, "frame_id = ?2", params![key, frame(uuid)]),
        MessageSign::FirstIsRead => read(
            write,
            session,
            "id = (SELECT min(id) FROM outbox WHERE session_key = ?1 AND message_seq IS NOT NULL AND started = 0)",
            params![key],
        ),
        MessageSign::Dropped(uuid) => dropped(write, session, &frame(uuid)),
        MessageSign::NotWithdrawn { uuid, is_final } => {
            let still_queued = if *is_final { "" } else { " AND started = 1" };
            write
                .db
                .prepare_cached(&format!(
                    "UPDATE outbox SET withdrawing = 0 WHERE session_key = ?1 AND frame_id = ?2{still_queued}"
                ))
                .and_then(|mut update| update.execute(params![key, frame(uuid)]))
                .map(drop)
                .doing("note that a message cannot be withdrawn")
        }
    }
}

fn started(write: &mut Write<'_>, session: &Session, frame: &str) -> Result<(), StoreError> {
    let message: Option<Option<i64>> = write
        .db
        .prepare_cached(
            "UPDATE outbox SET started = 1, written = 1, withdrawing = 0
             WHERE session_key = ? AND frame_id = ? AND started = 0 RETURNING message_seq",
        )
        .and_then(|mut update| {
            update
                .query_row(params![session.key, frame], |row| row.get(0))
                .optional()
        })
        .doing("note that an agent has taken a message")?;
    match message {
        Some(id) => set_delivery(write, session, id, None),
        None => Ok(()),
    }
}

fn read(
    write: &mut Write<'_>,
    session: &Session,
    condition: &str,
    values: impl rusqlite::Params,
) -> Result<(), StoreError> {
    let read: Vec<(i64, String, String, Option<i64>)> = write
        .db
        .prepare_cached(&format!(
            "DELETE FROM outbox WHERE session_key = ?1 AND message_seq IS NOT NULL AND {condition}
             RETURNING id, frame_id, line, message_seq"
        ))
        .and_then(|mut delete| {
            delete
                .query_map(values, |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
                })?
                .collect()
        })
        .doing("note that an agent has read a message")?;
    if read.is_empty() {
        return Ok(());
    }
    forget_read(
        write,
        session.key,
        micros(write.now).saturating_sub(KEPT_READ_MICROS),
    )?;
    for (place, frame_id, line, id) in read {
        write
            .db
            .prepare_cached(
                "INSERT OR REPLACE INTO read_messages (id, session_key, frame_id, line, read_at) VALUES (?, ?, ?, ?, ?)",
            )
            .and_then(|mut keep| {
                keep.execute(params![place, session.key, frame_id, line, micros(write.now)])
            })
            .doing("keep a message that an agent has just read")?;
        set_delivery(write, session, id, None)?;
    }
    Ok(())
}

/// Forgets the messages of a session that were read before a time, in microseconds since 1970.
pub fn forget_read(write: &Write<'_>, session_key: i64, before: i64) -> Result<(), StoreError> {
    write
        .db
        .prepare_cached("DELETE FROM read_messages WHERE session_key = ? AND read_at < ?")
        .and_then(|mut delete| delete.execute([session_key, before]))
        .map(drop)
        .doing("forget messages that an agent has read")
}

/// The agent has dropped a message: because it was withdrawn, or because its turn was interrupted after it
/// had been taken.
fn dropped(write: &mut Write<'_>, session: &Session, frame: &str) -> Result<(), StoreError> {
    let dropped: Option<(Option<i64>, bool, bool)> = write
        .db
        .prepare_cached(
            "DELETE FROM outbox WHERE session_key = ? AND frame_id = ? RETURNING message_seq, started, withdrawing",
        )
        .and_then(|mut delete| {
            delete
                .query_row(params![session.key, frame], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                })
                .optional()
        })
        .doing("note that an agent has dropped a message")?;
    let Some((id, started, withdrawing)) = dropped else {
        return Ok(());
    };
    let delivery = match (started, withdrawing) {
        (true, _) => None,
        (false, true) => Some(Delivery::Withdrawn),
        (false, false) => Some(Delivery::Undelivered),
    };
    set_delivery(write, session, id, delivery)?;
    rest_without_message(write, session)
}

/// A session that was to begin a turn for a message which has been withdrawn rests.
fn rest_without_message(write: &Write<'_>, session: &Session) -> Result<(), StoreError> {
    if session.stream.turn_started_at.is_some() {
        return Ok(());
    }
    write
        .db
        .prepare_cached(
            "UPDATE sessions SET phase = 'completed', completed_at = ?2
             WHERE key = ?1 AND phase IN ('starting', 'running')
                AND NOT EXISTS (SELECT 1 FROM outbox WHERE session_key = ?1 AND message_seq IS NOT NULL)",
        )
        .and_then(|mut update| update.execute(params![session.key, micros(write.now)]))
        .map(drop)
        .doing("note that a session rests")
}

/// A line was handed to a process that does not tell what it reads: that is all that will be known.
pub fn handed_over(
    write: &mut Write<'_>,
    session: &Session,
    message_id: Option<i64>,
) -> Result<(), StoreError> {
    set_delivery(write, session, message_id, None)
}

/// What becomes of a message whose process has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The process had read it.
    Read,
    /// A person wanted it back, and gets it.
    Withdrawn,
    /// It is not sent any more.
    Dropped,
    /// It waits for the next process.
    Waits,
}

/// Settles a message whose process has ended. One that was accepted before `end_requested_at` is not sent
/// any more.
pub fn settle(
    write: &mut Write<'_>,
    session: &Session,
    waiting: &Waiting,
    read: &ReadMessages,
    end_requested_at: Option<Timestamp>,
) -> Result<Fate, StoreError> {
    let uuid = OutgoingLine::message_uuid(&waiting.line.frame_id).unwrap_or_default();
    let ended_first = end_requested_at.is_some_and(|end| waiting.created_at <= micros(end));
    let fate = if read.contains(uuid, waiting.started) {
        Fate::Read
    } else if waiting.withdrawing {
        Fate::Withdrawn
    } else if ended_first {
        Fate::Dropped
    } else {
        Fate::Waits
    };
    let delivery = match fate {
        Fate::Read => None,
        Fate::Withdrawn => Some(Delivery::Withdrawn),
        Fate::Dropped => Some(Delivery::Undelivered),
        Fate::Waits => Some(Delivery::Queued),
    };
    let sql = if fate == Fate::Waits {
        "UPDATE outbox SET written = 0, started = 0 WHERE id = ?"
    } else {
        "DELETE FROM outbox WHERE id = ?"
    };
    write
        .db
        .prepare_cached(sql)
        .and_then(|mut settle| settle.execute([waiting.id]))
        .doing("settle a message")?;
    set_delivery(write, session, waiting.message_id, delivery)?;
    Ok(fate)
}

/// A message that was taken out of the outbox will not be sent any more.
pub fn give_up(
    write: &mut Write<'_>,
    session: &Session,
    waiting: &Waiting,
) -> Result<(), StoreError> {
    set_delivery(
        write,
        session,
        waiting.message_id,
        Some(Delivery::Undelivered),
    )
}

fn withdraw(
    write: &mut Write<'_>,
    session: Session,
    message_id: Option<i64>,
    protocol: CancelProtocol,
) -> Result<Withdrawn, StoreError> {
    let waiting: Vec<Waiting> = outbox::waiting(write.db, session.key)?;
    let mut messages = waiting.into_iter().filter(|waiting| match message_id {
        Some(id) => waiting.message_id == Some(id),
        None => waiting.message_id.is_some() && !waiting.started && !waiting.withdrawing,
    });
    let Some((waiting, id)) = messages
        .next_back()
        .and_then(|waiting| waiting.message_id.map(|id| (waiting, id)))
    else {
        return Err(nothing_to_withdraw(write, session, message_id)?);
    };
    let withdrawal = if session.process == Process::Gone {
        write
            .db
            .prepare_cached("DELETE FROM outbox WHERE id = ?")
            .and_then(|mut delete| delete.execute([waiting.id]))
            .doing("withdraw a message")?;
        set_delivery(write, &session, Some(id), Some(Delivery::Withdrawn))?;
        wait_for_nothing(write, &session)?;
        Withdrawal::Withdrawn
    } else if waiting.started {
        Withdrawal::TooLate("the agent is reading it already".to_owned())
    } else if !session.stream.tells_messages {
        Withdrawal::TooLate(
            "this process was started by an earlier release, which handed the message over"
                .to_owned(),
        )
    } else if let Some(version) = &session.stream.version
        && !(protocol.is_known_to)(version)
    {
        Withdrawal::TooLate(format!(
            "Claude Code {version} has it in its queue and cannot give a message back"
        ))
    } else {
        request(write, &session, &waiting, protocol)?;
        Withdrawal::Requested
    };
    let session = session_reads::by_key(write.db, session.key)?;
    Ok(Withdrawn {
        session,
        message_id: id,
        withdrawal,
    })
}

fn request(
    write: &mut Write<'_>,
    session: &Session,
    waiting: &Waiting,
    protocol: CancelProtocol,
) -> Result<(), StoreError> {
    write
        .db
        .prepare_cached("UPDATE outbox SET withdrawing = 1 WHERE id = ?")
        .and_then(|mut update| update.execute([waiting.id]))
        .doing("withdraw a message")?;
    let uuid = OutgoingLine::message_uuid(&waiting.line.frame_id).unwrap_or_default();
    outbox::enqueue(write, session.key, None, &(protocol.request)(uuid))
}

/// A session without a process waits for nothing when nothing is left to be sent.
fn wait_for_nothing(write: &mut Write<'_>, session: &Session) -> Result<(), StoreError> {
    let changed = write
        .db
        .prepare_cached(
            "UPDATE sessions SET waiting_for = NULL WHERE key = ?1 AND waiting_for IS NOT NULL
                AND NOT EXISTS (SELECT 1 FROM outbox WHERE session_key = ?1)",
        )
        .and_then(|mut update| update.execute([session.key]))
        .doing("note that a session waits for nothing")?;
    if changed > 0 {
        let session = session_reads::by_key(write.db, session.key)?;
        session_state::announce_updated(write, &session);
    }
    Ok(())
}

fn nothing_to_withdraw(
    write: &Write<'_>,
    session: Session,
    message_id: Option<i64>,
) -> Result<StoreError, StoreError> {
    let conflict = |problem: &str| StoreError::Conflict {
        id: session.id.clone(),
        problem: problem.to_owned(),
    };
    let Some(id) = message_id else {
        return Ok(conflict("has no message that the agent has not read"));
    };
    let found: Option<Option<String>> = write
        .db
        .prepare_cached(
            "SELECT delivery FROM conversation WHERE session_key = ? AND seq = ? AND event_type = 'message' AND role = 'user'",
        )
        .and_then(|mut query| {
            query
                .query_row(params![session.key, id], |row| row.get(0))
                .optional()
        })
        .doing("find a message")?;
    Ok(match found.as_ref().map(Option::as_deref) {
        None => StoreError::NotFound {
            what: "message",
            id: id.to_string(),
        },
        Some(None) => conflict("has read that message already"),
        Some(Some("withdrawn")) => conflict("never got that message: it was withdrawn"),
        Some(Some(_)) => conflict("never got that message, and it will not be sent"),
    })
}
