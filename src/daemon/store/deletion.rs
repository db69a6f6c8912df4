//! Deleting sessions: everything of them goes, for good.
//!
//! What a fork shows of a deleted session's conversation stays, with the fork.

use rusqlite::params;

use super::rows::micros;
use super::tx::Write;
use super::{Doing as _, Store, StoreError, session_reads};
use crate::domain::session::Process;
use crate::domain::{EventBody, Session};

/// Raw lines that one transaction deletes, so that sessions never wait long behind it.
const BATCH: i64 = 5_000;

impl Store {
    /// Deletes an ended session with everything of it.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] while it has a process or, of another program, something pending.
    pub async fn delete_session(&self, id: &str) -> Result<Session, StoreError> {
        let id = id.to_owned();
        let key = self
            .writer
            .run(move |write| {
                let session = session_reads::resolve(write.db, &id)?;
                must_be_over(&session)?;
                Ok(session.key)
            })
            .await?;
        // Most of it are the agent's own lines, without which a session is still whole.
        while self
            .writer
            .run(move |write| {
                must_be_over(&session_reads::by_key(write.db, key)?)?;
                let deleted = write
                    .db
                    .execute(
                        "DELETE FROM raw_lines WHERE id IN (
                            SELECT id FROM raw_lines WHERE session_key = ? LIMIT ?)",
                        [key, BATCH],
                    )
                    .doing("delete a session's lines")?;
                Ok(deleted as i64 == BATCH)
            })
            .await?
        {}
        self.writer.run(move |write| delete(write, key)).await
    }
}

fn must_be_over(session: &Session) -> Result<(), StoreError> {
    let problem = match session.process {
        Process::Launching | Process::Live => {
            format!(
                "still has a process: end it first (`humanlayer end {}`)",
                session.id.short()
            )
        }
        Process::External if session.pending_approvals > 0 => {
            "has pending requests: decide them first".to_owned()
        }
        Process::Gone | Process::External => return Ok(()),
    };
    Err(StoreError::Conflict {
        id: session.id.clone(),
        problem,
    })
}

fn delete(write: &mut Write<'_>, key: i64) -> Result<Session, StoreError> {
    let session = session_reads::by_key(write.db, key)?;
    must_be_over(&session)?;
    hand_over(write, &session)?;
    let remove = || -> rusqlite::Result<()> {
        write.db.execute(
            "DELETE FROM api_outbox WHERE approval_key IN (SELECT key FROM approvals WHERE session_key = ?)",
            [key],
        )?;
        for table in [
            "raw_lines",
            "conversation",
            "outbox",
            "read_messages",
            "approvals",
            "events",
            "wire_ids",
        ] {
            write
                .db
                .execute(&format!("DELETE FROM {table} WHERE session_key = ?"), [key])?;
        }
        write.db.execute(
            "UPDATE sessions SET duplicate_of = NULL WHERE duplicate_of = ?",
            [key],
        )?;
        write
            .db
            .execute("DELETE FROM sessions WHERE key = ?", [key])?;
        Ok(())
    };
    remove().doing("delete a session")?;
    let seq = write.next_seq();
    write
        .db
        .execute(
            "INSERT INTO deleted_sessions (seq, at, session_id, run_id) VALUES (?, ?, ?, ?)",
            params![
                seq,
                micros(write.now),
                session.id.as_str(),
                session.run_id.as_str()
            ],
        )
        .doing("note a deletion")?;
    write.announce(seq, &session.id, &session.run_id, EventBody::SessionDeleted);
    Ok(session)
}

/// The fork that shows most of the session gets what it shows, and the other forks become its own.
fn hand_over(write: &mut Write<'_>, session: &Session) -> Result<(), StoreError> {
    let hand_over = || -> rusqlite::Result<()> {
        let mut heirs = write.db.prepare_cached(
            "SELECT key, fork_sequence FROM sessions WHERE forked_from = ? ORDER BY fork_sequence DESC, key",
        )?;
        let heirs: Vec<(i64, i64)> = heirs
            .query_map([session.key], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        let Some((heir, shared)) = heirs.first().copied() else {
            return Ok(());
        };
        let db = write.db;
        db.execute(
            "UPDATE OR IGNORE approvals SET session_key = ?2, generation = -generation WHERE session_key = ?1
                AND tool_use_id IN (SELECT tool_id FROM conversation
                    WHERE session_key = ?1 AND sequence <= ?3 AND tool_id IS NOT NULL)",
            params![session.key, heir, shared],
        )?;
        db.execute(
            "UPDATE conversation SET delivery = 'undelivered'
                WHERE session_key = ?1 AND sequence <= ?2 AND delivery IN ('sending', 'queued')",
            params![session.key, shared],
        )?;
        db.execute(
            "UPDATE conversation SET session_key = ?2 WHERE session_key = ?1 AND sequence <= ?3",
            params![session.key, heir, shared],
        )?;
        db.execute(
            "UPDATE sessions SET forked_from = ?2 WHERE forked_from = ?1 AND key <> ?2",
            [session.key, heir],
        )?;
        db.execute(
            "UPDATE sessions SET forked_from = (SELECT forked_from FROM sessions WHERE key = ?1),
                fork_sequence = ?3 WHERE key = ?2",
            params![session.key, heir, session.fork_sequence],
        )
        .map(drop)
    };
    hand_over().doing("keep what forks show of a session")
}
