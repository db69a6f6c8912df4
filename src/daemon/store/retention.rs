//! What is thrown away, and when.
//!
//! Conversations, approvals and sessions are kept until a person deletes the file. What only helps
//! to debug or to catch up is bounded: the agent's own lines go two weeks after their session
//! ended (but those that were not understood stay, because nothing else has what they say), events other than conversation after a week or beyond a million.

use rusqlite::params;

use super::rows::micros;
use super::{Doing as _, Store, StoreError};

/// Days that the agent's own lines are kept after their session's last activity.
pub const RAW_LINES_DAYS: i64 = 14;
/// Days that events are kept for subscribers to catch up.
pub const EVENTS_DAYS: i64 = 7;
/// Most events that are kept.
pub const EVENTS_MAX: i64 = 1_000_000;
/// Rows that one transaction deletes, so that sessions never wait long behind it.
const BATCH: i64 = 5_000;

impl Store {
    /// Deletes one batch of what is past its time; says whether there is more to delete.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn prune(&self) -> Result<bool, StoreError> {
        self.writer
            .run(|write| {
                let day = 24 * 3_600 * 1_000_000_i64;
                let now = micros(write.now);
                let lines = write
                    .db
                    .execute(
                        "DELETE FROM raw_lines WHERE id IN (
                            SELECT r.id FROM sessions s JOIN raw_lines r ON r.session_key = s.key
                            WHERE s.process = 'gone' AND s.last_activity_at < ?1 AND r.understood LIMIT ?2)",
                        params![now - RAW_LINES_DAYS * day, BATCH],
                    )
                    .doing("delete old lines")?;
                let last: i64 = super::events::last_seq(write.db)?;
                let events = write
                    .db
                    .execute(
                        "DELETE FROM events WHERE seq IN (
                            SELECT seq FROM events WHERE at < ?1 OR seq <= ?2 ORDER BY seq LIMIT ?3)",
                        params![now - EVENTS_DAYS * day, last - EVENTS_MAX, BATCH],
                    )
                    .doing("delete old events")?;
                write
                    .db
                    .execute(
                        "DELETE FROM deleted_sessions WHERE at < ?1 OR seq <= ?2",
                        params![now - EVENTS_DAYS * day, last - EVENTS_MAX],
                    )
                    .doing("delete old events")?;
                if events > 0 {
                    // Sequence numbers never repeat, even if the last event itself was deleted.
                    write
                        .db
                        .execute_batch(&format!(
                            "UPDATE counters SET value = max(value, {last}) WHERE name = 'seq';
                             UPDATE counters SET value = max(value, coalesce((SELECT min(seq) - 1 FROM events), {last}))
                             WHERE name = 'pruned_seq'"
                        ))
                        .doing("note what was deleted")?;
                }
                Ok(lines as i64 == BATCH || events as i64 == BATCH)
            })
            .await
    }
}
