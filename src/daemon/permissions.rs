//! Ends standing permissions when their time is over, at that time and not at the next question.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::clock;
use super::store::Store;

/// How long to wait after the database could not be written.
const RETRY: Duration = Duration::from_secs(5);

/// Longest sleep, so that a changed system clock is noticed.
const MAX_SLEEP: Duration = Duration::from_secs(60);

/// Runs until the daemon shuts down.
pub async fn expire(store: Store, changed: Arc<Notify>, stop: CancellationToken) {
    loop {
        let next = store.expire_permissions().await;
        let sleep = async {
            match next {
                Ok(None) => std::future::pending().await,
                Ok(Some(at)) => {
                    let left = at.duration_since(clock::never_back());
                    let left = Duration::try_from(left).unwrap_or_default();
                    tokio::time::sleep(left.min(MAX_SLEEP)).await;
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot end permissions that are over");
                    tokio::time::sleep(RETRY).await;
                }
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = changed.notified() => {}
            () = sleep => {}
        }
    }
}
