//! What agents are doing right now: since when their turns run.
//!
//! The daemon says since when a turn runs. What is noted here, from the changes of status that it tells,
//! is for the moment before an agent begins a turn, for what the turn has used, and for a daemon that
//! does not say it yet. Bounded by the sessions that work.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::domain::Status;
use crate::protocol::session::SessionState;

/// A turn that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Turn {
    began: Timestamp,
    /// The session's output tokens when it began.
    output_tokens: i64,
}

/// What agents are doing.
#[derive(Debug, Default)]
pub struct Activity {
    turns: HashMap<String, Turn>,
}

impl Activity {
    /// A session is told anew: a first turn runs since the session was started, and what has ended
    /// while nothing was told has ended.
    pub fn learned(&mut self, session: &SessionState) {
        if !session.status.is_active() {
            self.forget(&session.id);
        } else if session.completed_at.is_none() && !session.external {
            self.turns.entry(session.id.clone()).or_insert(Turn {
                began: session.created_at,
                output_tokens: 0,
            });
        }
    }

    /// A session's turn is over, or the session is gone.
    pub fn forget(&mut self, id: &str) {
        self.turns.remove(id);
    }

    /// A session has another status than before.
    pub fn status_changed(&mut self, session: &SessionState, before: Status, at: Timestamp) {
        match (before.is_active(), session.status.is_active()) {
            (false, true) => {
                let output_tokens = session.output_tokens.unwrap_or(0);
                let began = Turn {
                    began: at,
                    output_tokens,
                };
                self.turns.insert(session.id.clone(), began);
            }
            (_, false) => self.forget(&session.id),
            (true, true) => {}
        }
    }

    /// For how many seconds a session's turn has run: as the daemon says, or, of a turn that an agent
    /// has yet to begin, as far as is known here.
    #[must_use]
    pub fn elapsed(&self, session: &SessionState, now: Timestamp) -> Option<i64> {
        if !session.status.is_active() {
            return None;
        }
        let known = || self.turns.get(&session.id).map(|turn| turn.began);
        let began = session.turn_started_at.or_else(known)?;
        Some((now.as_second() - began.as_second()).max(0))
    }

    /// Output tokens of the turn so far.
    #[must_use]
    pub fn tokens(&self, session: &SessionState) -> Option<i64> {
        let turn = self.turns.get(&session.id)?;
        Some(session.output_tokens? - turn.output_tokens).filter(|tokens| *tokens > 0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use serde_json::json;

    use super::*;
    use crate::tui::testing::{now, session};

    fn record(status: &str, more: serde_json::Value) -> SessionState {
        let mut changes = json!({"status": status});
        let fields = changes.as_object_mut().unwrap();
        fields.extend(more.as_object().cloned().unwrap());
        serde_json::from_value(session("a", changes)).unwrap()
    }

    #[test]
    fn a_turn_runs_from_its_begin_to_its_end_whatever_is_asked_meanwhile() {
        let mut activity = Activity::default();
        let running = record("running", json!({"output_tokens": 500}));
        activity.status_changed(&running, Status::Completed, now());
        let later = now() + jiff::SignedDuration::from_secs(72);
        assert_eq!(activity.elapsed(&running, later), Some(72));
        let asks = record("waiting_input", json!({"output_tokens": 1_700}));
        activity.status_changed(&asks, Status::Running, later);
        assert_eq!(activity.elapsed(&asks, later), Some(72));
        assert_eq!(activity.tokens(&asks), Some(1_200));
        let failed = record("failed", json!({}));
        activity.status_changed(&failed, Status::Running, later);
        assert_eq!(activity.elapsed(&failed, later), None);
    }

    #[test]
    fn a_first_turn_is_as_old_as_its_session_and_of_a_later_one_nothing_is_claimed() {
        let mut activity = Activity::default();
        let first = record("running", json!({}));
        activity.learned(&first);
        assert_eq!(activity.elapsed(&first, now()), Some(3_600));
        let mut activity = Activity::default();
        let later = record("running", json!({"completed_at": "2026-03-01T11:10:00Z"}));
        activity.learned(&later);
        assert_eq!(activity.elapsed(&later, now()), None);
    }

    #[test]
    fn a_turn_runs_since_when_the_daemon_says() {
        let mut activity = Activity::default();
        let began = json!({"turn_started_at": "2026-03-01T11:59:15Z"});
        let running = record("running", began.clone());
        activity.learned(&running);
        assert_eq!(activity.elapsed(&running, now()), Some(45));
        let ended = record("completed", began);
        assert_eq!(activity.elapsed(&ended, now()), None);
    }

    #[test]
    fn a_turn_that_ended_while_nothing_was_told_is_not_shown_as_running() {
        let mut activity = Activity::default();
        activity.learned(&record("running", json!({})));
        // The connection was lost and is there again.
        let ended = record("completed", json!({}));
        activity.learned(&ended);
        assert_eq!(activity.elapsed(&ended, now()), None);
    }
}
