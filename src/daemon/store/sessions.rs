//! Sessions: creating, finding, listing, changing.

use jiff::Timestamp;
use rusqlite::params;
use serde_json::json;

use super::rows::{self, micros};
use super::tx::Write;
use super::{
    Doing as _, Store, StoreError, conversation, events, messages, outbox, resume, secrets,
    session_reads,
};
use crate::daemon::secrets::LaunchSecrets;
use crate::domain::project::{self, Project};
use crate::domain::session::{SUMMARY_CHARS, Settings};
use crate::domain::stream_state::StreamState;
use crate::domain::{
    Delivery, LaunchConfig, OutgoingLine, RunId, Session, SessionId, Status, text,
};

/// A session that is to be.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// Its id; given again, the same session is returned instead of a second one.
    pub id: SessionId,
    /// Its run id.
    pub run_id: RunId,
    /// What it is forked off.
    pub fork: Option<Fork>,
    /// Claude's session id, where it is known beforehand.
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
    /// The first message as it is sent.
    pub message: OutgoingLine,
    /// The repository that it works in, where it was looked at.
    pub repository: Option<String>,
    /// What of the project a person is to be asked about before its first process is started.
    pub question: Option<Box<Project>>,
}

/// Where a session is forked off.
#[derive(Clone, Debug)]
pub struct Fork {
    /// The session whose conversation so far it shares.
    pub source_key: i64,
    /// The id of it that was named.
    pub parent_id: SessionId,
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

/// What a person changes about a session; none leaves it as it was.
#[derive(Clone, Debug, Default)]
pub struct SettingsChange {
    /// A new title.
    pub title: Option<String>,
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
        self.readers
            .run(move |db| session_reads::resolve(db, &id))
            .await
    }

    /// A session by its key.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn session_by_key(&self, key: i64) -> Result<Session, StoreError> {
        self.readers
            .run(move |db| session_reads::by_key(db, key))
            .await
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
                     WHERE working_dir <> '' GROUP BY working_dir ORDER BY max(activity) DESC LIMIT ?",
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
            .run_once(move |write| change_settings(write, &id, &change))
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

fn create(
    write: &mut Write<'_>,
    new: NewSession,
    sealed: Option<&[u8]>,
) -> Result<Started, StoreError> {
    if let Some(existing) = session_reads::find(write.db, "s.id = ?1", new.id.as_str())? {
        return Ok(Started::Existing(existing));
    }
    let config = serde_json::to_string(&new.config).map_err(|error| StoreError::Value {
        what: "config",
        problem: error.to_string(),
    })?;
    // What the source has cost so far is not the fork's, though its process may report it.
    let stream = match &new.fork {
        Some(fork) => StreamState {
            accounting: session_reads::by_key(write.db, fork.source_key)?
                .stream
                .accounting
                .for_fork(),
            tells_messages: true,
            ..StreamState::default()
        },
        None => StreamState {
            tells_messages: true,
            ..StreamState::default()
        },
    };
    let stream = rows::stream_state(&stream)?;
    let now = micros(write.now);
    write
        .db
        .prepare_cached(
            "INSERT INTO sessions (id, run_id, claude_session_id, parent_id, phase, status, process, query, summary,
                title, working_dir, config, auto_accept_edits, skip_permissions, skip_permissions_until, created_at,
                last_activity_at, directory, forked_from, fork_sequence, next_sequence, stream_state, repository)
             VALUES (?1, ?2, ?3, ?4, 'starting', 'starting', 'launching', ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?13,
                ?1, ?14, coalesce((SELECT next_sequence - 1 FROM sessions WHERE key = ?14), 0),
                coalesce((SELECT next_sequence FROM sessions WHERE key = ?14), 1), ?15, ?16)",
        )
        .and_then(|mut insert| {
            insert.execute(params![
                new.id.as_str(),
                new.run_id.as_str(),
                new.claude_session_id,
                new.fork.as_ref().map(|fork| fork.parent_id.as_str()),
                new.query,
                text::summary(&new.query, SUMMARY_CHARS),
                new.title,
                new.working_dir,
                config,
                new.settings.auto_accept_edits,
                new.settings.skip_permissions,
                new.settings.skip_permissions_until.map(micros),
                now,
                new.fork.as_ref().map(|fork| fork.source_key),
                stream,
                new.repository,
            ])
        })
        .doing("accept a session")?;
    let key = write.db.last_insert_rowid();
    secrets::put(write.db, key, sealed)?;
    for line in &new.lines {
        outbox::enqueue(write, key, None, line)?;
    }
    let session = session_reads::by_key(write.db, key)?;
    events::status_changed(write, &session, Status::Draft)?;
    let delivery = match new.question {
        Some(_) => Delivery::Queued,
        None => Delivery::Sending,
    };
    messages::accept(write, &session, new.query, &new.message, delivery, None)?;
    if session.config.without_project {
        conversation::note(write, &session, project::LAUNCHED_WITHOUT.to_owned())?;
    }
    if let Some(project) = &new.question {
        resume::hold(write, key, project)?;
    }
    let session = session_reads::by_key(write.db, key)?;
    Ok(Started::New(session))
}

fn change_settings(
    write: &mut Write<'_>,
    id: &str,
    change: &SettingsChange,
) -> Result<Session, StoreError> {
    let session = session_reads::resolve(write.db, id)?;
    if change.auto_accept_edits.is_some() || change.skip_permissions.is_some() {
        session_reads::must_be_ours(&session)?;
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
    super::resolve::apply_standing_rules(write, session.key)?;
    session_reads::by_key(write.db, session.key)
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
                .query_map([micros(crate::daemon::clock::never_back())], rows::session)?
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
