//! How long to wait before trying again. Pure: the clock and the dice are the caller's.
//!
//! The pause doubles with each failure up to a cap and is then shortened at random by up to half,
//! so that many daemons that lost the same API do not come back in step. What the API itself asks
//! for (`Retry-After`) is never undercut, up to [`LONGEST_WISH`].

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::rfc2822;
use jiff::tz::TimeZone;

/// The longest wait that an API can ask for.
pub const LONGEST_WISH: Duration = Duration::from_secs(3600);

/// How pauses grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// After the first failure.
    pub first: Duration,
    /// Never longer than this, unless the API asks for it.
    pub cap: Duration,
}

impl Backoff {
    /// The pause after so many failures in a row; `dice` is from 0 to 1.
    #[must_use]
    pub fn pause(&self, failures: u32, dice: f64) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        let whole = self.first.saturating_mul(1 << doublings).min(self.cap);
        whole.mul_f64(0.5 + 0.5 * dice.clamp(0.0, 1.0))
    }

    /// The same, but at least what the API asked for, and a little more so that not everybody who
    /// was asked comes back in the same instant.
    #[must_use]
    pub fn pause_at_least(&self, failures: u32, wish: Option<Duration>, dice: f64) -> Duration {
        let pause = self.pause(failures, dice);
        match wish {
            None => pause,
            Some(wish) => {
                let wish = wish.min(LONGEST_WISH);
                pause.max(wish.mul_f64(1.0 + 0.1 * dice.clamp(0.0, 1.0)))
            }
        }
    }

    /// The pause for what will not pass by itself, such as a key that is refused.
    #[must_use]
    pub fn longest(&self, dice: f64) -> Duration {
        self.pause(u32::MAX, dice)
    }
}

/// A number from 0 to 1 that nobody foresees; the middle where the system gives none.
#[must_use]
pub fn dice() -> f64 {
    getrandom::u32().map_or(0.5, |random| f64::from(random) / f64::from(u32::MAX))
}

/// Reads a `Retry-After`: seconds, or an HTTP date in any of its three forms. None for nonsense;
/// a date that is past means at once.
#[must_use]
pub fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let until = http_date(value)?;
    Some(Duration::try_from(until.duration_since(now)).unwrap_or_default())
}

fn http_date(value: &str) -> Option<Timestamp> {
    if let Ok(time) = rfc2822::parse(value) {
        return Some(time.timestamp());
    }
    // The two older forms name no zone that means anything: they are in UTC.
    ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"]
        .into_iter()
        .find_map(|form| DateTime::strptime(form, value).ok())
        .and_then(|time| TimeZone::UTC.to_timestamp(time).ok())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    const BACKOFF: Backoff = Backoff {
        first: Duration::from_secs(1),
        cap: Duration::from_secs(60),
    };

    #[test]
    fn pauses_double_up_to_the_cap_and_are_shortened_by_at_most_half() {
        let cases = [
            (0, 1.0, 1_000),
            (1, 1.0, 1_000),
            (1, 0.0, 500),
            (2, 1.0, 2_000),
            (3, 0.5, 3_000),
            (6, 1.0, 32_000),
            (7, 1.0, 60_000),
            (7, 0.0, 30_000),
            (u32::MAX, 1.0, 60_000),
            (2, 7.0, 2_000),
        ];
        for (failures, dice, millis) in cases {
            let pause = BACKOFF.pause(failures, dice);
            assert_eq!(pause, Duration::from_millis(millis), "{failures} {dice}");
        }
        assert_eq!(BACKOFF.longest(1.0), BACKOFF.cap);
    }

    #[test]
    fn what_the_api_asks_for_is_not_undercut() {
        let wish = |seconds| Some(Duration::from_secs(seconds));
        let cases = [
            (1, None, 0.0, 500),
            (1, wish(10), 0.0, 10_000),
            (1, wish(10), 1.0, 11_000),
            (7, wish(10), 0.0, 30_000),
            (1, wish(100_000), 0.0, 3_600_000),
        ];
        for (failures, wish, dice, millis) in cases {
            let pause = BACKOFF.pause_at_least(failures, wish, dice);
            assert_eq!(pause, Duration::from_millis(millis), "{failures} {wish:?}");
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now: Timestamp = "1994-11-06T08:49:00Z".parse().unwrap();
        let cases = [
            ("0", Some(0)),
            (" 120 ", Some(120)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(37)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(37)),
            ("Sun Nov  6 08:49:37 1994", Some(37)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("-3", None),
            ("soon", None),
            ("", None),
        ];
        for (value, seconds) in cases {
            let found = retry_after(value, now);
            assert_eq!(found, seconds.map(Duration::from_secs), "{value:?}");
        }
    }

    #[test]
    fn the_dice_stay_between_their_ends() {
        for _ in 0..100 {
            assert!((0.0..=1.0).contains(&dice()));
        }
    }
}
