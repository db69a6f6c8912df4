//! A clock that is never moved back, for what ends at a time.
//!
//! The calendar's time can be set to an earlier one, and a permission that ends at a time would last longer
//! by that. So the time that has passed since the furthest one seen counts as well, also since one that an
//! earlier daemon saw.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::domain::stream_state::SinceBoot;
use crate::platform;

/// When this process first asked: by a clock that stands still while the machine sleeps, and by one that does not.
static BEGAN: LazyLock<(Instant, Option<Duration>)> =
    LazyLock::new(|| (Instant::now(), platform::since_boot()));

/// In which run of the system this is.
static BOOT: LazyLock<Option<String>> = LazyLock::new(platform::boot_id);

/// How much time has passed since this process first asked, in microseconds. The time that the machine slept counts
/// where the system tells it.
fn passed() -> i64 {
    let (began, since_boot) = &*BEGAN;
    let passed = match (since_boot, platform::since_boot()) {
        (Some(then), Some(now)) => now.saturating_sub(*then),
        (_, None) | (None, _) => began.elapsed(),
    };
    i64::try_from(passed.as_micros()).unwrap_or(i64::MAX)
}

impl SinceBoot {
    /// This moment; none where the system does not tell.
    #[must_use]
    pub fn now() -> Option<Self> {
        Some(Self {
            boot: BOOT.clone()?,
            micros: i64::try_from(platform::since_boot()?.as_micros()).ok()?,
        })
    }

    /// How much time has passed since; none in another run of the system.
    #[must_use]
    pub fn passed(&self) -> Option<Duration> {
        let now = Self::now()?;
        let passed = now.micros.checked_sub(self.micros)?;
        (now.boot == self.boot).then_some(())?;
        Some(Duration::from_micros(u64::try_from(passed).ok()?))
    }
}

/// The calendar's time at that moment, in microseconds, by the furthest that it has been since.
static ORIGIN: AtomicI64 = AtomicI64::new(i64::MIN);

/// The time: the calendar's, or what it would be had it not been moved back while this process runs.
#[must_use]
pub fn never_back() -> Timestamp {
    let passed = passed();
    let wall = Timestamp::now();
    let latest = latest(&ORIGIN, wall.as_microsecond(), passed);
    Timestamp::from_microsecond(latest).unwrap_or(wall)
}

/// How late it was once.
#[derive(Clone, Debug)]
pub struct Mark {
    /// In which run of the system.
    pub boot: String,
    /// How long that had lasted, in microseconds.
    pub since_boot: Option<i64>,
    /// The time, in microseconds.
    pub time: i64,
}

impl Mark {
    /// How late it is at least by that, so long after the start of a run of the system; none in another run:
    /// a calendar that was wrong and set right is believed after a restart of the machine.
    #[must_use]
    pub fn now(&self, boot: &str, since_boot: Option<i64>) -> Option<i64> {
        let passed = match (self.since_boot, since_boot) {
            _ if self.boot != boot => return None,
            (Some(then), Some(now)) => now.saturating_sub(then).max(0),
            _ => 0,
        };
        Some(self.time.saturating_add(passed))
    }
}

/// Has the time be this one, in microseconds, at least.
pub fn at_least(time: i64) {
    ORIGIN.fetch_max(time.saturating_sub(passed()), Ordering::AcqRel);
}

fn latest(origin: &AtomicI64, wall: i64, passed: i64) -> i64 {
    let now = wall.saturating_sub(passed);
    origin
        .fetch_max(now, Ordering::AcqRel)
        .max(now)
        .saturating_add(passed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_calendar_that_is_moved_back_makes_nothing_last_longer() {
        let origin = AtomicI64::new(i64::MIN);
        assert_eq!(latest(&origin, 1_000, 0), 1_000);
        assert_eq!(latest(&origin, 1_010, 10), 1_010);
        assert_eq!(latest(&origin, 500, 20), 1_020, "moved back");
        assert_eq!(latest(&origin, 600, 120), 1_120);
        assert_eq!(
            latest(&origin, 9_000, 130),
            9_000,
            "forward, or after a sleep"
        );
        assert_eq!(latest(&origin, 1_200, 140), 9_010);
    }

    #[test]
    fn a_later_daemon_goes_on_from_an_earlier_ones_time() {
        let mark = Mark {
            boot: "one".to_owned(),
            since_boot: Some(100),
            time: 1_000,
        };
        assert_eq!(mark.now("one", Some(160)), Some(1_060));
        assert_eq!(mark.now("one", Some(90)), Some(1_000));
        assert_eq!(mark.now("one", None), Some(1_000));
        assert_eq!(
            mark.now("two", Some(160)),
            None,
            "the machine was restarted"
        );
    }

    #[test]
    fn it_follows_the_calendar() {
        let before = Timestamp::now();
        assert!(never_back() >= before);
    }
}
