//! Answers on their way to a remote HumanLayer API.
//!
//! A row is written in the transaction of the decision and goes when the API has taken the answer,
//! or when it is certain that it never will. In between it is tried again at `next_try_at`; whoever
//! delivers may die at any point, because the API refuses a second answer to the same request.

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, params};

use super::rows::{self, micros};
use super::tx::Write;
use super::{Doing as _, Store, StoreError, approval_delivery};
use crate::domain::approval::DecidedBy;
use crate::domain::{Approval, Outcome};

/// Answers that one look returns.
const BATCH: u32 = 64;

/// An answer that is due.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiAnswer {
    /// Its name in this outbox.
    pub id: i64,
    /// The approval with its outcome.
    pub approval: Approval,
    /// How often it has been tried in vain.
    pub attempts: u32,
}

/// What is due, and when to look again.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiOutbox {
    /// Due answers, oldest decision first.
    pub due: Vec<ApiAnswer>,
    /// When the next of the others becomes due.
    pub next: Option<Timestamp>,
}

impl Store {
    /// The answers that are due at `now`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn api_outbox_due(&self, now: Timestamp) -> Result<ApiOutbox, StoreError> {
        self.readers
            .run(move |db| {
                let sql = format!(
                    "SELECT {}, o.attempts FROM api_outbox o JOIN approvals a ON a.key = o.approval_key
                        JOIN sessions s ON s.key = a.session_key
                     WHERE o.next_try_at <= ?1 ORDER BY a.decided_at, a.key LIMIT ?2",
                    rows::APPROVAL
                );
                let due = db
                    .prepare_cached(&sql)
                    .and_then(|mut query| {
                        query
                            .query_map(params![micros(now), BATCH], |row| {
                                let approval = rows::approval(row)?;
                                Ok(ApiAnswer {
                                    id: approval.key,
                                    approval,
                                    attempts: row.get(rows::APPROVAL_COLUMNS)?,
                                })
                            })?
                            .collect()
                    })
                    .doing("read the answers for the remote API")?;
                let next: Option<i64> = db
                    .prepare_cached("SELECT min(next_try_at) FROM api_outbox WHERE next_try_at > ?")
                    .and_then(|mut query| query.query_row([micros(now)], |row| row.get(0)))
                    .doing("find the next answer for the remote API")?;
                Ok(ApiOutbox {
                    due,
                    next: next.and_then(|at| Timestamp::from_microsecond(at).ok()),
                })
            })
            .await
    }

    /// Notes that the API has taken an answer.
    ///
    /// # Errors
    /// When the database cannot be written; the answer is then sent again, which the API refuses.
    pub async fn api_outbox_done(&self, id: i64) -> Result<(), StoreError> {
        self.writer
            .run(move |write| {
                crate::failpoint::hit("api_outbox.acknowledging");
                if remove(write, id)? {
                    approval_delivery::mark_delivered(write, id)?;
                }
                Ok(())
            })
            .await
    }

    /// Notes that an answer could not be delivered now, and when to try again.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn api_outbox_retry(
        &self,
        id: i64,
        at: Timestamp,
        error: String,
    ) -> Result<(), StoreError> {
        self.writer
            .run(move |write| {
                write
                    .db
                    .prepare_cached(
                        "UPDATE api_outbox SET attempts = attempts + 1, next_try_at = ?2, last_error = ?3
                         WHERE approval_key = ?1",
                    )
                    .and_then(|mut update| update.execute(params![id, micros(at), error]))
                    .doing("put an answer off")
                    .map(drop)
            })
            .await
    }

    /// Makes every answer due: what kept it from arriving may be another key or address by now.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn api_outbox_hurry(&self) -> Result<(), StoreError> {
        self.writer
            .run(move |write| {
                write
                    .db
                    .prepare_cached("UPDATE api_outbox SET next_try_at = ?1 WHERE next_try_at > ?1")
                    .and_then(|mut update| update.execute([micros(write.now)]))
                    .doing("make the answers for the remote API due")
                    .map(drop)
            })
            .await
    }

    /// Notes that the API will never take an answer, and why.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn api_outbox_failed(&self, id: i64, reason: String) -> Result<(), StoreError> {
        self.writer
            .run(move |write| {
                if remove(write, id)? {
                    approval_delivery::mark_undelivered(write, id, &reason)?;
                }
                Ok(())
            })
            .await
    }
}

fn remove(write: &mut Write<'_>, id: i64) -> Result<bool, StoreError> {
    write
        .db
        .prepare_cached("DELETE FROM api_outbox WHERE approval_key = ? RETURNING approval_key")
        .and_then(|mut delete| {
            delete
                .query_row([id], |row| row.get::<_, i64>(0))
                .optional()
        })
        .doing("take an answer out of the outbox")
        .map(|found| found.is_some())
}

/// Puts the answer to a remote request on its way, where somebody here gave one.
pub fn enqueue(write: &mut Write<'_>, resolved: &Approval) -> Result<(), StoreError> {
    let is_answer = match resolved.outcome {
        Outcome::Approved | Outcome::Denied | Outcome::Answered => true,
        Outcome::Pending | Outcome::Withdrawn | Outcome::Abandoned | Outcome::Expired => false,
    };
    let is_ours = !matches!(
        resolved.decided_by,
        Some(DecidedBy::Elsewhere { .. }) | None
    );
    if !is_answer || !is_ours {
        return Ok(());
    }
    write
        .db
        .prepare_cached("INSERT INTO api_outbox (approval_key, next_try_at) VALUES (?, ?)")
        .and_then(|mut insert| insert.execute(params![resolved.key, micros(write.now)]))
        .doing("put an answer into the outbox")?;
    write.wake_api_outbox();
    Ok(())
}
