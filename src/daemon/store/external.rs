//! Sessions of other programs: what they ask is shown under a run of their own.
//!
//! Such a session has no process that we could steer. It waits while something of it is pending and
//! is complete otherwise; it can be renamed and put away like any other.

use rusqlite::params;

use super::rows::micros;
use super::tx::Write;
use super::{Doing as _, Store, StoreError, events, session_reads};
use crate::domain::session::{Process, SUMMARY_CHARS};
use crate::domain::{LaunchConfig, Session, SessionId, Status, text};

/// A program that asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asker {
    /// Its name, where it gave one or its key has one.
    pub name: Option<String>,
    /// Where it runs; may be empty.
    pub cwd: String,
    /// Its process id.
    pub pid: Option<u32>,
}

impl Store {
    /// Refuses to steer a session that is another program's.
    ///
    /// # Errors
    /// [`StoreError::Conflict`].
    pub fn must_be_ours(&self, session: &Session) -> Result<(), StoreError> {
        session_reads::must_be_ours(session)
    }

    /// The session of a run: one of ours with that id or run id, else the asker's own, which is made
    /// when it is not there yet.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn external_session(
        &self,
        run_id: String,
        asker: Asker,
    ) -> Result<Session, StoreError> {
        self.writer
            .run(move |write| find_or_make(write, &run_id, &asker))
            .await
    }
}

/// See [`Store::external_session`].
pub fn find_or_make(
    write: &mut Write<'_>,
    run_id: &str,
    asker: &Asker,
) -> Result<Session, StoreError> {
    match session_reads::exact(write.db, run_id)? {
        Some(session) if session.process == Process::External => wake(write, session, asker),
        Some(session) => Ok(session),
        None => make(write, run_id, asker),
    }
}

fn make(write: &mut Write<'_>, run_id: &str, asker: &Asker) -> Result<Session, StoreError> {
    let config = LaunchConfig {
        approvals: true,
        ..LaunchConfig::default()
    };
    let config = serde_json::to_string(&config).map_err(|error| StoreError::Value {
        what: "config",
        problem: error.to_string(),
    })?;
    let name = asker.name.as_deref().unwrap_or(run_id);
    write
        .db
        .prepare_cached(
            "INSERT INTO sessions (id, run_id, phase, status, process, query, summary, title, working_dir, config,
                created_at, last_activity_at, asker, asker_pid)
             VALUES (?1, ?2, 'completed', 'completed', 'external', ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?5, ?9)",
        )
        .and_then(|mut insert| {
            insert.execute(params![
                SessionId::random().as_str(),
                run_id,
                format!("Requests of {name}, run {run_id}"),
                text::summary(name, SUMMARY_CHARS),
                name,
                asker.cwd,
                config,
                micros(write.now),
                asker.pid,
            ])
        })
        .doing("note another program's run")?;
    let session = session_reads::by_key(write.db, write.db.last_insert_rowid())?;
    events::status_changed(write, &session, Status::Draft)?;
    Ok(session)
}

/// A program that asks again: its session comes to the front, and back if it was put away.
fn wake(write: &mut Write<'_>, session: Session, asker: &Asker) -> Result<Session, StoreError> {
    write
        .db
        .prepare_cached(
            "UPDATE sessions SET last_activity_at = ?2, archived = 0, asker_pid = coalesce(?3, asker_pid) WHERE key = ?1",
        )
        .and_then(|mut update| update.execute(params![session.key, micros(write.now), asker.pid]))
        .doing("note that a program asks again")?;
    if session.archived {
        events::settings_changed(write, &session, events::archived_data(false))?;
    }
    session_reads::by_key(write.db, session.key)
}
