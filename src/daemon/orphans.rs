//! Collects what the daemon has inherited: what the agent of a killed runner left behind is below the
//! daemon from then on, so that it goes on counting as an agent's.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::callers::Callers;
use crate::platform;

/// How often it is looked whether something has ended.
const EVERY: Duration = Duration::from_secs(5);

/// Runs until the daemon shuts down.
pub async fn collect(callers: Arc<Callers>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        // Runners are collected by who started them, and wait for that only a moment.
        platform::collect_children(|pid| !callers.is_watched(pid));
    }
}
