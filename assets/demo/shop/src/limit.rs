//! Limits how often a client may call.

use std::sync::atomic::{AtomicU32, Ordering};

/// Counts calls within a minute.
pub struct Limiter {
    most: u32,
    calls: AtomicU32,
}

impl Limiter {
    /// Allows so many calls a minute.
    pub fn new(most: u32) -> Self {
        Self {
            most,
            calls: AtomicU32::new(0),
        }
    }

    /// Whether one more call is allowed.
    pub fn allow(&self) -> bool {
        self.calls.fetch_add(1, Ordering::Relaxed) < self.most
    }

    /// Begins a new minute.
    pub fn reset(&self) {
        self.calls.store(0, Ordering::Relaxed);
    }
}
