//! Conversations: appending, and reading by page or whole.

use std::sync::Arc;

use rusqlite::{CachedStatement, Connection, OptionalExtension as _, params};

use super::rows::{self, micros};
use super::tx::Write;
use super::{Doing as _, Store, StoreError, session_reads, wire_ids};
use crate::domain::conversation::{CallApproval, NewConversationEvent};
use crate::domain::{
    ConversationEvent, Delivery, EventBody, EventType, Lineage, Session, SessionId,
};

/// Most sessions of which one conversation can be made up; a longer chain of forks is cut at the far
/// end.
const MAX_SOURCES: usize = 1000;

/// Which part of one session's conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Page {
    /// The last `limit` pieces before this place (or the very last).
    Before(Option<i64>, u32),
    /// The first `limit` pieces after this place.
    After(i64, u32),
}

/// Whose ids pieces of conversation carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// The session's that was asked for.
    Session,
    /// Those under which existing clients know them, and nothing from after the id that was named.
    Wire,
}

impl Store {
    /// A conversation, or a page of it, in order: what a fork shares, then its own. The cost of a page
    /// does not grow with the conversation.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn conversation(
        &self,
        id: &str,
        page: Page,
        names: Names,
    ) -> Result<Vec<ConversationEvent>, StoreError> {
        let id = id.to_owned();
        self.readers
            .run(move |db| {
                let lineage = wire_ids::of(db, session_reads::resolve(db, &id)?)?;
                let until = match names {
                    Names::Session => None,
                    Names::Wire => lineage.last_sequence(lineage.position_of_prefix(&id)),
                };
                let mut events = read(db, &lineage.session, &page, until)?;
                match names {
                    Names::Session => {
                        for event in &mut events {
                            event.session_id = lineage.session.id.clone();
                        }
                    }
                    Names::Wire => name_by_wire(db, lineage, &mut events)?,
                }
                Ok(events)
            })
            .await
    }

    /// The whole conversation that goes by the agent's name for it.
    ///
    /// # Errors
    /// When the database cannot be read. An unknown name has an empty conversation.
    pub async fn conversation_by_claude_id(
        &self,
        claude_id: &str,
        names: Names,
    ) -> Result<Vec<ConversationEvent>, StoreError> {
        let claude_id = claude_id.to_owned();
        self.readers
            .run(move |db| {
                let keys: Vec<i64> = db
                    .prepare_cached(
                        "SELECT key FROM sessions WHERE claude_session_id = ? ORDER BY key",
                    )
                    .and_then(|mut query| query.query_map([claude_id], |row| row.get(0))?.collect())
                    .doing("find a session")?;
                let mut events = Vec::new();
                for key in keys {
                    let mut own = read_range(db, key, &Page::After(0, u32::MAX), (0, i64::MAX))?;
                    if names == Names::Wire {
                        let lineage = wire_ids::of(db, session_reads::by_key(db, key)?)?;
                        name_by_wire(db, lineage, &mut own)?;
                    }
                    events.extend(own);
                }
                Ok(events)
            })
            .await
    }

    /// The agent's own lines of a session, in order, after a place in its journal; at most `limit`.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn raw_lines(
        &self,
        id: &str,
        after: Option<u64>,
        limit: u32,
    ) -> Result<Vec<(u64, String)>, StoreError> {
        let id = id.to_owned();
        let after = after.map_or(-1, |offset| i64::try_from(offset).unwrap_or(i64::MAX));
        self.readers
            .run(move |db| {
                let session = session_reads::resolve(db, &id)?;
                db.prepare_cached(
                    "SELECT journal_offset, line FROM raw_lines WHERE session_key = ? AND journal_offset > ?
                     ORDER BY journal_offset LIMIT ?",
                )
                .and_then(|mut query| {
                    query
                        .query_map(params![session.key, after, limit], |row| {
                            Ok((row.get::<_, i64>(0)?.unsigned_abs(), row.get(1)?))
                        })?
                        .collect()
                })
                .doing("read the agent's lines")
            })
            .await
    }
}

/// Gives pieces the ids under which existing clients know them.
fn name_by_wire(
    db: &Connection,
    lineage: Lineage,
    events: &mut [ConversationEvent],
) -> Result<(), StoreError> {
    let mut known = vec![lineage];
    for event in events {
        let owner = known
            .iter()
            .position(|lineage| lineage.session.id == event.session_id);
        let owner = match owner {
            Some(owner) => owner,
            None => {
                let session = session_reads::resolve(db, event.session_id.as_str())?;
                known.push(wire_ids::of(db, session)?);
                known.len() - 1
            }
        };
        if let Some(lineage) = known.get(owner).filter(|lineage| !lineage.ids.is_empty()) {
            let (id, _) = lineage.names(lineage.of_piece(event.sequence));
            event.session_id = id.clone();
        }
    }
    Ok(())
}

/// The rows that hold a session's conversation, with the places of each (after, up to), in order.
fn ranges(db: &Connection, session: &Session) -> Result<Vec<(i64, i64, i64)>, StoreError> {
    let mut ranges = vec![(session.key, session.fork_sequence, i64::MAX)];
    let (mut source, mut until) = (
        session.forked_from.is_some().then_some(session.key),
        session.fork_sequence,
    );
    while let Some(key) = source.filter(|_| until > 0 && ranges.len() < MAX_SOURCES) {
        let found: Option<(i64, i64, bool)> = db
            .prepare_cached(
                "SELECT p.key, p.fork_sequence, p.forked_from IS NOT NULL FROM sessions s
                 JOIN sessions p ON p.key = s.forked_from WHERE s.key = ?",
            )
            .and_then(|mut query| {
                query
                    .query_row([key], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
                    .optional()
            })
            .doing("find what a session was forked off")?;
        let Some((key, begins, forked)) = found else {
            break;
        };
        if begins < until {
            ranges.push((key, begins, until));
            until = begins;
        }
        source = forked.then_some(key);
    }
    ranges.reverse();
    Ok(ranges)
}

/// A page of a session's conversation, up to a place.
fn read(
    db: &Connection,
    session: &Session,
    page: &Page,
    until: Option<i64>,
) -> Result<Vec<ConversationEvent>, StoreError> {
    let mut ranges = ranges(db, session)?;
    if let Some(until) = until {
        for (_, _, to) in &mut ranges {
            *to = (*to).min(until);
        }
    }
    let mut events: Vec<ConversationEvent> = Vec::new();
    let left = |limit: u32, events: &[ConversationEvent]| {
        limit.saturating_sub(u32::try_from(events.len()).unwrap_or(u32::MAX))
    };
    match page {
        Page::After(place, limit) => {
            for (key, after, to) in ranges {
                if to > *place && left(*limit, &events) > 0 {
                    let page = Page::After(*place, left(*limit, &events));
                    events.extend(read_range(db, key, &page, (after, to))?);
                }
            }
        }
        Page::Before(place, limit) => {
            for (key, after, to) in ranges.into_iter().rev() {
                if place.is_none_or(|place| place > after) && left(*limit, &events) > 0 {
                    let page = Page::Before(*place, left(*limit, &events));
                    let mut earlier = read_range(db, key, &page, (after, to))?;
                    earlier.append(&mut events);
                    events = earlier;
                }
            }
        }
    }
    Ok(events)
}

/// A page of what one row holds, within places (after, up to).
fn read_range(
    db: &Connection,
    key: i64,
    page: &Page,
    (after, to): (i64, i64),
) -> Result<Vec<ConversationEvent>, StoreError> {
    let (condition, order, place, limit) = match page {
        Page::Before(place, limit) => ("<", "DESC", place.unwrap_or(i64::MAX), limit),
        Page::After(place, limit) => (">", "ASC", *place, limit),
    };
    let sql = format!(
        "SELECT {} FROM conversation c JOIN sessions s ON s.key = c.session_key
         WHERE c.session_key = ?1 AND c.sequence {condition} ?2 AND c.sequence > ?4 AND c.sequence <= ?5
         ORDER BY c.sequence {order} LIMIT ?3",
        rows::CONVERSATION
    );
    let mut events: Vec<ConversationEvent> = db
        .prepare_cached(&sql)
        .and_then(|mut query| {
            query
                .query_map(params![key, place, limit, after, to], rows::conversation)?
                .collect()
        })
        .doing("read a conversation")?;
    if matches!(page, Page::Before(..)) {
        events.reverse();
    }
    Ok(events)
}

/// Adds one piece to a session's conversation and announces it.
pub fn say(
    write: &mut Write<'_>,
    session: &Session,
    body: NewConversationEvent,
) -> Result<(), StoreError> {
    let sequence = next_sequence(write, session)?;
    append(write, session, sequence, body)
}

/// Adds what is to be known of a session to its conversation.
pub fn note(write: &mut Write<'_>, session: &Session, text: String) -> Result<(), StoreError> {
    let body = NewConversationEvent::words(EventType::System, "system", text);
    say(write, session, body)
}

/// The place of a session's next piece of conversation, which is taken.
pub fn next_sequence(write: &Write<'_>, session: &Session) -> Result<i64, StoreError> {
    write
        .db
        .prepare_cached("UPDATE sessions SET next_sequence = next_sequence + 1, last_activity_at = ?2 WHERE key = ?1 RETURNING next_sequence - 1")
        .and_then(|mut update| update.query_row(params![session.key, micros(write.now)], |row| row.get(0)))
        .doing("number a piece of conversation")
}

/// Stores one piece under its place in the session, and announces it.
pub fn append(
    write: &mut Write<'_>,
    session: &Session,
    sequence: i64,
    body: NewConversationEvent,
) -> Result<(), StoreError> {
    Appender::new(write, session)?.append(write, session, sequence, body)
}

/// Stores a message of the user that the agent has not read yet. Returns its `seq`.
pub fn append_message(
    write: &mut Write<'_>,
    session: &Session,
    sequence: i64,
    text: String,
    delivery: Delivery,
) -> Result<i64, StoreError> {
    let body = NewConversationEvent::words(EventType::Message, "user", text);
    Appender::new(write, session)?.add(write, session, sequence, body, Some(delivery))
}

/// Appends many pieces to one session in one transaction; looks up once what holds for all of them.
pub struct Appender<'c> {
    insert: CachedStatement<'c>,
    /// Whether the session has questions, once that was looked up.
    asked: Option<bool>,
    claude_session_id: Option<Arc<str>>,
}

impl<'c> Appender<'c> {
    /// Prepares the statement.
    pub fn new(write: &Write<'c>, session: &Session) -> Result<Self, StoreError> {
        let insert = write
            .db
            .prepare_cached(
                "INSERT INTO conversation (seq, session_key, sequence, event_type, role, content, tool_id, tool_name,
                    tool_input, parent_tool_use_id, tool_result_for_id, tool_result_content, is_error, created_at, delivery)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )
            .doing("store a piece of conversation")?;
        Ok(Self {
            insert,
            asked: None,
            claude_session_id: session.claude_session_id.as_deref().map(Arc::from),
        })
    }

    /// Notes that the session has a question now.
    pub fn asks(&mut self) {
        self.asked = Some(true);
    }

    /// Stores one piece under its place in the session, and announces it.
    pub fn append(
        &mut self,
        write: &mut Write<'_>,
        session: &Session,
        sequence: i64,
        body: NewConversationEvent,
    ) -> Result<(), StoreError> {
        self.add(write, session, sequence, body, None).map(drop)
    }

    fn add(
        &mut self,
        write: &mut Write<'_>,
        session: &Session,
        sequence: i64,
        body: NewConversationEvent,
        delivery: Option<Delivery>,
    ) -> Result<i64, StoreError> {
        let seq = write.next_seq();
        self.insert
            .execute(params![
                seq,
                session.key,
                sequence,
                body.event_type.as_str(),
                body.role,
                body.content,
                body.tool_id,
                body.tool_name,
                body.tool_input,
                body.parent_tool_use_id,
                body.tool_result_for_id,
                body.tool_result_content,
                body.is_error,
                micros(write.now),
                delivery.map(Delivery::as_str),
            ])
            .doing("store a piece of conversation")?;
        // The question may have come before the call that it is about.
        let approval = match &body.tool_id {
            Some(tool_id) if self.has_asked(write, session)? => asked_for(write, session, tool_id)?,
            Some(_) | None => None,
        };
        let event = ConversationEvent {
            seq,
            session_id: session.id.clone(),
            claude_session_id: self.claude_session_id.clone(),
            sequence,
            created_at: write.now,
            body,
            is_completed: false,
            approval,
            delivery,
        };
        write.announce(
            seq,
            &session.id,
            &session.run_id,
            EventBody::ConversationUpdated(Box::new(event)),
        );
        Ok(seq)
    }

    fn has_asked(&mut self, write: &Write<'_>, session: &Session) -> Result<bool, StoreError> {
        if let Some(asked) = self.asked {
            return Ok(asked);
        }
        let asked = write
            .db
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM approvals WHERE session_key = ?)")
            .and_then(|mut query| query.query_row([session.key], |row| row.get(0)))
            .doing("look for a session's questions")?;
        self.asked = Some(asked);
        Ok(asked)
    }
}

fn asked_for(
    write: &Write<'_>,
    session: &Session,
    tool_id: &str,
) -> Result<Option<CallApproval>, StoreError> {
    let found = write
        .db
        .prepare_cached("SELECT id || '/' || outcome || '/' || coalesce(unread_lines, '') || coalesce('/' || updated_input, '') FROM approvals WHERE session_key = ? AND tool_use_id = ? ORDER BY key DESC LIMIT 1")
        .and_then(|mut query| {
            query.query_row(params![session.key, tool_id], |row| row.get::<_, String>(0)).optional()
        })
        .doing("find a tool call's approval")?;
    Ok(found.and_then(|text| rows::link(&text)))
}

/// Reads a piece of conversation by its sequence number, for replay.
pub fn since(
    db: &Connection,
    seq: i64,
    until: i64,
    session: Option<&SessionId>,
) -> rusqlite::Result<Vec<(ConversationEvent, String)>> {
    let sql = format!(
        "SELECT {}, s.run_id FROM conversation c JOIN sessions s ON s.key = c.session_key
         WHERE c.seq > ?1 AND c.seq <= ?2 AND (?3 IS NULL OR s.id = ?3) ORDER BY c.seq",
        rows::CONVERSATION
    );
    db.prepare_cached(&sql)?
        .query_map(params![seq, until, session.map(SessionId::as_str)], |row| {
            Ok((
                rows::conversation(row)?,
                row.get(rows::CONVERSATION_COLUMNS)?,
            ))
        })?
        .collect()
}
