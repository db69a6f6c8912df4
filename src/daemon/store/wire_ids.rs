//! Wire ids: all ids and run ids that were ever given out for a session, and what each stands for.

use rusqlite::{Connection, Row, params};

use super::rows::{self, micros};
use super::tx::Write;
use super::{Doing as _, Store, StoreError, session_reads};
use crate::domain::session::Process;
use crate::domain::wire_id::Standing;
use crate::domain::{Lineage, RunId, Session, SessionId, WireId};

/// Columns of a wire id, to be read with [`wire_id`].
const COLUMNS: &str =
    "id, run_id, parent_id, from_sequence, from_seq, query, title, created_at, before";

/// A further id for a conversation.
#[derive(Clone, Debug)]
pub struct NewWireId {
    /// The id; given again, the same one is meant.
    pub id: SessionId,
    /// Its run id.
    pub run_id: RunId,
    /// The id that was named.
    pub parent_id: SessionId,
    /// The title that was asked for.
    pub title: String,
}

impl Store {
    /// A session with all its ids, and which of them was named.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Ambiguous`].
    pub async fn lineage(&self, id: &str) -> Result<(Lineage, usize), StoreError> {
        let id = id.to_owned();
        self.readers
            .run(move |db| {
                let lineage = of(db, session_reads::resolve(db, &id)?)?;
                let position = lineage.position_of_prefix(&id);
                Ok((lineage, position))
            })
            .await
    }

    /// Adds the further ids of sessions.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn lineages(&self, sessions: Vec<Session>) -> Result<Vec<Lineage>, StoreError> {
        self.readers
            .run(move |db| {
                sessions
                    .into_iter()
                    .map(|session| of(db, session))
                    .collect()
            })
            .await
    }

    /// Those among these ids that a later id, or a fork, names as its parent.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn parents_among(&self, ids: Vec<SessionId>) -> Result<Vec<bool>, StoreError> {
        self.readers
            .run(move |db| ids.iter().map(|id| is_parent(db, id)).collect())
            .await
    }
}

fn is_parent(db: &Connection, id: &SessionId) -> Result<bool, StoreError> {
    db.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM wire_ids WHERE parent_id = ?1)
            OR EXISTS (SELECT 1 FROM sessions WHERE parent_id = ?1)",
    )
    .and_then(|mut query| query.query_row([id.as_str()], |row| row.get(0)))
    .doing("look for what continues a session")
}

/// A session with its further ids.
pub fn of(db: &Connection, session: Session) -> Result<Lineage, StoreError> {
    let ids = ids_of(db, session.key)?;
    Ok(Lineage { session, ids })
}

/// The further ids of a session, in the order in which they were given out.
fn ids_of(db: &Connection, session_key: i64) -> Result<Vec<WireId>, StoreError> {
    db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM wire_ids WHERE session_key = ? ORDER BY from_seq, created_at"
    ))
    .and_then(|mut query| query.query_map([session_key], wire_id)?.collect())
    .doing("read a session's ids")
}

fn wire_id(row: &Row<'_>) -> rusqlite::Result<WireId> {
    Ok(WireId {
        id: SessionId::from(row.get::<_, String>(0)?),
        run_id: RunId::from(row.get::<_, String>(1)?),
        parent_id: SessionId::from(row.get::<_, String>(2)?),
        from_sequence: row.get(3)?,
        from_seq: row.get(4)?,
        query: row.get(5)?,
        title: row.get(6)?,
        created_at: rows::time(row, 7)?,
        before: rows::json::<Standing>(row, 8)?,
    })
}

/// Gives a session a further id from here on: before the message with which it begins is stored.
pub fn give(
    write: &mut Write<'_>,
    session: &Session,
    new: &NewWireId,
    query: &str,
) -> Result<(), StoreError> {
    let before =
        serde_json::to_string(&Standing::of(session)).map_err(|error| StoreError::Value {
            what: "before",
            problem: error.to_string(),
        })?;
    let from_seq = write.next_seq();
    write
        .db
        .prepare_cached(&format!(
            "INSERT INTO wire_ids (session_key, {COLUMNS}) VALUES (?1, ?2, ?3, ?4,
                (SELECT next_sequence FROM sessions WHERE key = ?1), ?5, ?6, ?7, ?8, ?9)"
        ))
        .and_then(|mut insert| {
            insert.execute(params![
                session.key,
                new.id.as_str(),
                new.run_id.as_str(),
                new.parent_id.as_str(),
                from_seq,
                query,
                new.title,
                micros(write.now),
                before,
            ])
        })
        .doing("give a conversation a further id")?;
    write.wire_ids_changed();
    Ok(())
}

/// The live session, other than this one, that speaks for the same conversation of the agent.
pub fn other_process(db: &Connection, session: &Session) -> Result<Option<SessionId>, StoreError> {
    let Some(claude_id) = &session.claude_session_id else {
        return Ok(None);
    };
    db.prepare_cached(
        "SELECT id, process FROM sessions WHERE claude_session_id = ? AND key <> ? ORDER BY key",
    )
    .and_then(|mut query| {
        query
            .query_map(params![claude_id, session.key], |row| {
                Ok((
                    row.get::<_, String>(0)?,
                    rows::named(row, 1, Process::parse)?,
                ))
            })?
            .collect::<rusqlite::Result<Vec<_>>>()
    })
    .doing("look for another process of a conversation")
    .map(|found| {
        let mut live = found
            .into_iter()
            .filter(|(_, process)| process.is_ours_and_alive());
        live.next().map(|(id, _)| SessionId::from(id))
    })
}
