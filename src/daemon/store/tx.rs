//! The transaction of the writer as its jobs see it: statements, and what is announced after the commit.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rusqlite::Connection;

use super::known_sessions::KnownSessions;
use crate::daemon::follow::Follower;
use crate::domain::{Approval, Event, EventBody, OutgoingLine, RunId, SessionId};

/// Makes the line that answers a question of the agent, once its outcome stands; the flag also ends
/// the turn. None for an outcome that the agent is not told.
pub type AnswerLine = fn(&Approval, bool) -> Option<OutgoingLine>;

/// What a job may do: statements of its transaction, events and wake-ups for after the commit.
pub struct Write<'c> {
    pub db: &'c Connection,
    pub now: Timestamp,
    pub answer: AnswerLine,
    pub follower: &'c Follower,
    /// Sessions as they are stored, for who follows a journal.
    pub known: &'c mut KnownSessions,
    pub(super) seq: i64,
    pub(super) events: Vec<Event>,
    pub(super) wakes: BTreeSet<i64>,
    pub(super) wakes_api: bool,
    pub(super) wire_ids_changed: bool,
}

impl Write<'_> {
    /// The next global sequence number.
    pub fn next_seq(&mut self) -> i64 {
        self.seq += 1;
        self.seq
    }

    /// Announces, after the commit, an event that has been stored under `seq`.
    pub fn announce(&mut self, seq: i64, session_id: &SessionId, run_id: &RunId, body: EventBody) {
        self.events.push(Event {
            seq,
            at: self.now,
            session_id: session_id.clone(),
            run_id: run_id.clone(),
            body,
        });
    }

    /// Announces, after the commit, an event that exists only on the bus.
    pub fn announce_live(&mut self, session_id: &SessionId, run_id: &RunId, body: EventBody) {
        self.announce(0, session_id, run_id, body);
    }

    /// Wakes the session's supervisor after the commit.
    pub fn wake(&mut self, session_key: i64) {
        self.wakes.insert(session_key);
    }

    /// Tells, after the commit and before its events, that a session has another id.
    pub fn wire_ids_changed(&mut self) {
        self.wire_ids_changed = true;
    }

    /// Wakes, after the commit, whoever answers at the remote API. Waking in vain is harmless.
    pub fn wake_api_outbox(&mut self) {
        self.wakes_api = true;
    }
}
