//! How the writer's commits go: whether one runs and since when, whether one took long, whether one failed.
//!
//! Kept in a few words that are written twice a commit, and read by whoever says how the disk is.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::ErrorCode;

use super::StoreError;

/// Commits of late.
#[derive(Default)]
pub struct Commits(Mutex<State>);

#[derive(Default)]
struct State {
    /// Since when one runs.
    since: Option<Instant>,
    /// How long the last one took that took longer than those after it, and when it ended.
    slowest: Option<(Duration, Instant)>,
    failed: Option<(String, Instant)>,
}

impl Commits {
    pub(super) fn begin(&self) {
        self.lock().since = Some(Instant::now());
    }

    pub(super) fn end(&self) {
        let mut state = self.lock();
        if let Some(since) = state.since.take() {
            let now = Instant::now();
            let took = now.saturating_duration_since(since);
            if took >= NOTED {
                state.slowest = Some((took, now));
            }
        }
    }

    fn failed(&self, why: &str) {
        self.lock().failed = Some((why.to_owned(), Instant::now()));
    }

    /// Takes note of a statement around jobs that failed.
    pub(super) fn statement_failed(&self, error: &rusqlite::Error) {
        if is_of_the_disk(error) {
            self.failed(&error.to_string());
        }
    }

    /// Takes note of why a transaction could not be begun; that another program holds the database locked is said
    /// elsewhere.
    pub(super) fn not_begun(&self, why: &str) {
        if !why.contains("locked") {
            self.failed(why);
        }
    }

    /// Takes note of a job that failed because of the disk.
    pub(super) fn job_failed(&self, error: &StoreError) {
        if let StoreError::Sql { source, .. } = error {
            self.statement_failed(source);
        }
    }

    /// For how long the one that runs does; none if none does.
    #[must_use]
    pub fn running_for(&self) -> Option<Duration> {
        self.lock().since.map(|since| since.elapsed())
    }

    /// Whether one that took so long ended within that time.
    #[must_use]
    pub fn was_slow_within(&self, slow: Duration, time: Duration) -> bool {
        let slowest = self.lock().slowest;
        slowest.is_some_and(|(took, ended)| took >= slow && ended.elapsed() <= time)
    }

    /// Why one failed within that time, if one did.
    #[must_use]
    pub fn failed_within(&self, time: Duration) -> Option<String> {
        let state = self.lock();
        let failed = state.failed.as_ref();
        failed
            .filter(|(_, at)| at.elapsed() <= time)
            .map(|(why, _)| why.clone())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Commits that take less are not remembered.
const NOTED: Duration = Duration::from_millis(500);

fn is_of_the_disk(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::ReadOnly
                | ErrorCode::CannotOpen
        )
    )
}
