//! How long to wait before a request is made again. Pure: the clock and the random number are the caller's.
//!
//! The pause of a [`Backoff`] is shortened at random by up to half, so that many daemons that lost the same API do not
//! come back in step. What the API itself asks for (`Retry-After`) is never undercut, up to [`MAX_RETRY_AFTER`].

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::rfc2822;
use jiff::tz::TimeZone;

use crate::backoff::Backoff;

/// The longest wait that an API can ask for.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// The pause after so many failures in a row, shortened at random: `random` is from 0 to 1.
#[must_use]
pub fn pause(backoff: Backoff, failures: u32, random: f64) -> Duration {
    backoff
        .after(failures)
        .mul_f64(0.5 + 0.5 * random.clamp(0.0, 1.0))
}

/// The same, but at least what the API asked for, and a little more so that not everybody who was asked comes back in
/// the same instant.
#[must_use]
pub fn pause_at_least(
    backoff: Backoff,
    failures: u32,
    retry_after: Option<Duration>,
    random: f64,
) -> Duration {
    let pause = pause(backoff, failures, random);
    match retry_after {
        None => pause,
        Some(asked) => {
            let asked = asked.min(MAX_RETRY_AFTER);
            pause.max(asked.mul_f64(1.0 + 0.1 * random.clamp(0.0, 1.0)))
        }
    }
}

/// The pause for what will not pass by itself, such as a key that is refused.
#[must_use]
pub fn longest(backoff: Backoff, random: f64) -> Duration {
    pause(backoff, u32::MAX, random)
}

/// A number from 0 to 1 that nobody foresees; the middle where the system gives none.
#[must_use]
pub fn random_unit() -> f64 {
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

    const BACKOFF: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));

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
        for (failures, random, millis) in cases {
            let pause = pause(BACKOFF, failures, random);
            assert_eq!(pause, Duration::from_millis(millis), "{failures} {random}");
        }
        assert_eq!(longest(BACKOFF, 1.0), BACKOFF.cap);
    }

    #[test]
    fn what_the_api_asks_for_is_not_undercut() {
        let asked = |seconds| Some(Duration::from_secs(seconds));
        let cases = [
            (1, None, 0.0, 500),
            (1, asked(10), 0.0, 10_000),
            (1, asked(10), 1.0, 11_000),
            (7, asked(10), 0.0, 30_000),
            (1, asked(100_000), 0.0, 3_600_000),
        ];
        for (failures, asked, random, millis) in cases {
            let pause = pause_at_least(BACKOFF, failures, asked, random);
            assert_eq!(pause, Duration::from_millis(millis), "{failures} {asked:?}");
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
    fn random_numbers_stay_between_their_ends() {
        for _ in 0..100 {
            assert!((0.0..=1.0).contains(&random_unit()));
        }
    }
}
