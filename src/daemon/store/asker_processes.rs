//! Requests that end with the process that asked.

use rusqlite::params;

use super::approvals::{self, Resolution};
use super::{Doing as _, Store, StoreError};
use crate::domain::Outcome;
use crate::domain::approval::DecidedBy;
use crate::platform::ProcessId;

impl Store {
    /// Notes that a request ends with a process. Asked again by another process it ends with that one.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]
    pub async fn end_with_process(
        &self,
        approval: &str,
        process: ProcessId,
    ) -> Result<(), StoreError> {
        let id = approval.to_owned();
        self.writer
            .run(move |write| {
                let approval = approvals::find(write.db, &id)?;
                if approval.outcome != Outcome::Pending {
                    return Ok(());
                }
                write
                    .db
                    .prepare_cached(
                        "INSERT OR REPLACE INTO asker_processes (approval_key, pid, start_time) VALUES (?, ?, ?)",
                    )
                    .and_then(|mut insert| {
                        insert.execute(params![approval.key, process.pid, process.start_time.cast_signed()])
                    })
                    .map(drop)
                    .doing("note which process asks")
            })
            .await
    }

    /// Processes with which pending requests end.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn asker_processes(&self) -> Result<Vec<ProcessId>, StoreError> {
        self.readers
            .run(|db| {
                db.prepare_cached("SELECT DISTINCT pid, start_time FROM asker_processes")
                    .and_then(|mut query| {
                        query
                            .query_map([], |row| {
                                Ok(ProcessId {
                                    pid: row.get(0)?,
                                    start_time: row.get::<_, i64>(1)?.cast_unsigned(),
                                })
                            })?
                            .collect()
                    })
                    .doing("list the processes that ask")
            })
            .await
    }

    /// Ends the pending requests of a process that is gone, and forgets it. With none, only forgets
    /// what has been settled.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn end_requests_of(&self, gone: Vec<ProcessId>) -> Result<(), StoreError> {
        self.writer
            .run(move |write| {
                for process in gone {
                    let process = params![process.pid, process.start_time.cast_signed()];
                    let ids: Vec<String> = write
                        .db
                        .prepare_cached(
                            "SELECT a.id FROM asker_processes p JOIN approvals a ON a.key = p.approval_key
                             WHERE p.pid = ?1 AND p.start_time = ?2 AND a.outcome = 'pending'",
                        )
                        .and_then(|mut query| query.query_map(process, |row| row.get(0))?.collect())
                        .doing("find the requests of a process")?;
                    for id in ids {
                        let approval = approvals::find(write.db, &id)?;
                        let comment = "the program that asked has ended: nobody waits for an answer";
                        let resolution = Resolution::plain(
                            Outcome::Abandoned,
                            Some(comment.to_owned()),
                            DecidedBy::Agent,
                        );
                        approvals::resolve_as(write, &approval, &resolution)?;
                    }
                }
                write
                    .db
                    .execute(
                        "DELETE FROM asker_processes WHERE NOT EXISTS
                            (SELECT 1 FROM approvals a WHERE a.key = approval_key AND a.outcome = 'pending')",
                        [],
                    )
                    .map(drop)
                    .doing("forget processes that ask no more")
            })
            .await
    }
}
