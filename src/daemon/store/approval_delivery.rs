//! Whether the answer to an approval has reached whoever asked.

use rusqlite::params;

use super::rows::micros;
use super::tx::Write;
use super::{Doing as _, StoreError, approval_reads, events};
use crate::domain::{EventBody, RunId};

/// Notes that an answer arrived, once.
pub fn mark_delivered(write: &mut Write<'_>, key: i64) -> Result<(), StoreError> {
    let changed = write
        .db
        .prepare_cached("UPDATE approvals SET delivered_at = ?2 WHERE key = ?1 AND delivered_at IS NULL AND outcome <> 'pending'")
        .and_then(|mut update| update.execute(params![key, micros(write.now)]))
        .doing("note a delivery")?;
    if changed > 0 {
        announce_delivery(write, key)
    } else {
        Ok(())
    }
}

/// Notes that an answer can never arrive.
pub fn mark_undelivered(write: &mut Write<'_>, key: i64, reason: &str) -> Result<(), StoreError> {
    write
        .db
        .prepare_cached(
            "UPDATE approvals SET undelivered = ?2 WHERE key = ?1 AND delivered_at IS NULL",
        )
        .and_then(|mut update| update.execute(params![key, reason]))
        .doing("note a failed delivery")?;
    announce_delivery(write, key)
}

fn announce_delivery(write: &mut Write<'_>, key: i64) -> Result<(), StoreError> {
    let approval = approval_reads::by_key(write.db, key)?;
    let run_id = RunId::from(approval.run_id.clone());
    events::approval_event(write, &run_id, approval, EventBody::ApprovalDelivered)
}
