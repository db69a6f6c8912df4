//! Sessions and approvals as the daemon last told, kept up by events.
//!
//! No truth of its own: whatever is here came from the daemon, and a resync replaces all of it.

use std::collections::HashMap;

use indexmap::IndexMap;
use jiff::{SignedDuration, Timestamp};

use crate::domain::{Outcome, Status};
use crate::protocol::approval::Approval;
use crate::protocol::session::{GetOverviewResponse, SessionState};

/// Decided approvals that are kept for a word about them.
const RECENT: usize = 64;

/// What the daemon told.
#[derive(Debug, Default)]
pub struct Data {
    sessions: HashMap<String, SessionState>,
    /// Pending approvals, oldest first.
    pub pending: IndexMap<String, Approval>,
    /// The last ones that ended, the newest last.
    recent: IndexMap<String, Approval>,
    /// Grows with every change of a session, so that what is derived can be kept until then.
    pub revision: u64,
    /// Whether all pages of sessions have come.
    pub complete: bool,
}

impl Data {
    /// Replaces everything by the first page of a new moment.
    pub fn replace(&mut self, overview: GetOverviewResponse) {
        self.sessions.clear();
        self.complete = false;
        self.add(overview.sessions);
        self.pending = overview
            .pending_approvals
            .into_iter()
            .map(|approval| (approval.id.clone(), approval))
            .collect();
    }

    /// Takes a further page in. What events have told meanwhile is newer and stays.
    pub fn add(&mut self, sessions: Vec<SessionState>) {
        for session in sessions {
            self.sessions.entry(session.id.clone()).or_insert(session);
        }
        self.revision += 1;
    }

    /// A session's record as it is now.
    pub fn put(&mut self, session: SessionState) {
        self.revision += 1;
        self.sessions.insert(session.id.clone(), session);
    }

    /// A session, by its id.
    #[must_use]
    pub fn session(&self, id: &str) -> Option<&SessionState> {
        self.sessions.get(id)
    }

    /// A session to change.
    pub fn session_mut(&mut self, id: &str) -> Option<&mut SessionState> {
        self.revision += 1;
        self.sessions.get_mut(id)
    }

    /// All sessions, in no order.
    pub fn sessions(&self) -> impl Iterator<Item = &SessionState> {
        self.sessions.values()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sessions.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }

    /// A pending approval, by its id.
    #[must_use]
    pub fn pending(&self, id: &str) -> Option<&Approval> {
        self.pending.get(id)
    }

    /// An approval that ended lately.
    #[must_use]
    pub fn recent(&self, id: &str) -> Option<&Approval> {
        self.recent.get(id)
    }

    /// Takes an approval in, as it is now.
    pub fn approval(&mut self, approval: Approval) {
        let id = approval.id.clone();
        if approval.outcome == Outcome::Pending {
            // Events may repeat what the overview had; one that ended does not come back.
            if !self.recent.contains_key(&id) {
                self.pending.insert(id, approval);
            }
            return;
        }
        self.pending.shift_remove(&id);
        self.recent.insert(id, approval);
        if self.recent.len() > RECENT {
            self.recent.shift_remove_index(0);
        }
    }

    /// The oldest pending approval of a session.
    #[must_use]
    pub fn oldest_of(&self, session: &str) -> Option<&Approval> {
        self.pending
            .values()
            .find(|approval| approval.session_id == session)
    }

    /// Sessions whose agent works or waits.
    #[must_use]
    pub fn active(&self) -> usize {
        self.sessions().filter(|s| s.status.is_active()).count()
    }

    /// Sessions whose agent works.
    #[must_use]
    pub fn running(&self) -> usize {
        self.sessions()
            .filter(|s| s.status.is_active() && s.status != Status::WaitingInput)
            .count()
    }

    /// US dollars of the sessions that were active in the last 24 hours.
    #[must_use]
    pub fn cost_last_day(&self, now: Timestamp) -> f64 {
        let since = now
            .checked_sub(SignedDuration::from_hours(24))
            .unwrap_or(Timestamp::UNIX_EPOCH);
        self.sessions()
            .filter(|session| session.last_activity_at >= since)
            .filter_map(|session| session.cost_usd)
            // A sum of nothing would be minus zero.
            .fold(0.0, |sum, cost| sum + cost)
    }
}
