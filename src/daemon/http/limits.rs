//! How fast a key may ask.
//!
//! A bucket a key: it holds [`BURST`] requests and fills with [`PER_SECOND`]. Requests without a good
//! key share one. Two hundred programs that poll every three seconds take a third of that.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Requests a second that a key may make on and on.
pub const PER_SECOND: f64 = 200.0;

/// Requests that a key may make at once.
pub const BURST: f64 = 1000.0;

/// Whose bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Who {
    /// A key's.
    Key(i64),
    /// That of everybody without a good one.
    Nobody,
}

struct Bucket {
    left: f64,
    at: Instant,
}

/// The buckets; as many as there are keys.
#[derive(Default)]
pub struct Rates {
    buckets: Mutex<HashMap<Who, Bucket>>,
}

impl Rates {
    /// Takes one request out of a bucket; when it is empty, says after how many seconds to come again.
    pub fn take(&self, who: Who, now: Instant) -> Result<(), u64> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.entry(who).or_insert(Bucket {
            left: BURST,
            at: now,
        });
        let passed = now.saturating_duration_since(bucket.at).as_secs_f64();
        bucket.left = (bucket.left + passed * PER_SECOND).min(BURST);
        bucket.at = now;
        if bucket.left < 1.0 {
            return Err(1);
        }
        bucket.left -= 1.0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_bucket_empties_and_fills_and_is_nobody_elses() {
        let (rates, start) = (Rates::default(), Instant::now());
        for _ in 0..BURST as usize {
            rates.take(Who::Key(1), start).unwrap();
        }
        assert_eq!(rates.take(Who::Key(1), start), Err(1));
        rates.take(Who::Key(2), start).unwrap();
        rates.take(Who::Nobody, start).unwrap();
        let later = start + Duration::from_millis(10);
        rates.take(Who::Key(1), later).unwrap();
        rates.take(Who::Key(1), later).unwrap();
        assert_eq!(rates.take(Who::Key(1), later), Err(1));
    }
}
