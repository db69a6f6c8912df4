//! What is thrown away, and when.
//!
//! Conversations, approvals and sessions are kept until a person deletes the file. What only helps
//! to debug or to catch up is bounded: the agent's own lines go two weeks after their session
//! ended (but those that were not understood stay, because nothing else has what they say), events other than conversation after a week or beyond a million.
//! Age counts by the times that are recorded and by the time that has surely passed ([`super::steady`]), whichever
//! makes it less.

use rusqlite::params;

use super::rows::micros;
use super::steady::{self, Record};
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
                let last: i64 = super::sequence::last_seq(write.db)?;
                let last_line: i64 = write
                    .db
                    .query_row("SELECT coalesce(max(id), 0) FROM raw_lines", [], |row| row.get(0))
                    .doing("look for old lines")?;
                let steady = steady::advance(write.db, steady::since_boot())?;
                steady::mark(write.db, Record::Lines, steady, last_line)?;
                steady::mark(write.db, Record::Events, steady, last)?;
                let old_line = steady::old(write.db, Record::Lines, steady, RAW_LINES_DAYS)?;
                let old_event = steady::old(write.db, Record::Events, steady, EVENTS_DAYS)?;
                let lines = write
                    .db
                    .execute(
                        "DELETE FROM raw_lines WHERE id IN (
                            SELECT r.id FROM sessions s JOIN raw_lines r ON r.session_key = s.key
                            WHERE s.process = 'gone' AND s.last_activity_at < ?1 AND r.understood AND r.id <= ?3
                              AND NOT EXISTS (SELECT 1 FROM raw_lines n WHERE n.session_key = s.key AND n.id > ?3) LIMIT ?2)",
                        params![now - RAW_LINES_DAYS * day, BATCH, old_line],
                    )
                    .doing("delete old lines")?;
                let events = write
                    .db
                    .execute(
                        "DELETE FROM events WHERE seq IN (
                            SELECT seq FROM events WHERE (at < ?1 AND seq <= ?4) OR seq <= ?2 ORDER BY seq LIMIT ?3)",
                        params![now - EVENTS_DAYS * day, last - EVENTS_MAX, BATCH, old_event],
                    )
                    .doing("delete old events")?;
                write
                    .db
                    .execute(
                        "DELETE FROM deleted_sessions WHERE (at < ?1 AND seq <= ?3) OR seq <= ?2",
                        params![now - EVENTS_DAYS * day, last - EVENTS_MAX, old_event],
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
