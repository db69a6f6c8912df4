//! Sessions: creating, finding, listing, changing.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::json;

use super::rows::{self, micros};
use super::writer::Write;
use super::{Doing as _, Store, StoreError, events, external, outbox, secrets};
use crate::daemon::secrets::LaunchSecrets;
use crate::domain::conversation::NewConversationEvent;
use crate::domain::session::{Process, Settings};
use crate::domain::{
    EventBody, EventType, LaunchConfig, OutgoingLine, Phase, RunId, Session, SessionId, Status,
    text,
};

/// Characters of a session's summary.
const SUMMARY_CHARS: usize = 80;

/// A session that is to be.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// Its id; given again, the same session is returned instead of a second one.
    pub id: SessionId,
    /// Its run id.
    pub run_id: RunId,
    /// The session that it continues.
    pub parent: Option<SessionId>,
    /// The agent's name for the conversation, where it is known beforehand.
    pub claude_session_id: Option<String>,
    /// The first message.
    pub query: String,
    /// Its title; may be empty.
    pub title: String,
    /// Where the agent works.
    pub working_dir: String,
    /// How it was asked for.
    pub config: LaunchConfig,
    /// What it is launched with and nobody else may read.
    pub secrets: LaunchSecrets,
    /// Standing permissions.
    pub settings: Settings,
    /// The agent's first lines of input.
    pub lines: Vec<OutgoingLine>,
}

/// Whether creating a session made one.
#[derive(Clone, Debug)]
pub enum Started {
    /// It was made.
    New(Session),
    /// One with that id was there before, and nothing was changed.
    Existing(Session),
}

/// A directory that sessions worked in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecentPath {
    /// The directory.
    pub path: String,
    /// When a session last did something there.
    pub last_used: Timestamp,
    /// How many sessions worked there.
    pub usage_count: i64,
}

/// Which sessions a list wants.
#[derive(Clone, Debug, Default)]
pub struct SessionFilter {
    /// Only (not) archived ones; none means both.
    pub archived: Option<bool>,
    /// Only those that no other session continues.
    pub leaves_only: bool,
    /// Only those in one of these statuses; empty means all.
    pub statuses: Vec<Status>,
    /// Most sessions to return; none means all.
    pub limit: Option<u32>,
    /// Continue after this session of an earlier page.
    pub after: Option<SessionId>,
}

/// What a person changes about a session; none means «as it was».
#[derive(Clone, Debug, Default)]
pub struct SettingsChange {
    /// A new title.
    pub title: Option<String>,
    /// Put away or taken back.
    pub archived: Option<bool>,
    /// Edits without asking.
    pub auto_accept_edits: Option<bool>,
    /// Everything without asking, until then if a time is given.
    pub skip_permissions: Option<(bool, Option<Timestamp>)>,
}

impl Store {
    /// Accepts a session, with its first lines in the outbox and the query in its conversation.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn create_session(&self, new: NewSession) -> Result<Started, StoreError> {
        let sealed = self.seal(&new.id, &new.secrets);
        self.writer
            .run(move |write| create(write, new, sealed.as_deref()))
            .await
    }

    /// A session by its whole id, its run id or a unique prefix of its id.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Ambiguous`].
    pub async fn session(&self, id: &str) -> Result<Session, StoreError> {
        let id = id.to_owned();
        self.readers.run(move |db| resolve(db, &id)).await
    }

    /// A session by its key.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn session_by_key(&self, key: i64) -> Result<Session, StoreError> {
        self.readers.run(move |db| by_key(db, key)).await
    }

    /// Sessions, the last active first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn sessions(&self, filter: SessionFilter) -> Result<Vec<Session>, StoreError> {
        self.readers.run(move |db| list(db, &filter)).await
    }

    /// Sessions whose process is not known to have ended, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn sessions_in_progress(&self) -> Result<Vec<Session>, StoreError> {
        self.readers
            .run(|db| {
                db.prepare_cached(&format!(
                    "SELECT {} FROM sessions s WHERE s.process <> 'gone' AND s.process <> 'external' ORDER BY s.key",
                    rows::SESSION
                ))
                .and_then(|mut query| query.query_map([], rows::session)?.collect())
                .doing("list the running sessions")
            })
            .await
    }

    /// Directories of sessions, the last used first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn recent_paths(&self, limit: u32) -> Result<Vec<RecentPath>, StoreError> {
        self.readers
            .run(move |db| {
                db.prepare_cached(
                    "SELECT working_dir, max(last_activity_at), count(*) FROM sessions
                     WHERE working_dir <> '' GROUP BY working_dir ORDER BY 2 DESC LIMIT ?",
                )
                .and_then(|mut query| {
                    query
                        .query_map([limit], |row| {
                            Ok(RecentPath {
                                path: row.get(0)?,
                                last_used: rows::time(row, 1)?,
                                usage_count: row.get(2)?,
                            })
                        })?
                        .collect()
                })
                .doing("list recent directories")
            })
            .await
    }

    /// Changes what a person may change about a session, and settles what a new standing
    /// permission settles.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn change_settings(
        &self,
        id: &str,
        change: SettingsChange,
    ) -> Result<Session, StoreError> {
        let id = id.to_owned();
        self.writer
            .run(move |write| change_settings(write, &id, &change))
            .await
    }

    /// Notes that a runner is in charge of the session.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn mark_live(&self, key: i64) -> Result<(), StoreError> {
        self.writer
            .run(move |write| {
                let changed = write
                    .db
                    .prepare_cached("UPDATE sessions SET process = 'live' WHERE key = ? AND process = 'launching'")
                    .and_then(|mut update| update.execute([key]))
                    .doing("note that a session runs")?;
                if changed > 0 {
                    let session = by_key(write.db, key)?;
                    announce_updated(write, &session);
                }
                Ok(())
            })
            .await
    }

    /// A message of the user to a live session: into its conversation and on its way.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the session's process has ended.
    pub async fn send_message(
        &self,
        id: &str,
        text: String,
        line: OutgoingLine,
    ) -> Result<Session, StoreError> {
        let id = id.to_owned();
        self.writer
            .run(move |write| {
                let session = resolve(write.db, &id)?;
                external::must_be_ours(&session)?;
                if session.process == Process::Gone {
                    return Err(StoreError::Conflict {
                        id: session.id,
                        problem: "has ended: continue it instead".to_owned(),
                    });
                }
                say(
                    write,
                    &session,
                    NewConversationEvent::words(EventType::Message, "user", text),
                )?;
                outbox::enqueue(write, session.key, None, &line)?;
                let phase = match session.phase {
                    Phase::Starting | Phase::Interrupting => session.phase,
                    Phase::Running | Phase::Completed | Phase::Failed | Phase::Interrupted => {
                        Phase::Running
                    }
                };
                set_phase(write, session.key, phase)
            })
            .await
    }

    /// Asks the agent to stop its turn.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when no turn runs.
    pub async fn interrupt(&self, id: &str, line: OutgoingLine) -> Result<Session, StoreError> {
        let id = id.to_owned();
        self.writer
            .run(move |write| {
                let session = resolve(write.db, &id)?;
                external::must_be_ours(&session)?;
                if session.process == Process::Gone || session.phase.is_resting() {
                    return Err(StoreError::Conflict {
                        problem: nothing_to_interrupt(&session),
                        id: session.id,
                    });
                }
                if session.phase != Phase::Interrupting {
                    outbox::enqueue(write, session.key, None, &line)?;
                }
                set_phase(write, session.key, Phase::Interrupting)
            })
            .await
    }

    /// Puts a line on its way to the agent.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn send_line(&self, key: i64, line: OutgoingLine) -> Result<(), StoreError> {
        self.writer
            .run(move |write| outbox::enqueue(write, key, None, &line))
            .await
    }

    /// Switches off standing permissions whose time is over; returns when the next one ends.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn expire_permissions(&self) -> Result<Option<Timestamp>, StoreError> {
        self.writer.run(expire_permissions).await
    }
}

/// Why an interrupt has nothing to do: it stops a turn, not what runs beside it.
fn nothing_to_interrupt(session: &Session) -> String {
    let tasks = match session.background_tasks.len() {
        0 => None,
        1 => Some("1 background task runs".to_owned()),
        tasks => Some(format!("{tasks} background tasks run")),
    };
    let status = session.status.as_str();
    match (tasks, session.pending_approvals) {
        (Some(tasks), _) => format!(
            "has no turn to interrupt, only {tasks}: end the session to stop background work"
        ),
        (None, 0) => format!("is {status}: there is nothing to interrupt"),
        (None, _) => "has no turn to interrupt: decide what it asks, or end the session".to_owned(),
    }
}

fn create(
    write: &mut Write<'_>,
    new: NewSession,
    sealed: Option<&[u8]>,
) -> Result<Started, StoreError> {
    if let Some(existing) = find(write.db, "s.id = ?1", new.id.as_str())? {
        return Ok(Started::Existing(existing));
    }
    let config = serde_json::to_string(&new.config).map_err(|error| StoreError::Value {
        what: "config",
        problem: error.to_string(),
    })?;
    let now = micros(write.now);
    write
        .db
        .prepare_cached(
            "INSERT INTO sessions (id, run_id, claude_session_id, parent_id, phase, status, process, query, summary,
                title, working_dir, config, auto_accept_edits, skip_permissions, skip_permissions_until, created_at,
                last_activity_at)
             VALUES (?, ?, ?, ?, 'starting', 'starting', 'launching', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .and_then(|mut insert| {
            insert.execute(params![
                new.id.as_str(),
                new.run_id.as_str(),
                new.claude_session_id,
                new.parent.as_ref().map(SessionId::as_str),
                new.query,
                text::summary(&new.query, SUMMARY_CHARS),
                new.title,
                new.working_dir,
                config,
                new.settings.auto_accept_edits,
                new.settings.skip_permissions,
                new.settings.skip_permissions_until.map(micros),
                now,
                now,
            ])
        })
        .doing("accept a session")?;
    let key = write.db.last_insert_rowid();
    secrets::put(write.db, key, sealed)?;
    for line in &new.lines {
        outbox::enqueue(write, key, None, line)?;
    }
    let session = by_key(write.db, key)?;
    events::status_changed(write, &session, Status::Draft)?;
    say(
        write,
        &session,
        NewConversationEvent::words(EventType::Message, "user", new.query),
    )?;
    let session = by_key(write.db, key)?;
    Ok(Started::New(session))
}

/// Adds one piece to a session's conversation and announces it.
pub fn say(
    write: &mut Write<'_>,
    session: &Session,
    body: NewConversationEvent,
) -> Result<(), StoreError> {
    let sequence: i64 = write
        .db
        .prepare_cached("UPDATE sessions SET next_sequence = next_sequence + 1, last_activity_at = ?2 WHERE key = ?1 RETURNING next_sequence - 1")
        .and_then(|mut update| update.query_row(params![session.key, micros(write.now)], |row| row.get(0)))
        .doing("number a piece of conversation")?;
    super::conversation::append(write, session, sequence, body)
}

fn change_settings(
    write: &mut Write<'_>,
    id: &str,
    change: &SettingsChange,
) -> Result<Session, StoreError> {
    let session = resolve(write.db, id)?;
    if change.auto_accept_edits.is_some() || change.skip_permissions.is_some() {
        external::must_be_ours(&session)?;
    }
    let mut data = serde_json::Map::new();
    let set = |column: &'static str, value: &dyn rusqlite::ToSql| -> Result<(), StoreError> {
        write
            .db
            .execute(
                &format!("UPDATE sessions SET {column} = ?2 WHERE key = ?1"),
                params![session.key, value],
            )
            .doing("change a session")
            .map(drop)
    };
    if let Some(title) = &change.title {
        set("title", title)?;
        data.insert("title".to_owned(), json!(title));
    }
    if let Some(archived) = change.archived {
        set("archived", &archived)?;
        data.insert("archived".to_owned(), json!(archived));
    }
    if let Some(accept) = change.auto_accept_edits {
        set("auto_accept_edits", &accept)?;
        data.insert("auto_accept_edits".to_owned(), json!(accept));
    }
    if let Some((skip, until)) = change.skip_permissions {
        set("skip_permissions", &skip)?;
        set("skip_permissions_until", &until.map(micros))?;
        data.insert("dangerously_skip_permissions".to_owned(), json!(skip));
        if let Some(until) = until {
            let left = until.duration_since(write.now).as_millis();
            data.insert(
                "dangerously_skip_permissions_timeout_ms".to_owned(),
                json!(left as i64),
            );
            data.insert(
                "dangerously_skip_permissions_expires_at".to_owned(),
                json!(until),
            );
        }
    }
    if data.is_empty() {
        return Ok(session);
    }
    events::settings_changed(write, &session, data)?;
    super::approvals::apply_standing_rules(write, session.key)?;
    by_key(write.db, session.key)
}

fn expire_permissions(write: &mut Write<'_>) -> Result<Option<Timestamp>, StoreError> {
    let over: Vec<Session> = write
        .db
        .prepare_cached(&format!(
            "SELECT {} FROM sessions s WHERE s.skip_permissions AND s.skip_permissions_until <= ?",
            rows::SESSION
        ))
        .and_then(|mut query| {
            query
                .query_map([micros(write.now)], rows::session)?
                .collect()
        })
        .doing("find permissions that are over")?;
    for session in over {
        write
            .db
            .execute(
                "UPDATE sessions SET skip_permissions = 0, skip_permissions_until = NULL WHERE key = ?",
                [session.key],
            )
            .doing("end a permission")?;
        let data = serde_json::Map::from_iter([
            ("dangerously_skip_permissions".to_owned(), json!(false)),
            ("reason".to_owned(), json!("expired")),
            (
                "expired_at".to_owned(),
                json!(session.settings.skip_permissions_until),
            ),
        ]);
        events::settings_changed(write, &session, data)?;
    }
    let next: Option<i64> = write
        .db
        .query_row(
            "SELECT min(skip_permissions_until) FROM sessions WHERE skip_permissions",
            [],
            |row| row.get(0),
        )
        .doing("find the next permission to end")?;
    Ok(next.and_then(|at| Timestamp::from_microsecond(at).ok()))
}

/// Puts a session into a phase of work and lets its status follow.
pub fn set_phase(write: &mut Write<'_>, key: i64, phase: Phase) -> Result<Session, StoreError> {
    // An interrupt leaves `completed_at`: it tells whether a turn runs or only background work.
    let completed = if phase == Phase::Interrupting {
        "completed_at"
    } else {
        "NULL"
    };
    let sql = format!(
        "UPDATE sessions SET phase = ?2, completed_at = {completed}, last_activity_at = ?3 WHERE key = ?1"
    );
    write
        .db
        .prepare_cached(&sql)
        .and_then(|mut update| update.execute(params![key, phase.as_str(), micros(write.now)]))
        .doing("change a session's phase")?;
    refresh_status(write, key)
}

/// Lets a session's status follow from what is stored of it.
pub fn refresh_status(write: &mut Write<'_>, key: i64) -> Result<Session, StoreError> {
    let session = by_key(write.db, key)?;
    follow_status(write, session)
}

/// The one place that writes a status: from the phase and the pending approvals, which must be as
/// they are stored. Announces a change.
pub fn follow_status(write: &mut Write<'_>, mut session: Session) -> Result<Session, StoreError> {
    let status = Status::of(session.phase, session.pending_approvals);
    if status != session.status {
        write
            .db
            .prepare_cached("UPDATE sessions SET status = ?2 WHERE key = ?1")
            .and_then(|mut update| update.execute(params![session.key, status.as_str()]))
            .doing("change a session's status")?;
        let old = std::mem::replace(&mut session.status, status);
        events::status_changed(write, &session, old)?;
    }
    Ok(session)
}

/// Tells live subscribers the session's present record, which is as it is stored.
pub fn announce_updated(write: &mut Write<'_>, session: &Session) {
    let body = EventBody::SessionUpdated(Box::new(session.clone()));
    write.announce_live(&session.id, &session.run_id, body);
}

fn find(db: &Connection, condition: &str, value: &str) -> Result<Option<Session>, StoreError> {
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

/// A session by its whole id or its run id.
pub fn exact(db: &Connection, id: &str) -> Result<Option<Session>, StoreError> {
    match find(db, "s.id = ?1", id)? {
        Some(session) => Ok(Some(session)),
        None => find(db, "s.run_id = ?1", id),
    }
}

/// A session by its whole id, its run id or a unique prefix of its id.
pub fn resolve(db: &Connection, id: &str) -> Result<Session, StoreError> {
    if let Some(session) = exact(db, id)? {
        return Ok(session);
    }
    let not_found = || StoreError::NotFound {
        what: "session",
        id: id.to_owned(),
    };
    let Some(end) = prefix_end(id) else {
        return Err(not_found());
    };
    let keys: Vec<i64> = db
        .prepare_cached("SELECT key FROM sessions WHERE id >= ?1 AND id < ?2 LIMIT 2")
        .and_then(|mut query| {
            query
                .query_map([id, end.as_str()], |row| row.get(0))?
                .collect()
        })
        .doing("find a session")?;
    match keys.as_slice() {
        [] => Err(not_found()),
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

/// Sessions, the last active first.
pub fn list(db: &Connection, filter: &SessionFilter) -> Result<Vec<Session>, StoreError> {
    let mut conditions = vec!["1"];
    match filter.archived {
        Some(true) => conditions.push("s.archived = 1"),
        Some(false) => conditions.push("s.archived = 0"),
        None => {}
    }
    if filter.leaves_only {
        conditions.push("NOT EXISTS (SELECT 1 FROM sessions c WHERE c.parent_id = s.id)");
    }
    let statuses = filter
        .statuses
        .iter()
        .map(|s| format!("'{}'", s.as_str()))
        .collect::<Vec<_>>()
        .join(", ");
    let in_statuses = format!("s.status IN ({statuses})");
    if !filter.statuses.is_empty() {
        conditions.push(&in_statuses);
    }
    let after = filter
        .after
        .as_ref()
        .map(|id| resolve(db, id.as_str()))
        .transpose()?;
    let (after_at, after_key) = after.map_or((i64::MAX, i64::MAX), |s| {
        (micros(s.last_activity_at), s.key)
    });
    conditions.push("(s.last_activity_at, s.key) < (?1, ?2)");
    let sql = format!(
        "SELECT {} FROM sessions s WHERE {} ORDER BY s.last_activity_at DESC, s.key DESC LIMIT ?3",
        rows::SESSION,
        conditions.join(" AND "),
    );
    let limit = filter.limit.map_or(-1, i64::from);
    db.prepare_cached(&sql)
        .and_then(|mut query| {
            query
                .query_map(params![after_at, after_key, limit], rows::session)?
                .collect()
        })
        .doing("list sessions")
}
