//! Sessions that the database does not know, taken in from what is in their directories; and sessions whose journal was
//! read further by a database that is no more there.
//!
//! An agent can write all of that. So nothing of it permits anything: an adopted session has no standing permission, no
//! mode, no program and no MCP servers of its own, and no further process until a person has acknowledged the alarm that
//! tells of it.

use rusqlite::{OptionalExtension as _, params};

use super::rows::micros;
use super::tx::Write;
use super::{Doing as _, Store, StoreError, alarms, conversation, events, rows, session_reads};
use crate::daemon::callers::AlarmKind;
use crate::domain::conversation::NewConversationEvent;
use crate::domain::session::SUMMARY_CHARS;
use crate::domain::stream_state::StreamState;
use crate::domain::{
    Effect, EventType, LaunchConfig, OutgoingLine, RunId, Session, SessionId, Status, text,
};

/// What becomes of a question that was decided where nobody can look any more.
pub const DECISION_LOST: &str =
    "what was decided is not known: the database that had it is not the present one";

/// A process's directory that the database does not know.
#[derive(Clone, Debug)]
pub struct Adoption {
    /// Its name.
    pub directory: String,
    /// Where its agent works, as its journal says.
    pub working_dir: String,
    /// Its first message, as its journal says.
    pub query: String,
    /// The first byte of its journal that can be read.
    pub from: u64,
    /// Up to where its journal was written before it was adopted.
    pub until: u64,
    /// What is told of it.
    pub detail: String,
}

impl Store {
    /// Whether a directory is that of a process that is on record, even if it is over.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn knows_directory(&self, name: String) -> Result<bool, StoreError> {
        self.readers
            .run(move |db| {
                db.prepare_cached("SELECT 1 FROM sessions WHERE directory = ?1 OR id = ?1")
                    .and_then(|mut query| query.exists([name]))
                    .doing("look whose a directory is")
            })
            .await
    }

    /// Makes a session of a directory. Its journal is to be read then.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn adopt(&self, adoption: Adoption) -> Result<Session, StoreError> {
        self.writer.run(move |write| adopt(write, adoption)).await
    }

    /// Notes that a session's journal was written up to there while another database was in use, and that it can be
    /// read from there on only.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn read_before(
        &self,
        session_key: i64,
        from: u64,
        until: u64,
    ) -> Result<Session, StoreError> {
        self.writer
            .run(move |write| {
                let session = session_reads::by_key(write.db, session_key)?;
                let missing = from.saturating_sub(session.journal_offset);
                let stream = rows::stream_state(&StreamState {
                    read_before: until,
                    ..session.stream.clone()
                })?;
                write
                    .db
                    .execute(
                        "UPDATE sessions SET stream_state = ?2, journal_offset = max(journal_offset, ?3) WHERE key = ?1",
                        params![session_key, stream, i64::try_from(from).unwrap_or(i64::MAX)],
                    )
                    .doing("note how far a journal was read before")?;
                if missing > 0 {
                    conversation::note(write, &session, gap(missing))?;
                }
                session_reads::by_key(write.db, session_key)
            })
            .await
    }

    /// Whether nobody has confirmed yet that a session may have another process: it was adopted.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn is_unconfirmed(&self, session: SessionId) -> Result<bool, StoreError> {
        self.readers
            .run(move |db| {
                db.prepare_cached(
                    "SELECT 1 FROM alarms WHERE kind = ? AND session_id = ? AND acknowledged_at IS NULL",
                )
                .and_then(|mut query| {
                    query.exists(params![AlarmKind::SessionAdopted.as_str(), session.as_str()])
                })
                .doing("look whether a session is confirmed")
            })
            .await
    }
}

fn gap(missing: u64) -> String {
    format!(
        "{missing} bytes of what the agent wrote here are missing: they were in the database that was used before, and are no more in the journal."
    )
}

fn adopt(write: &mut Write<'_>, adoption: Adoption) -> Result<Session, StoreError> {
    let Adoption {
        directory,
        working_dir,
        query,
        from,
        until,
        detail,
    } = adoption;
    let is_id = uuid::Uuid::parse_str(&directory).is_ok()
        && session_reads::exact(write.db, &directory)?.is_none();
    let id = if is_id {
        SessionId::from(directory.clone())
    } else {
        SessionId::random()
    };
    let config =
        serde_json::to_string(&LaunchConfig::default()).map_err(|error| StoreError::Value {
            what: "config",
            problem: error.to_string(),
        })?;
    let stream = rows::stream_state(&StreamState {
        tells_messages: true,
        read_before: until,
        ..StreamState::default()
    })?;
    write
        .db
        .prepare_cached(
            "INSERT INTO sessions (id, run_id, phase, status, process, query, summary, title, working_dir, config,
                created_at, last_activity_at, directory, journal_offset, stream_state)
             VALUES (?1, ?2, 'starting', 'starting', 'live', ?3, ?4, '', ?5, ?6, ?7, ?7, ?8, ?9, ?10)",
        )
        .and_then(|mut insert| {
            insert.execute(params![
                id.as_str(),
                RunId::random().as_str(),
                query,
                text::summary(&query, SUMMARY_CHARS),
                working_dir,
                config,
                micros(write.now),
                directory,
                i64::try_from(from).unwrap_or(i64::MAX),
                stream,
            ])
        })
        .doing("adopt a session")?;
    let key = write.db.last_insert_rowid();
    let session = session_reads::by_key(write.db, key)?;
    events::status_changed(write, &session, Status::Draft)?;
    conversation::note(write, &session, detail.clone())?;
    if from > 0 {
        conversation::note(write, &session, gap(from))?;
    }
    alarms::raise_in(write, AlarmKind::SessionAdopted, &session, &detail)?;
    session_reads::by_key(write.db, key)
}

/// What the agent repeats of messages that this database never had becomes words of the user; what it had is there.
pub fn with_messages(
    write: &Write<'_>,
    session: &Session,
    effects: Vec<Effect>,
) -> Result<Vec<Effect>, StoreError> {
    let mut all = Vec::with_capacity(effects.len());
    for effect in effects {
        let Effect::Repeated { uuid, text } = effect else {
            all.push(effect);
            continue;
        };
        let frame = format!("{}{uuid}", OutgoingLine::MESSAGE);
        let known: Option<i64> = write
            .db
            .prepare_cached(
                "SELECT 1 FROM outbox WHERE session_key = ?1 AND frame_id = ?2
                 UNION SELECT 1 FROM read_messages WHERE session_key = ?1 AND frame_id = ?2",
            )
            .and_then(|mut query| {
                query
                    .query_row(params![session.key, frame], |row| row.get(0))
                    .optional()
            })
            .doing("look for a message")?;
        if known.is_none() {
            all.push(Effect::Say(NewConversationEvent::words(
                EventType::Message,
                "user",
                text,
            )));
        }
    }
    Ok(all)
}
