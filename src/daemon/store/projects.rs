//! What people said about the files that projects bring for Claude Code: asked once, remembered for exactly
//! these contents in this repository.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::Value;

use super::approvals::{self, Resolution};
use super::asking::{self, NewRow};
use super::rows::micros;
use super::writer::Write;
use super::{Doing as _, Store, StoreError, alarms, seals, sessions};
use crate::daemon::callers::AlarmKind;
use crate::daemon::secrets::Sealer;
use crate::domain::approval::{DecidedBy, InputState, ResponseOption};
use crate::domain::project::{self, Project};
use crate::domain::{Approval, Outcome, Session, Source};
use crate::platform;

/// Answers and grants that are looked through for one from which a new one follows, the newest.
const LOOKED_AT: i64 = 200;

const TABLE: &str = "project_settings";

/// The rule in whose name the same question is answered for other sessions.
const RULE: &str = "project_settings";

/// What was said about a project's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProjectAnswer {
    /// Use them.
    Use,
    /// Launch without them.
    Without,
}

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
                let session = sessions::by_key(write.db, session_key)?;
                if ask(write, &session, &project)? {
                    let detail = "settings of Claude Code that the project brings have changed while the session runs: its agent is stopped until you have decided the question about them";
                    alarms::raise_in(write, AlarmKind::ProjectChanged, &session, detail)?;
                    let note = format!("The agent is stopped: waiting for {}, which have changed.", project::WAITING_FOR);
                    sessions::note(write, &session, note)?;
                }
                sessions::by_key(write.db, session_key)
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
                let session = sessions::by_key(write.db, session_key)?;
                let note = "The agent is ended, because it may have taken up settings of the project that you do not want. The next message goes on without them.";
                sessions::note(write, &session, note.to_owned())
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
                let session = sessions::by_key(write.db, session_key)?;
                let note = "The agent is stopped, because the files of its project that Claude Code obeys do not answer: their disk may be gone. It goes on when they do.";
                sessions::note(write, &session, note.to_owned())
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
                sessions::by_key(write.db, session_key)
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
    ) -> Result<Option<ProjectAnswer>, StoreError> {
        let looked_at = project.clone();
        let sealer = Arc::clone(&self.sealer);
        let known = self
            .readers
            .run(move |db| {
                let known = answer(db, &sealer, &looked_at)?;
                match known {
                    Some(answer) => Ok((Some(answer), false)),
                    None => Ok((None, follows(db, &sealer, &looked_at)?)),
                }
            })
            .await?;
        match known {
            (None, true) => {
                self.writer
                    .run(move |write| remember(write, &project, None, Some(true)))
                    .await?;
                Ok(Some(ProjectAnswer::Use))
            }
            (known, _) => Ok(known),
        }
    }
}

/// The answer that this daemon wrote itself.
fn answer(
    db: &Connection,
    sealer: &Sealer,
    project: &Project,
) -> Result<Option<ProjectAnswer>, StoreError> {
    let rows: Vec<(i64, bool)> = db
        .prepare_cached(
            "SELECT key, used FROM project_settings WHERE repository = ? AND fingerprint = ? AND used IS NOT NULL
             ORDER BY key DESC LIMIT ?",
        )
        .and_then(|mut query| {
            let key = params![project.repository, project.fingerprint(), LOOKED_AT];
            query
                .query_map(key, |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })
        .doing("look for an answer about a project's files")?;
    let rows = seals::ours(db, sealer, TABLE, rows, |(key, _)| key.to_string())?;
    Ok(rows.first().map(|(_, used)| match used {
        true => ProjectAnswer::Use,
        false => ProjectAnswer::Without,
    }))
}

/// Whether they are files that a person wants used, or none, with nothing in them but what a person has
/// granted with approvals there.
fn follows(db: &Connection, sealer: &Sealer, project: &Project) -> Result<bool, StoreError> {
    let granted = granted(db, sealer, &project.repository)?;
    if granted.is_empty() {
        return Ok(false);
    }
    let nothing = (Project::default().rest_fingerprint(), BTreeMap::new());
    let mut bases = vec![nothing];
    bases.extend(used(db, sealer, project)?);
    let now: BTreeMap<&str, &str> = project.settings().into_iter().collect();
    let rest = project.rest_fingerprint();
    Ok(bases.iter().any(|(base_rest, before)| {
        let paths = before.keys().map(String::as_str).chain(now.keys().copied());
        *base_rest == rest
            && paths.into_iter().all(|path| {
                let before = before.get(path).map_or("", String::as_str);
                project::is_granted(before, now.get(path).copied().unwrap_or(""), &granted)
            })
    }))
}

/// The fingerprint of all but the settings, and the settings by path, that a person wants used.
type Agreed = (String, BTreeMap<String, String>);

/// The settings that people want used in a repository, with the fingerprints of the rest.
fn used(db: &Connection, sealer: &Sealer, project: &Project) -> Result<Vec<Agreed>, StoreError> {
    let rows: Vec<(i64, String, String)> = db
        .prepare_cached(
            "SELECT key, rest_fingerprint, settings FROM project_settings WHERE repository = ? AND used = 1
             ORDER BY key DESC LIMIT ?",
        )
        .and_then(|mut query| {
            query
                .query_map(params![project.repository, LOOKED_AT], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                })?
                .collect()
        })
        .doing("list answers about a project's files")?;
    let rows = seals::ours(db, sealer, TABLE, rows, |(key, ..)| key.to_string())?;
    let read = |(_, rest, settings): (i64, String, String)| {
        serde_json::from_str(&settings)
            .ok()
            .map(|settings| (rest, settings))
    };
    Ok(rows.into_iter().filter_map(read).collect())
}

/// The permission updates that people have granted with approvals of sessions in a repository.
fn granted(db: &Connection, sealer: &Sealer, repository: &str) -> Result<Vec<Value>, StoreError> {
    let rows: Vec<(i64, i64, String)> = db
        .prepare_cached(
            "SELECT a.key, s.key, a.updated_permissions FROM approvals a JOIN sessions s ON s.key = a.session_key
             WHERE a.outcome = 'approved' AND a.updated_permissions IS NOT NULL AND s.repository = ?
             ORDER BY a.key DESC LIMIT ?",
        )
        .and_then(|mut query| {
            query
                .query_map(params![repository, LOOKED_AT], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                })?
                .collect()
        })
        .doing("list what was granted in a repository")?;
    let rows = seals::ours(db, sealer, "grants", rows, |(key, ..)| key.to_string())?;
    let rows = seals::ours(db, sealer, "repositories", rows, |(_, session, _)| {
        session.to_string()
    })?;
    let lists = rows
        .iter()
        .filter_map(|(.., row)| serde_json::from_str::<Vec<Value>>(row).ok());
    Ok(lists.flatten().collect())
}

fn remember(
    write: &Write<'_>,
    project: &Project,
    approval_key: Option<i64>,
    used: Option<bool>,
) -> Result<(), StoreError> {
    let settings: BTreeMap<&str, &str> = project.settings().into_iter().collect();
    let settings = serde_json::to_string(&settings).map_err(|error| StoreError::Value {
        what: "settings",
        problem: error.to_string(),
    })?;
    write
        .db
        .prepare_cached(
            "INSERT INTO project_settings (repository, fingerprint, rest_fingerprint, settings, approval_key, used,
                answered_at)
             VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .and_then(|mut insert| {
            insert.execute(params![
                project.repository,
                project.fingerprint(),
                project.rest_fingerprint(),
                settings,
                approval_key,
                used,
                used.map(|_| micros(write.now)),
            ])
        })
        .map(drop)
        .doing("remember a project's files")
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
            approvals::resolve_as(write, &approval, &end)?;
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
    remember(write, project, Some(key), None)?;
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
        .map(|(key, fingerprint)| Ok((approvals::by_key(db, key)?, fingerprint)))
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
        approvals::resolve_as(write, &approval, &end)?;
    }
    Ok(())
}

/// Remembers an answer, and gives it to other sessions that ask the same.
pub fn answered(
    write: &mut Write<'_>,
    approval: &Approval,
    by: &DecidedBy,
) -> Result<(), StoreError> {
    let used = match approval.outcome {
        Outcome::Approved => true,
        Outcome::Denied => false,
        _ => return Ok(()),
    };
    let now = micros(write.now);
    let about: Option<(String, String)> = write
        .db
        .prepare_cached(
            "UPDATE project_settings SET used = ?2, answered_at = ?3 WHERE approval_key = ?1
             RETURNING repository, fingerprint",
        )
        .and_then(|mut update| {
            update
                .query_row(params![approval.key, used, now], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })
                .optional()
        })
        .doing("remember an answer about a project's files")?;
    let Some((repository, fingerprint)) = about else {
        return Ok(());
    };
    let same: Vec<i64> = write
        .db
        .prepare_cached(
            "SELECT a.key FROM approvals a JOIN project_settings p ON p.approval_key = a.key
             WHERE p.repository = ? AND p.fingerprint = ? AND p.used IS NULL AND a.outcome = 'pending'",
        )
        .and_then(|mut query| {
            query
                .query_map([repository, fingerprint], |row| row.get(0))?
                .collect()
        })
        .doing("look for the same question")?;
    for key in same {
        let other = approvals::by_key(write.db, key)?;
        let by = DecidedBy::Rule {
            rule: RULE.to_owned(),
            granted_by: Some(Box::new(by.clone())),
            expires_at: None,
        };
        let end = Resolution::plain(approval.outcome, approval.comment.clone(), by);
        approvals::resolve_as(write, &other, &end)?;
        let session = sessions::by_key(write.db, other.session_key)?;
        let note = format!(
            "The question about the project's settings is {} here, too: the same was asked in session {}, and one answer holds for the same files.",
            approval.outcome.as_str(),
            approval.session_id.short()
        );
        sessions::note(write, &session, note)?;
    }
    let session = sessions::refresh_status(write, approval.session_key)?;
    alarms::settle(
        write,
        AlarmKind::ProjectChanged,
        &session,
        &by.describe(platform::user_id()),
    )?;
    // An agent that was stopped for it goes on, or is ended.
    write.wake(session.key);
    Ok(())
}
