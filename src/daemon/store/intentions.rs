//! What a person wants of a session: messages, interrupts, its end, its place in the archive.
//!
//! Each is stored before it is acknowledged, and carried out by whichever daemon runs then.

use rusqlite::params;
use serde_json::{Map, Value};

use super::ingest::End;
use super::messages::{self, Accepted};
use super::rows::micros;
use super::wire_ids::{self, NewWireId};
use super::writer::Write;
use super::{
    Doing as _, Store, StoreError, approvals, events, external, outbox, projects, resume, sessions,
};
use crate::domain::session::Process;
use crate::domain::text::summary;
use crate::domain::{OutgoingLine, Phase, Session};

/// Characters of a tool's name in a note.
const TOOL_CHARS: usize = 60;

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
                let session = sessions::by_key(write.db, session_key)?;
                external::must_be_ours(&session)?;
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
                resume::unarchive(write, &session)?;
                if session.end_requested_at.is_some() {
                    // It waits for the next process.
                    return sessions::by_key(write.db, session.key).map(accepted);
                }
                let phase = match session.phase {
                    Phase::Starting | Phase::Interrupting => session.phase,
                    Phase::Running | Phase::Completed | Phase::Failed | Phase::Interrupted => {
                        Phase::Running
                    }
                };
                sessions::set_phase(write, session.key, phase).map(accepted)
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
                let session = sessions::resolve(write.db, &id)?;
                external::must_be_ours(&session)?;
                if session.process == Process::Gone || session.phase.is_resting() {
                    return Err(StoreError::Conflict {
                        problem: sessions::nothing_to_interrupt(&session),
                        id: session.id,
                    });
                }
                if session.phase != Phase::Interrupting {
                    outbox::enqueue(write, session.key, None, &line)?;
                }
                sessions::set_phase(write, session.key, Phase::Interrupting)
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
                let session = sessions::resolve(write.db, &id)?;
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
                let session = sessions::resolve(write.db, &id)?;
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
                    let session = sessions::by_key(write.db, key)?;
                    sessions::announce_updated(write, &session);
                }
                Ok(())
            })
            .await
    }
}

fn request_end(write: &mut Write<'_>, session: &Session) -> Result<Session, StoreError> {
    external::must_be_ours(session)?;
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
    let session = sessions::by_key(write.db, session.key)?;
    sessions::announce_updated(write, &session);
    Ok(session)
}

/// Ends a session whose next process waits for something: there will be none until the next message.
fn stop_waiting(write: &mut Write<'_>, session: &Session) -> Result<Session, StoreError> {
    projects::withdraw(write, session.key, "the session was ended")?;
    resume::give_up(write, session, "was ended while it waited")?;
    let session = match session.phase.is_resting() {
        true => sessions::refresh_status(write, session.key)?,
        false => sessions::set_phase(write, session.key, Phase::Interrupted)?,
    };
    sessions::announce_updated(write, &session);
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
        events::settings_changed(write, session, archived_data(now))?;
    }
    sessions::by_key(write.db, session.key)
}

/// What clients are told when a session is archived or brought back.
pub fn archived_data(archived: bool) -> Map<String, Value> {
    Map::from_iter([("archived".to_owned(), Value::Bool(archived))])
}

/// A session's process has ended: what a person wanted with that is done, and messages that it has not
/// read wait for the next one.
pub fn process_ended(
    write: &mut Write<'_>,
    session: &Session,
    end: &End,
) -> Result<(), StoreError> {
    let (reason, read) = (&end.reason, &end.read);
    // Messages that were queued before a person ended the session are not resumed with it. A process that is ended for
    // the sake of a project's files makes room for one without them.
    let ended_at = match projects::ends_process(write.db, session)? {
        true => None,
        false => session.end_requested_at,
    };
    let kept = outbox::give_up(write, session, reason, read, ended_at)?;
    if kept.dropped > 0 {
        let text = match kept.dropped {
            1 => "A queued message was not delivered: the session was ended first.".to_owned(),
            count => {
                format!("{count} queued messages were not delivered: the session was ended first.")
            }
        };
        sessions::note(write, session, text)?;
    }
    if let Some(text) = unknown_calls(&approvals::without_result(write.db, session)?) {
        sessions::note(write, session, text)?;
    }
    if end.forgotten > 0 {
        let text = match end.forgotten {
            1 => "The process ended before it had written down your last message. The next one knows neither that message nor what was done about it: send it again if it still matters.".to_owned(),
            count => format!("The process ended before it had written down your last {count} messages. The next one knows neither them nor what was done about them: send them again if they still matter."),
        };
        sessions::note(write, session, text)?;
    }
    messages::forget_read(write, session.key, i64::MAX)?;
    let never = resume::never(write.db, session)?;
    if let Some(problem) = &never
        && kept.messages > 0
    {
        resume::give_up(write, session, problem)?;
    }
    // Of a process that ends by itself a person is told, and what it was given is sent again only with the
    // next message: it may be what ended the process. A message that came after the process had died, but
    // before that was noticed, is such a next message. It is one only once: the process that it begins is of
    // another generation.
    let begins_another = end.deliberate || kept.never_written > 0;
    let waits = begins_another && kept.messages > 0 && never.is_none();
    if kept.messages > 0 && !waits && never.is_none() {
        let text = match kept.messages {
            1 => "1 message has not reached the agent. It is sent first when the session is resumed, and can be withdrawn until then.".to_owned(),
            count => format!("{count} messages have not reached the agent. They are sent first when the session is resumed, and can be withdrawn until then."),
        };
        sessions::note(write, session, text)?;
    }
    let waiting_for = waits.then_some("its next process");
    let archive: bool = write
        .db
        .prepare_cached(
            "UPDATE sessions SET end_requested_at = NULL, waiting_for = coalesce(?2, waiting_for),
                archived = CASE WHEN ?2 IS NULL THEN max(archived, archive_at_end) ELSE archived END
             WHERE key = ?1 RETURNING archive_at_end AND ?2 IS NULL",
        )
        .and_then(|mut update| {
            update.query_row(params![session.key, waiting_for], |row| row.get(0))
        })
        .doing("note the end of a process")?;
    if archive {
        write
            .db
            .prepare_cached("UPDATE sessions SET archive_at_end = 0 WHERE key = ?")
            .and_then(|mut update| update.execute([session.key]))
            .doing("archive a session that has ended")?;
        events::settings_changed(write, session, archived_data(true))?;
    }
    Ok(())
}

/// What is said of approved calls of which a process has told no result: it may have died with the answer in its
/// input, or in the middle of the call.
fn unknown_calls(tools: &[String]) -> Option<String> {
    let tools: Vec<_> = tools.iter().map(|tool| summary(tool, TOOL_CHARS)).collect();
    let end = "the process ended before it told a result";
    Some(match tools.as_slice() {
        [] => return None,
        [tool] => format!("It is not known what came of the approved call of {tool}: {end}."),
        [first, ..] => format!(
            "It is not known what came of {} approved calls, the first of {first}: {end}.",
            tools.len()
        ),
    })
}
