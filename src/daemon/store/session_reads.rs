//! Finding and listing sessions.

use rusqlite::{Connection, OptionalExtension as _};

use super::{Doing as _, StoreError, rows};
use crate::domain::session::Process;
use crate::domain::{Session, SessionId, Status};

/// Which sessions a list wants.
#[derive(Clone, Debug, Default)]
pub struct SessionFilter {
    /// Only (not) archived ones; none means both.
    pub archived: Option<bool>,
    /// Only those in one of these statuses; empty means all.
    pub statuses: Vec<Status>,
    /// Most sessions to return; none means all.
    pub limit: Option<u32>,
    /// Continue after this session of an earlier page.
    pub after: Option<SessionId>,
}

pub fn find(db: &Connection, condition: &str, value: &str) -> Result<Option<Session>, StoreError> {
    db.prepare_cached(&format!(
        "SELECT {} FROM sessions s WHERE {condition}",
        rows::SESSION
    ))
    .and_then(|mut query| query.query_row([value], rows::session).optional())
    .doing("read a session")
}

/// A session by its key.
pub fn by_key(db: &Connection, key: i64) -> Result<Session, StoreError> {
    db.prepare_cached(&format!(
        "SELECT {} FROM sessions s WHERE s.key = ?",
        rows::SESSION
    ))
    .and_then(|mut query| query.query_row([key], rows::session).optional())
    .doing("read a session")?
    .ok_or_else(|| StoreError::NotFound {
        what: "session",
        id: key.to_string(),
    })
}

/// The session whose conversation a second process of it shares.
pub fn original(db: &Connection, key: i64) -> Result<Option<SessionId>, StoreError> {
    db.prepare_cached(
        "SELECT o.id FROM sessions s JOIN sessions o ON o.key = s.duplicate_of WHERE s.key = ?",
    )
    .and_then(|mut query| {
        query
            .query_row([key], |row| row.get::<_, String>(0))
            .optional()
    })
    .doing("read a session")
    .map(|id| id.map(SessionId::from))
}

/// A session by any whole id or run id that was ever given out for it.
pub fn exact(db: &Connection, id: &str) -> Result<Option<Session>, StoreError> {
    for condition in ["s.id = ?1", "s.run_id = ?1"] {
        if let Some(session) = find(db, condition, id)? {
            return Ok(Some(session));
        }
    }
    session_key(db, id)?.map(|key| by_key(db, key)).transpose()
}

/// The session that a further id or run id names.
pub fn session_key(db: &Connection, id: &str) -> Result<Option<i64>, StoreError> {
    db.prepare_cached("SELECT session_key FROM wire_ids WHERE id = ?1 OR run_id = ?1")
        .and_then(|mut query| query.query_row([id], |row| row.get(0)).optional())
        .doing("find a session")
}

/// A session by any id or run id that was ever given out for it, or a unique prefix of an id.
pub fn resolve(db: &Connection, id: &str) -> Result<Session, StoreError> {
    // The run of a program's is named by that program: it takes no session's id or the beginning of one.
    let foreign = match exact(db, id)? {
        Some(session) if session.process != Process::External || session.id.as_str() == id => {
            return Ok(session);
        }
        found => found,
    };
    let not_found = || StoreError::NotFound {
        what: "session",
        id: id.to_owned(),
    };
    let Some(end) = prefix_end(id) else {
        return foreign.ok_or_else(not_found);
    };
    let keys: Vec<i64> = db
        .prepare_cached(
            "SELECT key FROM sessions WHERE id >= ?1 AND id < ?2
             UNION SELECT session_key FROM wire_ids WHERE id >= ?1 AND id < ?2 LIMIT 2",
        )
        .and_then(|mut query| {
            query
                .query_map([id, end.as_str()], |row| row.get(0))?
                .collect()
        })
        .doing("find a session")?;
    match keys.as_slice() {
        [] => foreign.ok_or_else(not_found),
        [key] => by_key(db, *key),
        _ => Err(StoreError::Ambiguous {
            what: "session",
            id: id.to_owned(),
        }),
    }
}

/// The first text after all texts that begin with `prefix`; none for what cannot begin an id.
pub fn prefix_end(prefix: &str) -> Option<String> {
    let plain = !prefix.is_empty()
        && prefix
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    // `~` sorts after everything that ids are made of.
    plain.then(|| format!("{prefix}~"))
}

/// Refuses to steer what is not ours.
pub fn must_be_ours(session: &Session) -> Result<(), StoreError> {
    if session.process == Process::External {
        return Err(StoreError::Conflict {
            id: session.id.clone(),
            problem: "belongs to another program: its requests can be answered, but it cannot be steered from here"
                .to_owned(),
        });
    }
    Ok(())
}
