//! Requests that end with the process that asked.

use rusqlite::{OptionalExtension as _, params};

use super::resolve::Resolution;
use super::tx::Write;
use super::{Doing as _, Store, StoreError, approval_reads, resolve};
use crate::domain::approval::DecidedBy;
use crate::domain::{Approval, Outcome};
use crate::platform::ProcessId;

/// A process that has asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AskerProcess {
    /// The process.
    pub process: ProcessId,
    /// Whether something that it asked has been settled, and is to be forgotten.
    pub settled: bool,
}

impl Store {
    /// Processes with which requests end.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn asker_processes(&self) -> Result<Vec<AskerProcess>, StoreError> {
        self.readers
            .run(|db| {
                db.prepare_cached(
                    "SELECT p.pid, p.start_time, max(a.outcome IS NOT 'pending')
                     FROM asker_processes p LEFT JOIN approvals a ON a.key = p.approval_key
                     GROUP BY p.pid, p.start_time",
                )
                .and_then(|mut query| {
                    query
                        .query_map([], |row| {
                            let process = ProcessId {
                                pid: row.get(0)?,
                                start_time: row.get::<_, i64>(1)?.cast_unsigned(),
                            };
                            let settled = row.get(2)?;
                            Ok(AskerProcess { process, settled })
                        })?
                        .collect()
                })
                .doing("list the processes that ask")
            })
            .await
    }

    /// The process that a request ends with; none where it ends with none.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn asker_process_of(
        &self,
        approval_key: i64,
    ) -> Result<Option<ProcessId>, StoreError> {
        self.readers
            .run(move |db| {
                db.prepare_cached(
                    "SELECT pid, start_time FROM asker_processes WHERE approval_key = ?",
                )
                .and_then(|mut query| {
                    query
                        .query_row([approval_key], |row| {
                            Ok(ProcessId {
                                pid: row.get(0)?,
                                start_time: row.get::<_, i64>(1)?.cast_unsigned(),
                            })
                        })
                        .optional()
                })
                .doing("find the process that asks")
            })
            .await
    }

    /// Ends the pending requests of processes that are gone, and forgets all that has been settled.
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
                        let approval = approval_reads::find(write.db, &id)?;
                        let comment = "the program that asked has ended: nobody waits for an answer";
                        let resolution = Resolution::plain(
                            Outcome::Abandoned,
                            Some(comment.to_owned()),
                            DecidedBy::Agent,
                        );
                        resolve::resolve_as(write, &approval, &resolution)?;
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

/// Notes with which process a request ends, in the transaction that records the request. Asked again by
/// another process it ends with that one.
pub fn note(
    write: &Write<'_>,
    approval: &Approval,
    process: Option<ProcessId>,
) -> Result<(), StoreError> {
    let Some(process) = process.filter(|_| approval.outcome == Outcome::Pending) else {
        return Ok(());
    };
    let start_time = process.start_time.cast_signed();
    write
        .db
        .prepare_cached(
            "INSERT OR REPLACE INTO asker_processes (approval_key, pid, start_time) VALUES (?, ?, ?)",
        )
        .and_then(|mut insert| insert.execute(params![approval.key, process.pid, start_time]))
        .map(drop)
        .doing("note which process asks")
}
