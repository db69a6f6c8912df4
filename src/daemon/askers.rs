//! Ends requests whose asking process has ended, so that nobody answers what nobody waits for.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::store::{Store, StoreError};
use crate::platform::{self, ProcessId};

/// How often it is looked whether the processes live, while there are any.
const EVERY: Duration = Duration::from_secs(2);

/// Runs until the daemon shuts down. `asked` tells that there may be another process.
pub async fn watch(store: Store, asked: Arc<Notify>, stop: CancellationToken) {
    loop {
        let waiting = match look(&store).await {
            Ok(waiting) => waiting,
            Err(error) => {
                tracing::warn!(%error, "cannot end the requests of programs that have ended");
                true
            }
        };
        let sleep = async {
            if waiting {
                tokio::time::sleep(EVERY).await;
            } else {
                asked.notified().await;
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep => {}
        }
    }
}

/// Ends what is to be ended; says whether processes are left to look at.
async fn look(store: &Store) -> Result<bool, StoreError> {
    let known = store.asker_processes().await?;
    if known.is_empty() {
        return Ok(false);
    }
    let gone: Vec<ProcessId> = known
        .iter()
        .filter(|process| {
            platform::process_start_time(process.pid) != Some(process.start_time)
                || platform::is_zombie(process.pid)
        })
        .copied()
        .collect();
    store.end_requests_of(gone).await?;
    Ok(true)
}
