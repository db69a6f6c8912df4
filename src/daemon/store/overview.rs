//! All that a list of sessions needs, in one consistent look.

use rusqlite::Connection;

use super::approval_reads::ApprovalFilter;
use super::{Doing as _, SessionFilter, Store, StoreError, approval_reads, sequence, session_list};
use crate::domain::{Approval, Session, Status};

/// One moment of the store.
#[derive(Clone, Debug)]
pub struct Overview {
    /// The last event that it contains: subscribe from here to miss nothing.
    pub seq: i64,
    /// A page of sessions, the last active first.
    pub sessions: Vec<Session>,
    /// How many sessions that are not archived are in which status.
    pub counts: Vec<(Status, i64)>,
    /// How many are archived.
    pub archived: i64,
    /// What is pending, oldest first.
    pub pending: Vec<Approval>,
    /// How many are pending in all.
    pub pending_total: i64,
    /// US dollars of sessions that were active in the last 24 hours.
    pub cost_last_day_usd: f64,
    /// Turns of these whose cost is not known.
    pub unpriced_turns_last_day: u32,
    /// How many alarms nobody has acknowledged.
    pub open_alarms: u64,
}

impl Store {
    /// Sessions, counts and pending approvals of one moment.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn overview(
        &self,
        filter: SessionFilter,
        pending_limit: u32,
    ) -> Result<Overview, StoreError> {
        self.readers
            .run(move |db| read(db, &filter, pending_limit))
            .await
    }
}

fn read(
    db: &Connection,
    filter: &SessionFilter,
    pending_limit: u32,
) -> Result<Overview, StoreError> {
    let counts: Vec<(String, i64)> = db
        .prepare_cached(
            "SELECT status, n FROM session_counts WHERE archived = 0 AND n > 0 ORDER BY status",
        )
        .and_then(|mut query| {
            query
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })
        .doing("count sessions")?;
    let count = |sql: &str| -> Result<i64, StoreError> {
        db.prepare_cached(sql)
            .and_then(|mut query| query.query_row([], |row| row.get(0)))
            .doing("count")
    };
    let day_ago = jiff::Timestamp::now().as_microsecond() - 24 * 3_600 * 1_000_000;
    let (cost_last_day_usd, unpriced_turns_last_day) = db
        .prepare_cached(
            // Naming both values lets the index on activity serve it.
            // Few sessions have turns without a price; of the others no state is parsed.
            "SELECT coalesce(sum(cost_usd), 0.0), coalesce(sum(CASE
                 WHEN instr(stream_state, '\"unpriced\"') > 0 AND json_valid(stream_state)
                 THEN json_extract(stream_state, '$.unpriced.turns') END), 0)
             FROM sessions WHERE archived IN (0, 1) AND last_activity_at >= ?",
        )
        .and_then(|mut query| query.query_row([day_ago], |row| Ok((row.get(0)?, row.get(1)?))))
        .doing("sum up costs")?;
    let pending = ApprovalFilter {
        pending_only: true,
        limit: Some(pending_limit),
        ..ApprovalFilter::default()
    };
    Ok(Overview {
        seq: sequence::last_seq(db)?,
        sessions: session_list::read(db, filter)?,
        counts: counts
            .into_iter()
            .filter_map(|(name, n)| Some((Status::parse(&name)?, n)))
            .collect(),
        archived: count("SELECT coalesce(sum(n), 0) FROM session_counts WHERE archived = 1")?,
        pending: approval_reads::list(db, &pending)?.approvals,
        pending_total: count("SELECT count(*) FROM approvals WHERE outcome = 'pending'")?,
        cost_last_day_usd,
        unpriced_turns_last_day,
        open_alarms: super::alarms::count_open(db)?,
    })
}
