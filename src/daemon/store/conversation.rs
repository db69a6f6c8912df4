//! Conversations: appending, and reading by page or whole.

use std::sync::Arc;

use rusqlite::{CachedStatement, Connection, OptionalExtension as _, params};

use super::rows::{self, micros};
use super::sessions;
use super::writer::Write;
use super::{Doing as _, Store, StoreError};
use crate::domain::conversation::NewConversationEvent;
use crate::domain::{ApprovalId, ConversationEvent, EventBody, Outcome, Session, SessionId};

/// Most ancestors whose conversation is read before a session's own; a longer chain is cut at the
/// far end.
const MAX_ANCESTORS: usize = 1000;

/// Which part of one session's conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Page {
    /// The last `limit` pieces before this place (or the very last).
    Before(Option<i64>, u32),
    /// The first `limit` pieces after this place.
    After(i64, u32),
}

impl Store {
    /// The whole conversation: that of the sessions which this one continues, then its own.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn conversation(&self, id: &str) -> Result<Vec<ConversationEvent>, StoreError> {
        let id = id.to_owned();
        self.readers
            .run(move |db| {
                let session = sessions::resolve(db, &id)?;
                let mut chain = vec![session.key];
                let mut parent = session.parent_session_id;
                while let Some(id) = parent.take() {
                    let Some(ancestor) = sessions::resolve(db, id.as_str()).ok() else {
                        break;
                    };
                    if chain.contains(&ancestor.key) || chain.len() >= MAX_ANCESTORS {
                        break;
                    }
                    chain.push(ancestor.key);
                    parent = ancestor.parent_session_id;
                }
                let mut events = Vec::new();
                for key in chain.into_iter().rev() {
                    events.extend(read(db, key, &Page::After(0, u32::MAX))?);
                }
                Ok(events)
            })
            .await
    }

    /// The whole conversation of the last session that goes by the agent's name for it.
    ///
    /// # Errors
    /// When the database cannot be read. An unknown name has an empty conversation.
    pub async fn conversation_by_claude_id(
        &self,
        claude_id: &str,
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
                    events.extend(read(db, key, &Page::After(0, u32::MAX))?);
                }
                Ok(events)
            })
            .await
    }

    /// One page of a session's own conversation, in order. The cost does not grow with the
    /// conversation.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn conversation_page(
        &self,
        id: &str,
        page: Page,
    ) -> Result<Vec<ConversationEvent>, StoreError> {
        let id = id.to_owned();
        self.readers
            .run(move |db| {
                let session = sessions::resolve(db, &id)?;
                read(db, session.key, &page)
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
                let session = sessions::resolve(db, &id)?;
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

fn read(db: &Connection, key: i64, page: &Page) -> Result<Vec<ConversationEvent>, StoreError> {
    let (condition, order, place, limit) = match page {
        Page::Before(place, limit) => ("<", "DESC", place.unwrap_or(i64::MAX), limit),
        Page::After(place, limit) => (">", "ASC", *place, limit),
    };
    let sql = format!(
        "SELECT {} FROM conversation c JOIN sessions s ON s.key = c.session_key
         WHERE c.session_key = ?1 AND c.sequence {condition} ?2 ORDER BY c.sequence {order} LIMIT ?3",
        rows::CONVERSATION
    );
    let mut events: Vec<ConversationEvent> = db
        .prepare_cached(&sql)
        .and_then(|mut query| {
            query
                .query_map(params![key, place, limit], rows::conversation)?
                .collect()
        })
        .doing("read a conversation")?;
    if matches!(page, Page::Before(..)) {
        events.reverse();
    }
    Ok(events)
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
                    tool_input, parent_tool_use_id, tool_result_for_id, tool_result_content, is_error, created_at)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
        };
        write.announce(
            seq,
            &session.id,
            &session.run_id,
            EventBody::ConversationUpdated(Box::new(event)),
        );
        Ok(())
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
) -> Result<Option<(ApprovalId, Outcome)>, StoreError> {
    let found = write
        .db
        .prepare_cached("SELECT id || '/' || outcome FROM approvals WHERE session_key = ? AND tool_use_id = ? ORDER BY key DESC LIMIT 1")
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
            Ok((rows::conversation(row)?, row.get(17)?))
        })?
        .collect()
}
