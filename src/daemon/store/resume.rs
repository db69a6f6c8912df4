//! Resuming: a session whose process has ended gets its next one, in one transaction.
//!
//! Whoever asks first gets it; whoever asks at the same time finds it live. So a conversation never
//! has two processes, whatever happens around it.

use rusqlite::{Connection, params};

use super::messages::{self, Accepted};
use super::rows::micros;
use super::tx::Write;
use super::wire_ids::NewWireId;
use super::{
    Doing as _, Store, StoreError, conversation, outbox, projects, rows, secrets, session_reads,
    session_state, wire_ids,
};
use crate::daemon::secrets::LaunchSecrets;
use crate::domain::project::{self, Project};
use crate::domain::session::Process;
use crate::domain::stream_state::StreamState;
use crate::domain::{Delivery, LaunchConfig, OutgoingLine, Phase, Session, SessionId};

/// Why a session without a conversation cannot be resumed.
pub const NEVER_BEGAN: &str =
    "cannot be resumed: its agent never began a conversation. Launch a new session";

/// The next process of a session.
#[derive(Clone, Debug)]
pub struct NewProcess {
    /// The session.
    pub session_key: i64,
    /// Its id.
    pub session_id: SessionId,
    /// The name of the process's directory, which is prepared.
    pub directory: String,
    /// How it is launched; becomes the session's configuration.
    pub config: LaunchConfig,
    /// What it is launched with and nobody else may read.
    pub secrets: LaunchSecrets,
    /// What the session says about it.
    pub note: Option<String>,
    /// Its first lines of input, before any message.
    pub lines: Vec<OutgoingLine>,
    /// A message, as it was typed and as it is sent. None starts the process for the messages that
    /// wait already.
    pub message: Option<(String, OutgoingLine)>,
    /// A further id to be given out with it.
    pub wire_id: Option<NewWireId>,
    /// The repository that it works in, where it was looked at.
    pub repository: Option<String>,
}

/// A session that cannot have a process now.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// The session.
    pub session_key: i64,
    /// Its id.
    pub session_id: SessionId,
    /// What it waits for.
    pub waiting_for: String,
    /// What of the project a person is to be asked about first.
    pub question: Option<Box<Project>>,
    /// A message, as it was typed and as it is sent.
    pub message: Option<(String, OutgoingLine)>,
    /// A further id to be given out with it.
    pub wire_id: Option<NewWireId>,
    /// How the process is to be launched, where that changes.
    pub launch: Option<(LaunchConfig, LaunchSecrets)>,
}

impl Store {
    /// Gives a session its next process, which is to be started then. None when it has one already;
    /// nothing is changed then.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it cannot have one.
    pub async fn resume(&self, new: NewProcess) -> Result<Option<Accepted>, StoreError> {
        let sealed = self.seal(&new.session_id, &new.secrets);
        self.writer
            .run_once_if(Option::is_some, move |write| {
                resume(write, new, sealed.as_deref())
            })
            .await
    }

    /// Keeps a message for a session that cannot have a process now, and what that waits for.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it has a process.
    pub async fn keep_waiting(&self, waiting: Waiting) -> Result<Accepted, StoreError> {
        let sealed = match &waiting.launch {
            Some((_, secrets)) => self.seal(&waiting.session_id, secrets),
            None => None,
        };
        self.writer
            .run_once(move |write| keep_waiting(write, waiting, sealed.as_deref()))
            .await
    }

    /// Nothing is waited for any more: a session can never have a process again. What was kept for it is
    /// not delivered, and the session says why.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn give_up_resuming(
        &self,
        session_key: i64,
        problem: String,
    ) -> Result<(), StoreError> {
        self.writer
            .run(move |write| {
                let session = session_reads::by_key(write.db, session_key)?;
                if session.process != Process::Gone {
                    return Ok(());
                }
                give_up(write, &session, &problem)?;
                let session = session_reads::by_key(write.db, session_key)?;
                session_state::announce_updated(write, &session);
                Ok(())
            })
            .await
    }

    /// Sessions whose next process waits for something.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn sessions_waiting(&self) -> Result<Vec<Session>, StoreError> {
        self.readers
            .run(|db| {
                db.prepare_cached(&format!(
                    "SELECT {} FROM sessions s WHERE s.waiting_for IS NOT NULL AND s.process = 'gone' ORDER BY s.key",
                    super::rows::SESSION
                ))
                .and_then(|mut query| query.query_map([], super::rows::session)?.collect())
                .doing("list the sessions that wait")
            })
            .await
    }
}

/// Why a session can never have another process; none when it can.
pub fn never(db: &Connection, session: &Session) -> Result<Option<String>, StoreError> {
    if session.is_duplicate {
        let original = session_reads::original(db, session.key)?;
        return Ok(original.map(|original| shared_with(&original)));
    }
    // A fork that a person was to be asked about first has had no process yet.
    let is_held = session.forked_from.is_some()
        && session.waiting_for.as_deref() == Some(project::WAITING_FOR);
    let began = session.claude_session_id.is_some() || is_held;
    Ok((!began).then(|| NEVER_BEGAN.to_owned()))
}

fn shared_with(other: &SessionId) -> String {
    format!(
        "shares its conversation with session {}: send the message there",
        other.short()
    )
}

/// Says why a session cannot have a process of its own.
fn check(write: &Write<'_>, session: &Session) -> Result<(), StoreError> {
    session_reads::must_be_ours(session)?;
    let problem = match never(write.db, session)? {
        Some(problem) => Some(problem),
        None => wire_ids::other_process(write.db, session)?.map(|other| shared_with(&other)),
    };
    match problem {
        Some(problem) => Err(StoreError::Conflict {
            id: session.id.clone(),
            problem,
        }),
        None => Ok(()),
    }
}

/// Takes what waits for a session's next process back: there will be none.
pub fn give_up(write: &mut Write<'_>, session: &Session, problem: &str) -> Result<(), StoreError> {
    write
        .db
        .prepare_cached("UPDATE sessions SET waiting_for = NULL WHERE key = ?")
        .and_then(|mut update| update.execute([session.key]))
        .doing("note that a session waits for nothing")?;
    let waiting = outbox::take(write, session.key)?;
    for message in &waiting {
        messages::give_up(write, session, message)?;
    }
    let what = match waiting.len() {
        0 => "The session is not resumed".to_owned(),
        1 => "A queued message was not delivered".to_owned(),
        count => format!("{count} queued messages were not delivered"),
    };
    let note = format!("{what}: this session {problem}.");
    conversation::note(write, session, note)
}

fn resume(
    write: &mut Write<'_>,
    new: NewProcess,
    sealed: Option<&[u8]>,
) -> Result<Option<Accepted>, StoreError> {
    let before = session_reads::by_key(write.db, new.session_key)?;
    if before.process.is_ours_and_alive() {
        return Ok(None);
    }
    check(write, &before)?;
    let config = serde_json::to_string(&new.config).map_err(|error| StoreError::Value {
        what: "config",
        problem: error.to_string(),
    })?;
    let stream = rows::stream_state(&StreamState {
        tells_messages: true,
        ..before.stream.clone()
    })?;
    let query = new.message.as_ref().map(|(text, _)| text.as_str());
    if let Some(wire_id) = &new.wire_id {
        wire_ids::give(write, &before, wire_id, query.unwrap_or_default())?;
    }
    write
        .db
        .prepare_cached(
            "UPDATE sessions SET generation = generation + 1, directory = ?2, journal_base = journal_offset,
                process = 'launching', config = ?3, error_message = NULL, waiting_for = NULL, end_requested_at = NULL,
                archive_at_end = 0, background_tasks = '[]', stream_state = ?4,
                repository = coalesce(?5, repository)
             WHERE key = ?1",
        )
        .and_then(|mut update| {
            update.execute(params![before.key, new.directory, config, stream, new.repository])
        })
        .doing("resume a session")?;
    secrets::put(write.db, before.key, sealed)?;
    // The first lines open the agent's protocol: what waits comes after them.
    let waiting = outbox::take(write, before.key)?;
    for line in &new.lines {
        outbox::enqueue(write, before.key, None, line)?;
    }
    for message in &waiting {
        let row = outbox::MessageRow {
            id: message.message_id,
            generation: None,
        };
        outbox::enqueue_message(write, before.key, &message.line, row)?;
    }
    let session = session_state::set_phase(write, before.key, Phase::Starting)?;
    if session.config.without_project && !before.config.without_project {
        conversation::note(write, &session, project::LAUNCHED_WITHOUT.to_owned())?;
    }
    if let Some(note) = new.note {
        conversation::note(write, &session, note)?;
    }
    let mut message = None;
    if let Some((text, line)) = new.message {
        let delivery = if waiting.is_empty() {
            Delivery::Sending
        } else {
            Delivery::Queued
        };
        let id = messages::accept(write, &session, text, &line, delivery, None)?;
        message = Some((id, delivery));
    }
    session_state::unarchive(write, &before)?;
    let session = session_reads::by_key(write.db, before.key)?;
    session_state::announce_updated(write, &session);
    Ok(Some(Accepted { session, message }))
}

fn keep_waiting(
    write: &mut Write<'_>,
    waiting: Waiting,
    sealed: Option<&[u8]>,
) -> Result<Accepted, StoreError> {
    let session_key = waiting.session_key;
    let session = session_reads::by_key(write.db, session_key)?;
    if session.process != Process::Gone {
        return Err(StoreError::Conflict {
            id: session.id,
            problem: "has been resumed meanwhile".to_owned(),
        });
    }
    check(write, &session)?;
    let is_known = session.waiting_for.as_deref() == Some(waiting.waiting_for.as_str());
    if waiting.message.is_none() && is_known && waiting.question.is_none() {
        return Ok(Accepted {
            session,
            message: None,
        });
    }
    if let Some((config, _)) = &waiting.launch {
        let config = serde_json::to_string(config).map_err(|error| StoreError::Value {
            what: "config",
            problem: error.to_string(),
        })?;
        write
            .db
            .prepare_cached("UPDATE sessions SET config = ?2 WHERE key = ?1")
            .and_then(|mut update| update.execute(params![session_key, config]))
            .doing("note how a session is to be launched")?;
        secrets::put(write.db, session_key, sealed)?;
    }
    if let Some(wire_id) = &waiting.wire_id {
        let query = waiting.message.as_ref().map(|(text, _)| text.as_str());
        wire_ids::give(write, &session, wire_id, query.unwrap_or_default())?;
    }
    let mut accepted = None;
    if let Some((text, line)) = waiting.message {
        let delivery = Delivery::Queued;
        let id = messages::accept(write, &session, text, &line, delivery, None)?;
        accepted = Some((id, delivery));
        session_state::unarchive(write, &session)?;
    }
    if let Some(project) = &waiting.question {
        projects::ask(write, &session, project)?;
    } else {
        projects::withdraw(write, session_key, "it is no longer asked")?;
    }
    if !is_known {
        wait_for(write, session_key, &waiting.waiting_for)?;
        let waiting_for = &waiting.waiting_for;
        let note =
            format!("Not resumed yet: {waiting_for}. It goes on by itself once that is there.");
        conversation::note(write, &session, note)?;
    }
    let session = session_reads::by_key(write.db, session_key)?;
    session_state::announce_updated(write, &session);
    Ok(Accepted {
        session,
        message: accepted,
    })
}

fn wait_for(write: &Write<'_>, session_key: i64, waiting_for: &str) -> Result<(), StoreError> {
    write
        .db
        .prepare_cached(
            "UPDATE sessions SET waiting_for = ?2, last_activity_at = ?3 WHERE key = ?1",
        )
        .and_then(|mut update| update.execute(params![session_key, waiting_for, micros(write.now)]))
        .map(drop)
        .doing("note what a session waits for")
}

/// Has a new session wait for an answer about a project's files before its first process is started.
pub fn hold(write: &mut Write<'_>, session_key: i64, project: &Project) -> Result<(), StoreError> {
    write
        .db
        .prepare_cached("UPDATE sessions SET process = 'gone' WHERE key = ?")
        .and_then(|mut update| update.execute([session_key]))
        .doing("hold a launch")?;
    wait_for(write, session_key, project::WAITING_FOR)?;
    let session = session_reads::by_key(write.db, session_key)?;
    projects::ask(write, &session, project)?;
    let note = format!("Not launched yet: waiting for {}.", project::WAITING_FOR);
    conversation::note(write, &session, note)
}
