//! Launch secrets: sealed bytes in a table of their own, and the rewriting of a file that held them
//! in clear.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::{Doing as _, Store, StoreError, conversation, session_reads};
use crate::daemon::secrets::{LaunchSecrets, SecretsError};
use crate::domain::{Session, SessionId};

impl Store {
    /// What a session was launched with, or why that cannot be had.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn launch_secrets(
        &self,
        session: &Session,
    ) -> Result<Result<LaunchSecrets, SecretsError>, StoreError> {
        let key = session.key;
        let sealed: Option<Vec<u8>> = self
            .readers
            .run(move |db| {
                db.prepare_cached("SELECT sealed FROM launch_secrets WHERE session_key = ?")
                    .and_then(|mut query| query.query_row([key], |row| row.get(0)).optional())
                    .doing("read a session's launch environment")
            })
            .await?;
        Ok(match sealed {
            Some(sealed) => self.sealer.open(&session.id, &sealed),
            None => Err(SecretsError::NotStored),
        })
    }

    /// Stores what the next process of a session is launched with, and says in the conversation what
    /// changed.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn change_launch_secrets(
        &self,
        session: &Session,
        secrets: &LaunchSecrets,
        notice: Option<String>,
    ) -> Result<Session, StoreError> {
        let (key, sealed) = (session.key, self.seal(&session.id, secrets));
        self.writer
            .run_once(move |write| {
                put(write.db, key, sealed.as_deref())?;
                let session = session_reads::by_key(write.db, key)?;
                if let Some(notice) = notice {
                    conversation::note(write, &session, notice)?;
                }
                session_reads::by_key(write.db, key)
            })
            .await
    }

    pub(super) fn seal(&self, id: &SessionId, secrets: &LaunchSecrets) -> Option<Vec<u8>> {
        self.sealer
            .seal(id, secrets)
            .inspect_err(|error| {
                tracing::error!(session = %id, %error, "the launch environment is not stored; resuming the session will need a person's");
            })
            .ok()
    }
}

/// Stores the sealed secrets of a session, or removes them.
pub(super) fn put(
    db: &Connection,
    session_key: i64,
    sealed: Option<&[u8]>,
) -> Result<(), StoreError> {
    match sealed {
        Some(sealed) => db
            .prepare_cached(
                "INSERT OR REPLACE INTO launch_secrets (session_key, sealed) VALUES (?, ?)",
            )
            .and_then(|mut insert| insert.execute(params![session_key, sealed])),
        None => db
            .prepare_cached("DELETE FROM launch_secrets WHERE session_key = ?")
            .and_then(|mut delete| delete.execute([session_key])),
    }
    .map(drop)
    .doing("store a session's launch environment")
}
