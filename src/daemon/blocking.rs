//! Work that may have to wait for a disk, on a thread where that keeps nobody up.
//!
//! The daemon has one worker thread: a file on a network drive that does not answer would stall every
//! client otherwise. What lies on the way of agents' lines (their journals, just written) is read on
//! the worker itself.

/// Does the work on a thread of its own and waits for it without keeping this one.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime ends, and with it this task.
            Err(_) => std::future::pending().await,
        },
    }
}
