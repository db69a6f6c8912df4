//! Sessions and approvals as the daemon last told, kept up by events.
//!
//! No truth of its own: whatever is here came from the daemon, and a resync replaces all of it. Of a
//! session's record the long texts (the query, the last turn's result) are left out: ten thousand
//! of them are listed, and the conversation has them.

use std::collections::HashMap;
use std::sync::Arc;

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
    sessions: IndexMap<Arc<str>, SessionState>,
    /// Pending approvals, oldest first.
    pub pending: IndexMap<String, Approval>,
    /// The last ones that ended, the newest last.
    recent: IndexMap<String, Approval>,
    /// Grows with every change of a session, so that what is derived can be kept until then.
    pub revision: u64,
    /// How often each pending approval has changed.
    changes: HashMap<String, u64>,
    /// Alarms that nobody has acknowledged.
    pub open_alarms: u64,
    /// Whether all pages of sessions have come.
    pub complete: bool,
    active: usize,
    waiting: usize,
    failed: usize,
}

impl Data {
    /// Replaces everything by the first page of a new moment.
    pub fn replace(&mut self, overview: GetOverviewResponse) {
        self.sessions.clear();
        (self.active, self.waiting, self.failed) = (0, 0, 0);
        self.complete = false;
        self.open_alarms = overview.open_alarms;
        self.add(overview.sessions);
        let before = std::mem::take(&mut self.pending);
        for approval in overview.pending_approvals {
            if before.get(&approval.id).is_some_and(|was| *was != approval) {
                *self.changes.entry(approval.id.clone()).or_default() += 1;
            }
            self.pending.insert(approval.id.clone(), approval);
        }
        self.changes.retain(|id, _| self.pending.contains_key(id));
    }

    /// Takes a further page in. What events have told meanwhile is newer and stays.
    pub fn add(&mut self, sessions: Vec<SessionState>) {
        self.revision += 1;
        for session in sessions {
            if !self.sessions.contains_key(session.id.as_str()) {
                self.insert(session);
            }
        }
    }

    /// A session's record as it is now.
    pub fn upsert_session(&mut self, session: SessionState) {
        self.revision += 1;
        self.insert(session);
    }

    fn insert(&mut self, mut session: SessionState) {
        session.query = String::new();
        session.result = None;
        self.count(session.status, session.archived, true);
        let id = Arc::from(session.id.as_str());
        if let Some(before) = self.sessions.insert(id, session) {
            self.count(before.status, before.archived, false);
        }
    }

    /// Forgets a session that was deleted.
    pub fn remove_session(&mut self, id: &str) {
        if let Some(session) = self.sessions.swap_remove(id) {
            self.revision += 1;
            self.count(session.status, session.archived, false);
        }
    }

    /// Takes in that a session has another status.
    pub fn set_status(&mut self, id: &str, status: Status, at: Timestamp) {
        let last = self.sessions.values().map(|session| session.activity).max();
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        let before = std::mem::replace(&mut session.status, status);
        let archived = session.archived;
        session.last_activity_at = session.last_activity_at.max(at);
        // A daemon of an earlier release tells no order.
        if let Some(last) = last.filter(|last| *last > 0) {
            session.activity = last.saturating_add(1);
        }
        self.revision += 1;
        self.count(before, archived, false);
        self.count(status, archived, true);
    }

    fn count(&mut self, status: Status, archived: bool, more: bool) {
        let change = |count: &mut usize, holds: bool| {
            if holds && more {
                *count += 1;
            } else if holds {
                *count = count.saturating_sub(1);
            }
        };
        change(&mut self.active, status.is_active());
        change(&mut self.waiting, status == Status::WaitingInput);
        change(&mut self.failed, status == Status::Failed && !archived);
    }

    /// A session, by its id.
    #[must_use]
    pub fn session(&self, id: &str) -> Option<&SessionState> {
        self.sessions.get(id)
    }

    /// All sessions with their ids, in no order that means anything.
    pub fn sessions(&self) -> impl ExactSizeIterator<Item = (&Arc<str>, &SessionState)> {
        self.sessions.iter()
    }

    /// How many sessions there are.
    #[cfg(test)]
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
    pub fn upsert_approval(&mut self, approval: Approval) {
        let id = approval.id.clone();
        // Which sessions ask changes what the list shows.
        self.revision += 1;
        if approval.outcome == Outcome::Pending {
            // Events may repeat what the overview had; one that ended does not come back.
            if self.recent.contains_key(&id) {
                return;
            }
            if self.pending.get(&id).is_some_and(|was| *was != approval) {
                *self.changes.entry(id.clone()).or_default() += 1;
            }
            self.pending.insert(id, approval);
            return;
        }
        self.changes.remove(&id);
        self.pending.shift_remove(&id);
        self.recent.insert(id, approval);
        if self.recent.len() > RECENT {
            self.recent.shift_remove_index(0);
        }
    }

    /// How often a pending approval has changed since it was asked.
    #[must_use]
    pub fn changes_of(&self, approval: &str) -> u64 {
        self.changes.get(approval).copied().unwrap_or(0)
    }

    /// The pending approvals of a session, oldest first.
    pub fn pending_of<'a>(&'a self, session: &'a str) -> impl Iterator<Item = &'a Approval> {
        self.pending
            .values()
            .filter(move |approval| approval.session_id == session)
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
        self.active
    }

    /// Sessions whose agent works.
    #[must_use]
    pub fn running(&self) -> usize {
        self.active.saturating_sub(self.waiting)
    }

    /// Sessions whose last turn failed, without the archived ones.
    #[must_use]
    pub fn failed(&self) -> usize {
        self.failed
    }

    /// US dollars of the sessions that were active in the last 24 hours, and whether that is only the least
    /// that it can be: of some turns the cost is not known.
    #[must_use]
    pub fn cost_last_day(&self, now: Timestamp) -> (f64, bool) {
        let since = now
            .checked_sub(SignedDuration::from_hours(24))
            .unwrap_or(Timestamp::UNIX_EPOCH);
        self.sessions
            .values()
            .filter(|session| session.last_activity_at >= since)
            // A sum of nothing would be minus zero.
            .fold((0.0, false), |(sum, is_least), session| {
                let cost = session.cost_usd.unwrap_or(0.0);
                (sum + cost, is_least || session.unpriced_turns > 0)
            })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use serde_json::json;

    use super::*;
    use crate::tui::testing::{now, session};

    fn record(id: &str, status: &str) -> SessionState {
        let changes = json!({"status": status, "query": "long", "result": "longer"});
        serde_json::from_value(session(id, changes)).unwrap()
    }

    #[test]
    fn what_works_and_what_waits_is_counted_as_it_changes() {
        let mut data = Data::default();
        data.add(vec![record("a", "running"), record("b", "waiting_input")]);
        data.add(vec![record("a", "failed"), record("c", "completed")]);
        assert_eq!((data.active(), data.running(), data.len()), (2, 1, 3));
        data.set_status("b", Status::Running, now());
        assert_eq!((data.active(), data.running()), (2, 2));
        data.upsert_session(record("a", "completed"));
        assert_eq!((data.active(), data.running()), (1, 1));
        data.set_status("nobody", Status::Running, now());
        assert_eq!((data.active(), data.running()), (1, 1));
        data.set_status("a", Status::Failed, now());
        data.upsert_session(record("c", "failed"));
        assert_eq!(data.failed(), 2);
        let mut archived = record("c", "failed");
        archived.archived = true;
        data.upsert_session(archived);
        assert_eq!(data.failed(), 1, "an archived one is dealt with");
        data.set_status("a", Status::Running, now());
        assert_eq!(data.failed(), 0);
    }

    #[test]
    fn long_texts_are_not_kept() {
        let mut data = Data::default();
        data.upsert_session(record("a", "running"));
        let kept = data.session("a").unwrap();
        assert_eq!((kept.query.as_str(), &kept.result), ("", &None));
    }
}
