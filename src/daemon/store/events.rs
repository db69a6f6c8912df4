//! Events: storing those that are not conversation, and reading all of them again by `seq`.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::{Map, Value, json};

use super::rows::{self, micros};
use super::tx::Write;
use super::{Doing as _, Store, StoreError, conversation, sequence};
use crate::domain::{
    Approval, Delivery, Event, EventBody, EventName, RunId, Session, SessionId, Status,
};

/// A stretch of the past.
#[derive(Clone, Debug)]
pub struct Replay {
    /// The events, in order.
    pub events: Vec<Event>,
    /// Everything up to here has been looked at.
    pub seen: i64,
    /// Whether there is more after it.
    pub more: bool,
    /// Whether events between the asked place and the first one here are no longer kept.
    pub gap: bool,
}

impl Store {
    /// Events after `seq`, of one session or of all, at most `limit` sequence numbers further on.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn events_since(
        &self,
        seq: i64,
        limit: i64,
        session: Option<SessionId>,
    ) -> Result<Replay, StoreError> {
        self.readers
            .run(move |db| replay(db, seq, limit, session.as_ref()))
            .await
    }

    /// The last sequence number that was given out.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn last_seq(&self) -> Result<i64, StoreError> {
        self.readers.run(sequence::last_seq).await
    }
}

fn replay(
    db: &Connection,
    seq: i64,
    limit: i64,
    session: Option<&SessionId>,
) -> Result<Replay, StoreError> {
    let last = sequence::last_seq(db)?;
    let until = last.min(seq.saturating_add(limit));
    let pruned: i64 = db
        .query_row(
            "SELECT value FROM counters WHERE name = 'pruned_seq'",
            [],
            |row| row.get(0),
        )
        .doing("read what is kept")?;
    let mut events = stored(db, seq, until, session).doing("read events")?;
    events.extend(deletions(db, seq, until, session).doing("read events")?);
    for (event, run_id) in conversation::since(db, seq, until, session).doing("read events")? {
        events.push(Event {
            seq: event.seq,
            at: event.created_at,
            session_id: event.session_id.clone(),
            run_id: RunId::from(run_id),
            body: EventBody::ConversationUpdated(Box::new(event)),
        });
    }
    events.sort_by_key(|event| event.seq);
    Ok(Replay {
        events,
        seen: until,
        more: until < last,
        gap: seq < pruned,
    })
}

fn stored(
    db: &Connection,
    seq: i64,
    until: i64,
    session: Option<&SessionId>,
) -> rusqlite::Result<Vec<Event>> {
    let mut query = db.prepare_cached(
        "SELECT e.seq, e.at, s.id, s.run_id, e.type, e.approval_key, e.data,
            (SELECT f.id FROM sessions f WHERE f.key = s.forked_from)
         FROM events e JOIN sessions s ON s.key = e.session_key
         WHERE e.seq > ?1 AND e.seq <= ?2 AND (?3 IS NULL OR s.id = ?3) ORDER BY e.seq",
    )?;
    let mut found = query.query(params![seq, until, session.map(SessionId::as_str)])?;
    let mut events = Vec::new();
    while let Some(row) = found.next()? {
        let approval_key: Option<i64> = row.get(5)?;
        let data: Option<String> = row.get(6)?;
        let data: Value = data
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or(Value::Null);
        let approval = approval_key
            .map(|key| approval(db, key))
            .transpose()?
            .flatten()
            .map(Box::new);
        let status = |name: &str| {
            data.get(name)
                .and_then(Value::as_str)
                .and_then(Status::parse)
        };
        let body = match (EventName::parse(row.get_ref(4)?.as_str()?), approval) {
            (Some(EventName::NewApproval), Some(approval)) => EventBody::NewApproval(approval),
            (Some(EventName::ApprovalResolved), Some(approval)) => {
                EventBody::ApprovalResolved(approval)
            }
            (Some(EventName::ApprovalDelivered), Some(approval)) => {
                EventBody::ApprovalDelivered(approval)
            }
            (Some(EventName::MessageUpdated), _) => {
                let number = |name: &str| data.get(name).and_then(Value::as_i64);
                let (Some(id), Some(sequence)) = (number("id"), number("sequence")) else {
                    continue;
                };
                EventBody::MessageUpdated {
                    id,
                    sequence,
                    delivery: data
                        .get("delivery")
                        .and_then(Value::as_str)
                        .and_then(Delivery::parse),
                }
            }
            (Some(EventName::SessionSettingsChanged), _) => EventBody::SessionSettingsChanged(data),
            (Some(EventName::SessionStatusChanged), _) => match (status("old"), status("new")) {
                (Some(old), Some(new)) => EventBody::SessionStatusChanged {
                    old,
                    new,
                    parent_session_id: row.get::<_, Option<String>>(7)?.map(SessionId::from),
                },
                _ => continue,
            },
            // Not stored, or stored elsewhere, or of an approval that is gone.
            (
                Some(
                    EventName::NewApproval
                    | EventName::ApprovalResolved
                    | EventName::ApprovalDelivered
                    | EventName::ConversationUpdated
                    | EventName::SessionDeleted
                    | EventName::SessionUpdated
                    | EventName::AlarmsChanged
                    | EventName::ProblemChanged
                    | EventName::MessageDelta
                    | EventName::Resync,
                ),
                _,
            ) => continue,
            // Written by a newer daemon before a downgrade: not ours to interpret.
            (None, _) => continue,
        };
        events.push(Event {
            seq: row.get(0)?,
            at: rows::time(row, 1)?,
            session_id: SessionId::from(row.get::<_, String>(2)?),
            run_id: RunId::from(row.get::<_, String>(3)?),
            body,
        });
    }
    Ok(events)
}

fn deletions(
    db: &Connection,
    seq: i64,
    until: i64,
    session: Option<&SessionId>,
) -> rusqlite::Result<Vec<Event>> {
    db.prepare_cached(
        "SELECT seq, at, session_id, run_id FROM deleted_sessions
         WHERE seq > ?1 AND seq <= ?2 AND (?3 IS NULL OR session_id = ?3) ORDER BY seq",
    )?
    .query_map(params![seq, until, session.map(SessionId::as_str)], |row| {
        Ok(Event {
            seq: row.get(0)?,
            at: rows::time(row, 1)?,
            session_id: SessionId::from(row.get::<_, String>(2)?),
            run_id: RunId::from(row.get::<_, String>(3)?),
            body: EventBody::SessionDeleted,
        })
    })?
    .collect()
}

fn approval(db: &Connection, key: i64) -> rusqlite::Result<Option<Approval>> {
    db.prepare_cached(&format!(
        "SELECT {} FROM approvals a JOIN sessions s ON s.key = a.session_key WHERE a.key = ?",
        rows::APPROVAL
    ))?
    .query_row([key], rows::approval)
    .optional()
}

fn record(
    write: &mut Write<'_>,
    session_key: i64,
    name: EventName,
    approval_key: Option<i64>,
    data: Option<&Value>,
) -> Result<i64, StoreError> {
    let seq = write.next_seq();
    let at: Timestamp = write.now;
    write
        .db
        .prepare_cached("INSERT INTO events (seq, at, session_key, type, approval_key, data) VALUES (?, ?, ?, ?, ?, ?)")
        .and_then(|mut insert| {
            insert.execute(params![seq, micros(at), session_key, name.as_str(), approval_key, data.map(Value::to_string)])
        })
        .doing("store an event")?;
    Ok(seq)
}

/// Stores and announces what happened to an approval.
pub fn approval_event(
    write: &mut Write<'_>,
    run_id: &RunId,
    approval: Approval,
    body: fn(Box<Approval>) -> EventBody,
) -> Result<(), StoreError> {
    let (session_id, session_key, key) = (
        approval.session_id.clone(),
        approval.session_key,
        approval.key,
    );
    let body = body(Box::new(approval));
    let seq = record(write, session_key, body.name(), Some(key), None)?;
    write.announce(seq, &session_id, run_id, body);
    Ok(())
}

/// Stores and announces a change of status; `session` has the new one.
pub fn status_changed(
    write: &mut Write<'_>,
    session: &Session,
    old: Status,
) -> Result<(), StoreError> {
    let data = json!({"old": old.as_str(), "new": session.status.as_str()});
    let seq = record(
        write,
        session.key,
        EventName::SessionStatusChanged,
        None,
        Some(&data),
    )?;
    let body = EventBody::SessionStatusChanged {
        old,
        new: session.status,
        parent_session_id: session.forked_from.clone(),
    };
    write.announce(seq, &session.id, &session.run_id, body);
    Ok(())
}

/// Stores and announces how far a message of the user is.
pub fn message_updated(
    write: &mut Write<'_>,
    session: &Session,
    id: i64,
    sequence: i64,
    delivery: Option<Delivery>,
) -> Result<(), StoreError> {
    let name = delivery.map(Delivery::as_str);
    let data = json!({"id": id, "sequence": sequence, "delivery": name});
    let seq = record(
        write,
        session.key,
        EventName::MessageUpdated,
        None,
        Some(&data),
    )?;
    let body = EventBody::MessageUpdated {
        id,
        sequence,
        delivery,
    };
    write.announce(seq, &session.id, &session.run_id, body);
    Ok(())
}

/// Stores and announces a change of a session's settings; `data` holds what has changed.
pub fn settings_changed(
    write: &mut Write<'_>,
    session: &Session,
    mut data: Map<String, Value>,
) -> Result<(), StoreError> {
    // What the older daemon's clients look at.
    data.insert("event_type".to_owned(), json!("settings_updated"));
    data.entry("auto_accept_edits")
        .or_insert_with(|| json!(session.settings.auto_accept_edits));
    let data = Value::Object(data);
    let seq = record(
        write,
        session.key,
        EventName::SessionSettingsChanged,
        None,
        Some(&data),
    )?;
    write.announce(
        seq,
        &session.id,
        &session.run_id,
        EventBody::SessionSettingsChanged(data),
    );
    Ok(())
}

/// What clients are told when a session is archived or brought back.
pub fn archived_data(archived: bool) -> Map<String, Value> {
    Map::from_iter([("archived".to_owned(), Value::Bool(archived))])
}
