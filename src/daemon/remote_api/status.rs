//! How the work with the remote API goes, for `health`: what last succeeded, what is wrong now,
//! and when it is tried again.
//!
//! Written by the pollers and the worker, read by whoever asks how the daemon is. Logs a problem
//! when it begins, changes or ends, not each time that it is met.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::protocol::remote_api::{RemoteApiHealth, RemoteApiPart};
use crate::remote_api::types::RequestKind;

/// Which work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Polling one kind of request.
    Poll(RequestKind),
    /// Delivering answers.
    Answers,
}

impl Part {
    fn describe(self) -> &'static str {
        match self {
            Self::Poll(kind) => kind.describe(),
            Self::Answers => "answers",
        }
    }
}

/// How it goes.
#[derive(Debug)]
pub struct Status(Mutex<RemoteApiHealth>);

impl Status {
    /// Of an API that has not been tried.
    pub(super) fn of(place: &str) -> Self {
        Self(Mutex::new(RemoteApiHealth {
            place: place.to_owned(),
            ..RemoteApiHealth::default()
        }))
    }

    /// Of one that cannot be used.
    pub(super) fn of_no_api(problem: String) -> Self {
        Self(Mutex::new(RemoteApiHealth {
            problem: Some(problem),
            ..RemoteApiHealth::default()
        }))
    }

    /// As it is told to clients.
    #[must_use]
    pub fn health(&self) -> RemoteApiHealth {
        self.lock().clone()
    }

    /// It worked; `remark` is what is odd about it all the same.
    pub(super) fn succeeded(&self, part: Part, remark: Option<String>) {
        let mut health = self.lock();
        let entry = entry(&mut health, part);
        if entry.problem.is_some() && remark.is_none() {
            tracing::info!(part = part.describe(), "the remote API works again");
        }
        tell(part, entry, remark.as_ref());
        entry.last_success_at = Some(Timestamp::now());
        entry.failures = 0;
        entry.problem = remark;
    }

    /// It failed, for the moment.
    pub(super) fn failed(&self, part: Part, problem: String) {
        let mut health = self.lock();
        let entry = entry(&mut health, part);
        tell(part, entry, Some(&problem));
        entry.failures = entry.failures.saturating_add(1);
        entry.problem = Some(problem);
    }

    /// When it is tried next; none when there is nothing to try.
    pub(super) fn next(&self, part: Part, wait: Option<Duration>) {
        let at = wait.and_then(|wait| Timestamp::now().checked_add(wait).ok());
        entry(&mut self.lock(), part).next_try_at = at;
    }

    fn lock(&self) -> MutexGuard<'_, RemoteApiHealth> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn entry(health: &mut RemoteApiHealth, part: Part) -> &mut RemoteApiPart {
    match part {
        Part::Poll(RequestKind::FunctionCall) => &mut health.function_calls,
        Part::Poll(RequestKind::HumanContact) => &mut health.human_contacts,
        Part::Answers => &mut health.answers,
    }
}

fn tell(part: Part, entry: &RemoteApiPart, problem: Option<&String>) {
    if let Some(problem) = problem.filter(|problem| entry.problem.as_ref() != Some(*problem)) {
        tracing::warn!(part = part.describe(), %problem, "trouble with the remote API");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_stays_until_it_works_again() {
        let status = Status::of("http://x");
        let part = Part::Poll(RequestKind::HumanContact);
        status.failed(part, "cut".to_owned());
        status.failed(part, "cut".to_owned());
        status.next(part, Some(Duration::from_secs(60)));
        let health = status.health();
        assert_eq!(health.human_contacts.failures, 2);
        assert_eq!(health.human_contacts.problem.as_deref(), Some("cut"));
        assert!(health.human_contacts.next_try_at > Some(Timestamp::now()));
        assert_eq!(health.function_calls, RemoteApiPart::default());
        status.succeeded(part, None);
        let part = status.health().human_contacts;
        assert_eq!((part.failures, part.problem), (0, None));
        assert!(part.last_success_at.is_some());
    }
}
