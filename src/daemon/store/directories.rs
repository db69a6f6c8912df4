//! The directories that sessions work in: which there are, what is wrong with them, and another one for a
//! session whose own is gone.

use rusqlite::params;

use super::{Doing as _, Store, StoreError, conversation, session_reads, session_state};
use crate::domain::Session;

/// Most directories that are looked at: those of the sessions that were last active.
const MOST: u32 = 500;

/// A directory in which sessions work, with what is noted of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotedDirectory {
    /// Its path.
    pub path: String,
    /// What is wrong with it.
    pub problem: Option<String>,
    /// Where it may be now.
    pub candidate: Option<String>,
}

impl Store {
    /// The directories of the sessions that are not archived.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn directories(&self) -> Result<Vec<NotedDirectory>, StoreError> {
        self.readers
            .run(|db| {
                // What was noted of one session may be newer than another one of the same directory.
                db.prepare_cached(
                    "SELECT working_dir, min(coalesce(directory_problem, '')), max(coalesce(directory_problem, '')),
                            max(directory_candidate)
                     FROM sessions WHERE working_dir <> '' AND archived = 0
                     GROUP BY working_dir ORDER BY max(activity) DESC LIMIT ?",
                )
                .and_then(|mut query| {
                    query
                        .query_map([MOST], |row| {
                            let (least, most): (String, String) = (row.get(1)?, row.get(2)?);
                            let problem = match least == most {
                                true => Some(most),
                                // Not the same of all: to be noted anew, whatever it is.
                                false => Some(format!("{least}; {most}")),
                            };
                            Ok(NotedDirectory {
                                path: row.get(0)?,
                                problem: problem.filter(|problem| !problem.is_empty()),
                                candidate: row.get(3)?,
                            })
                        })?
                        .collect()
                })
                .doing("list the directories of sessions")
            })
            .await
    }

    /// Notes how a directory is, with all sessions that work in it.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn note_directory(&self, noted: NotedDirectory) -> Result<(), StoreError> {
        self.writer
            .run(move |write| {
                let keys: Vec<i64> = write
                    .db
                    .prepare_cached(
                        "UPDATE sessions SET directory_problem = ?2, directory_candidate = ?3
                         WHERE working_dir = ?1 AND (directory_problem IS NOT ?2 OR directory_candidate IS NOT ?3)
                         RETURNING key",
                    )
                    .and_then(|mut update| {
                        update
                            .query_map(
                                params![noted.path, noted.problem, noted.candidate],
                                |row| row.get(0),
                            )?
                            .collect()
                    })
                    .doing("note how a directory is")?;
                for key in keys {
                    let session = session_reads::by_key(write.db, key)?;
                    session_state::announce_updated(write, &session);
                }
                Ok(())
            })
            .await
    }

    /// A session without a process goes on in another directory, which is there.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it has a process.
    pub async fn move_session(&self, key: i64, path: String) -> Result<Session, StoreError> {
        self.writer
            .run_once(move |write| {
                let session = session_reads::by_key(write.db, key)?;
                if session.process.is_ours_and_alive() {
                    return Err(StoreError::Conflict {
                        id: session.id.clone(),
                        problem: works_there(&session),
                    });
                }
                write
                    .db
                    .prepare_cached(
                        "UPDATE sessions SET working_dir = ?2, directory_problem = NULL, directory_candidate = NULL
                         WHERE key = ?1",
                    )
                    .and_then(|mut update| update.execute(params![key, path]))
                    .doing("move a session to another directory")?;
                if session.working_dir != path {
                    let was = &session.working_dir;
                    let note = format!("The session goes on in {path}. It was in {was} before.");
                    conversation::note(write, &session, note)?;
                }
                let session = session_reads::by_key(write.db, key)?;
                session_state::announce_updated(write, &session);
                Ok(session)
            })
            .await
    }
}

/// Why a session with a process stays where it is.
pub fn works_there(session: &Session) -> String {
    format!(
        "has a process that works in {}: end it first",
        session.working_dir
    )
}
