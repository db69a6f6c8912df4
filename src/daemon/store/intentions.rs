//! What a person wants of a session: messages, interrupts, its end, its place in the archive.
//!
//! Each is stored before it is acknowledged, and carried out by whichever daemon runs then.

use rusqlite::params;

use super::messages::{self, Accepted};
use super::rows::micros;
use super::tx::Write;
use super::wire_ids::{self, NewWireId};
use super::{
    Doing as _, Store, StoreError, events, outbox, projects, resume, session_reads, session_state,
};
use crate::domain::session::Process;
use crate::domain::{OutgoingLine, Phase, Session};

impl Store {
    /// A message of the user to a live session: into its conversation and on its way.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the session's process has ended: it is to be resumed then.
    pub async fn send_message(
        &self,
        session_key: i64,
        text: String,
        line: OutgoingLine,
        wire_id: Option<NewWireId>,
    ) -> Result<Accepted, StoreError> {
        self.writer
            .run_once(move |write| {
                let session = session_reads::by_key(write.db, session_key)?;
                session_reads::must_be_ours(&session)?;
                if session.process == Process::Gone {
                    return Err(StoreError::Conflict {
                        id: session.id,
                        problem: "has ended".to_owned(),
                    });
                }
                if let Some(wire_id) = &wire_id {
                    wire_ids::give(write, &session, wire_id, &text)?;
                }
                let delivery = messages::first_delivery(&session);
                let id = messages::accept(
                    write,
                    &session,
                    text,
                    &line,
                    delivery,
                    Some(session.generation),
                )?;
                let accepted = |session| Accepted {
                    session,
                    message: Some((id, delivery)),
                };
                session_state::unarchive(write, &session)?;
                if session.end_requested_at.is_some() {
                    // It waits for the next process.
                    return session_reads::by_key(write.db, session.key).map(accepted);
                }
                let phase = match session.phase {
                    Phase::Starting | Phase::Interrupting => session.phase,
                    Phase::Running | Phase::Completed | Phase::Failed | Phase::Interrupted => {
                        Phase::Running
                    }
                };
                session_state::set_phase(write, session.key, phase).map(accepted)
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
            .run_once(move |write| {
                let session = session_reads::resolve(write.db, &id)?;
                session_reads::must_be_ours(&session)?;
                if session.process == Process::Gone || session.phase.is_resting() {
                    return Err(StoreError::Conflict {
                        problem: nothing_to_interrupt(&session),
                        id: session.id,
                    });
                }
                if session.phase != Phase::Interrupting {
                    outbox::enqueue(write, session.key, None, &line)?;
                }
                session_state::set_phase(write, session.key, Phase::Interrupting)
            })
            .await
    }

    /// Asks for the end of a session's process.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it has ended already.
    pub async fn request_end(&self, id: &str) -> Result<Session, StoreError> {
        let id = id.to_owned();
        self.writer
            .run_once(move |write| {
                let session = session_reads::resolve(write.db, &id)?;
                request_end(write, &session)
            })
            .await
    }

    /// Archives a session, or brings it back. With `end`, one that works is ended, and archived then.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it works and is not to be ended.
    pub async fn archive(
        &self,
        id: &str,
        archived: bool,
        end: bool,
    ) -> Result<Session, StoreError> {
        let id = id.to_owned();
        self.writer
            .run_once(move |write| {
                let session = session_reads::resolve(write.db, &id)?;
                archive(write, &session, archived, end)
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

    /// Notes that a runner is in charge of the session's process.
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
                    let session = session_reads::by_key(write.db, key)?;
                    session_state::announce_updated(write, &session);
                }
                Ok(())
            })
            .await
    }
}

fn request_end(write: &mut Write<'_>, session: &Session) -> Result<Session, StoreError> {
    session_reads::must_be_ours(session)?;
    if session.process == Process::Gone && session.waiting_for.is_some() {
        return stop_waiting(write, session);
    }
    if session.process == Process::Gone {
        return Err(StoreError::Conflict {
            id: session.id.clone(),
            problem: "has ended already".to_owned(),
        });
    }
    write
        .db
        .prepare_cached(
            "UPDATE sessions SET end_requested_at = ?2 WHERE key = ?1 AND end_requested_at IS NULL",
        )
        .and_then(|mut update| update.execute(params![session.key, micros(write.now)]))
        .doing("note that a session is to end")?;
    write.wake(session.key);
    let session = session_reads::by_key(write.db, session.key)?;
    session_state::announce_updated(write, &session);
    Ok(session)
}

/// Ends a session whose next process waits for something: there will be none until the next message.
fn stop_waiting(write: &mut Write<'_>, session: &Session) -> Result<Session, StoreError> {
    projects::withdraw(write, session.key, "the session was ended")?;
    resume::give_up(write, session, "was ended while it waited")?;
    let session = match session.phase.is_resting() {
        true => session_state::refresh_status(write, session.key)?,
        false => session_state::set_phase(write, session.key, Phase::Interrupted)?,
    };
    session_state::announce_updated(write, &session);
    Ok(session)
}

fn archive(
    write: &mut Write<'_>,
    session: &Session,
    archived: bool,
    end: bool,
) -> Result<Session, StoreError> {
    let works = session.process.is_ours_and_alive() && session.status.is_active();
    if archived && works && !end {
        return Err(StoreError::Conflict {
            id: session.id.clone(),
            problem: format!(
                "is {}: end it first (`humanlayer end {}`), or archive it with `end`",
                session.status.describe(),
                session.id.short()
            ),
        });
    }
    // What works stays in sight until it has ended.
    let (now, at_end) = (archived && !works, archived && works);
    write
        .db
        .prepare_cached("UPDATE sessions SET archived = ?2, archive_at_end = ?3 WHERE key = ?1")
        .and_then(|mut update| update.execute(params![session.key, now, at_end]))
        .doing("archive a session")?;
    if archived && session.process.is_ours_and_alive() {
        request_end(write, session)?;
    }
    if !at_end {
        events::settings_changed(write, session, events::archived_data(now))?;
    }
    session_reads::by_key(write.db, session.key)
}

/// Why an interrupt has nothing to do: it stops a turn, not what runs beside it.
pub fn nothing_to_interrupt(session: &Session) -> String {
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
