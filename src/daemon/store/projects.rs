//! What people said about the files that projects bring for Claude Code: asked once, remembered for exactly
//! these contents in this repository.

use std::collections::BTreeSet;
use std::sync::Arc;

use rusqlite::{Connection, params};

use super::asking::{self, NewRow};
use super::resolve::Resolution;
use super::tx::Write;
use super::{
    Doing as _, Store, StoreError, alarms, approval_reads, conversation, project_answers, resolve,
    session_reads,
};
use crate::daemon::callers::AlarmKind;
use crate::domain::approval::{DecidedBy, InputState, ResponseOption};
use crate::domain::project::{self, Project};
use crate::domain::{Approval, Outcome, Session, Source};

impl Store {
    /// Raises an alarm and asks a person, because a project's files have changed while a session's agent
    /// works.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn hold_for_project(
        &self,
        session_key: i64,
        project: Project,
    ) -> Result<Session, StoreError> {
        self.writer
            .run(move |write| {
                let session = session_reads::by_key(write.db, session_key)?;
                if ask(write, &session, &project)? {
                    let detail = "settings of Claude Code that the project brings have changed while the session runs: its agent is stopped until you have decided the question about them";
                    alarms::raise_in(write, AlarmKind::ProjectChanged, &session, detail)?;
                    let note = format!("The agent is stopped: waiting for {}, which have changed.", project::WAITING_FOR);
                    conversation::note(write, &session, note)?;
                }
                session_reads::by_key(write.db, session_key)
            })
            .await
    }

    /// Notes which files decide what the commands of a session's project do: no standing permission covers them. It is
    /// kept as long as this daemon lives. The supervisor looks anew with each.
    pub async fn note_named_files(&self, session_key: i64, named: BTreeSet<String>) {
        let noted = self.writer.run(move |write| {
            write.follower.note_named(session_key, named);
            Ok(())
        });
        if let Err(error) = noted.await {
            tracing::warn!(%error, "cannot note which files a project's commands name: edits will be asked about");
        }
    }

    /// Says in a session that its process is ended for the sake of a project's files.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn note_end_for_project(&self, session_key: i64) -> Result<(), StoreError> {
        self.writer
            .run(move |write| {
                let session = session_reads::by_key(write.db, session_key)?;
                let note = "The agent is ended, because it may have taken up settings of the project that you do not want. The next message goes on without them.";
                conversation::note(write, &session, note.to_owned())
            })
            .await
    }

    /// Says in a session that its agent is stopped while the project's files do not answer.
    ///
    /// # Errors
    /// When the note cannot be written.
    pub async fn note_silent_project(&self, session_key: i64) -> Result<(), StoreError> {
        self.writer
            .run(move |write| {
                let session = session_reads::by_key(write.db, session_key)?;
                let note = "The agent is stopped, because the files of its project that Claude Code obeys do not answer: their disk may be gone. It goes on when they do.";
                conversation::note(write, &session, note.to_owned())
            })
            .await
    }

    /// Whether it was looked at a session's project before its process was launched.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn has_repository(&self, session_key: i64) -> Result<bool, StoreError> {
        self.readers
            .run(move |db| {
                db.prepare_cached("SELECT 1 FROM sessions WHERE key = ? AND repository IS NOT NULL")
                    .and_then(|mut query| query.exists([session_key]))
                    .doing("look up a session's repository")
            })
            .await
    }

    /// Whether an agent of a session may be stopped for the sake of a project's files.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn was_held_for_project(&self, session_key: i64) -> Result<bool, StoreError> {
        self.readers
            .run(move |db| {
                db.prepare_cached("SELECT 1 FROM approvals WHERE session_key = ? AND source = ?")
                    .and_then(|mut query| {
                        query.exists(params![session_key, Source::Launch.as_str()])
                    })
                    .doing("look for questions about a project's files")
            })
            .await
    }

    /// Whether a session asks about a project's files now, with its agent stopped until that is answered.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn is_held_for_project(&self, session: &str) -> Result<bool, StoreError> {
        let session = session.to_owned();
        self.readers
            .run(move |db| {
                db.prepare_cached(
                    "SELECT 1 FROM approvals a JOIN sessions s ON s.key = a.session_key
                     WHERE s.id = ? AND a.source = ? AND a.outcome = 'pending'",
                )
                .and_then(|mut query| query.exists(params![session, Source::Launch.as_str()]))
                .doing("look for questions about a project's files")
            })
            .await
    }

    /// Takes back what a session asks about a project's files, which are as a person wants them.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn stop_asking_about_project(&self, session_key: i64) -> Result<Session, StoreError> {
        self.writer
            .run(move |write| {
                withdraw(write, session_key, "the files are as they were agreed to")?;
                session_reads::by_key(write.db, session_key)
            })
            .await
    }

    /// What a person has said about a project's files, or what follows from that and from what they have
    /// granted in its repository; none when they are to be asked. That which follows is remembered.
    ///
    /// # Errors
    /// When the database cannot be read or written.
    pub async fn project_answer(
        &self,
        project: Project,
    ) -> Result<Option<project_answers::ProjectAnswer>, StoreError> {
        let looked_at = project.clone();
        let sealer = Arc::clone(&self.sealer);
        let known = self
            .readers
            .run(move |db| {
                let known = project_answers::answer(db, &sealer, &looked_at)?;
                match known {
                    Some(answer) => Ok((Some(answer), false)),
                    None => Ok((None, project_answers::follows(db, &sealer, &looked_at)?)),
                }
            })
            .await?;
        match known {
            (None, true) => {
                self.writer
                    .run(move |write| project_answers::remember(write, &project, None, Some(true)))
                    .await?;
                Ok(Some(project_answers::ProjectAnswer::Use))
            }
            (known, _) => Ok(known),
        }
    }
}

/// Asks about a project's files, unless the session asks just that already. What it asked about other
/// files is withdrawn. Says whether it asks now.
pub fn ask(
    write: &mut Write<'_>,
    session: &Session,
    project: &Project,
) -> Result<bool, StoreError> {
    let fingerprint = project.fingerprint();
    let mut is_asked = false;
    for (approval, about) in pending(write.db, session.key)? {
        if about == fingerprint {
            is_asked = true;
        } else {
            let why = "the files have changed since".to_owned();
            let end = Resolution::plain(Outcome::Withdrawn, Some(why), DecidedBy::Agent);
            resolve::resolve_as(write, &approval, &end)?;
        }
    }
    if is_asked {
        return Ok(false);
    }
    let question = project.question();
    let options = [ResponseOption {
        name: project::WITHOUT.to_owned(),
        title: Some("Launch without them".to_owned()),
        description: Some(
            "also without its CLAUDE.md, agents, skills and commands (--setting-sources user)"
                .to_owned(),
        ),
        ..ResponseOption::default()
    }];
    let row = NewRow {
        options: &options,
        input_state: match project.is_whole() {
            true => InputState::Readable,
            false => InputState::Unusable,
        },
        description: Some(
            "This directory brings settings of Claude Code that run or allow something. Denied, the agent is launched without them; end the session to launch nothing.",
        ),
        ..NewRow::of_tool(
            session.run_id.as_str(),
            Source::Launch,
            project::TOOL,
            &question,
        )
    };
    let key = asking::insert(write, session, &row)?.ok_or_else(asking::repeated)?;
    project_answers::remember(write, project, Some(key), None)?;
    asking::settle_new(write, session, key)?;
    Ok(true)
}

/// Whether a session's present process is ended because a person does not want a project's files.
pub fn ends_process(db: &Connection, session: &Session) -> Result<bool, StoreError> {
    db.prepare_cached(
        "SELECT 1 FROM approvals WHERE session_key = ? AND generation = ? AND source = ? AND outcome = 'denied'",
    )
    .and_then(|mut query| {
        query.exists(params![session.key, session.generation, Source::Launch.as_str()])
    })
    .doing("look why a process is ended")
}

/// What a session asks about a project's files, with their fingerprints.
fn pending(db: &Connection, session_key: i64) -> Result<Vec<(Approval, String)>, StoreError> {
    let rows: Vec<(i64, String)> = db
        .prepare_cached(
            "SELECT a.key, p.fingerprint FROM approvals a JOIN project_settings p ON p.approval_key = a.key
             WHERE a.session_key = ? AND a.outcome = 'pending' ORDER BY a.key",
        )
        .and_then(|mut query| {
            query
                .query_map([session_key], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })
        .doing("look for questions about a project's files")?;
    rows.into_iter()
        .map(|(key, fingerprint)| Ok((approval_reads::by_key(db, key)?, fingerprint)))
        .collect()
}

/// Takes back what a session asks about a project's files.
pub fn withdraw(write: &mut Write<'_>, session_key: i64, reason: &str) -> Result<(), StoreError> {
    for (approval, _) in pending(write.db, session_key)? {
        let end = Resolution::plain(
            Outcome::Withdrawn,
            Some(reason.to_owned()),
            DecidedBy::Agent,
        );
        resolve::resolve_as(write, &approval, &end)?;
    }
    Ok(())
}
