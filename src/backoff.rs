//! Pauses between tries: each twice as long as the one before, up to a longest one.
//!
//! Owns how pauses grow. Pure: must not wait itself. What counts as a failure is the caller's; `remote_api::retry`
//! shortens the pauses at random and respects what a server asks for.

use std::time::Duration;

/// How pauses grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The pause after the first failure.
    pub first: Duration,
    /// The longest one.
    pub cap: Duration,
}

impl Backoff {
    /// From `first` up to `cap`.
    #[must_use]
    pub const fn new(first: Duration, cap: Duration) -> Self {
        Self { first, cap }
    }

    /// The pause after so many failures in a row.
    #[must_use]
    pub fn after(&self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        self.first.saturating_mul(1 << doublings).min(self.cap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));
        let cases = [
            (0, 1),
            (1, 1),
            (2, 2),
            (3, 4),
            (6, 32),
            (7, 60),
            (u32::MAX, 60),
        ];
        for (failures, seconds) in cases {
            assert_eq!(
                backoff.after(failures),
                Duration::from_secs(seconds),
                "{failures}"
            );
        }
    }
}
