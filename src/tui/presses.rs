//! Since when a key may have been waiting in the terminal before it was read.
//!
//! A key that is read while the dashboard waits for one was pressed just then. One that is there already
//! when the dashboard looks (it was busy, or the process stood still) may have been pressed at any time
//! since it looked last, when it was not there. Pure; the times come from the loop.

use std::time::Duration;

/// What is known about the keys that were read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Presses {
    /// No key that is read now was pressed before this.
    earliest: Duration,
    /// Whether the dashboard has looked, found none, and waits.
    is_waiting: bool,
    /// When it would have stopped waiting, had it not stood still.
    due: Duration,
}

impl Presses {
    /// The loop is about to wait, until `due` at most.
    pub fn begin(&mut self, due: Duration) {
        self.is_waiting = false;
        self.due = due;
    }

    /// There is no key now.
    pub fn none(&mut self, now: Duration) {
        self.earliest = now;
        self.is_waiting = true;
    }

    /// A key is read; the earliest time at which it was pressed.
    pub fn one(&mut self, now: Duration) -> Duration {
        // Who wakes up later than they meant to has stood still.
        if self.is_waiting && now <= self.due {
            self.earliest = now;
        }
        self.earliest
    }

    /// The same for a key that was there beside others.
    #[must_use]
    pub fn found(&self) -> Duration {
        self.earliest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn a_key_that_was_waited_for_was_pressed_now_and_one_that_was_there_may_be_older() {
        let mut presses = Presses::default();
        presses.none(ms(100));
        presses.begin(ms(1_100));
        presses.none(ms(105));
        assert_eq!(presses.one(ms(700)), ms(700));
        assert_eq!(presses.found(), ms(700), "beside it");
        // Busy from 710 to 1,500; the key was there then.
        presses.none(ms(710));
        presses.begin(ms(1_700));
        assert_eq!(presses.one(ms(1_500)), ms(710));
        // Woken for something else first, and still none.
        presses.none(ms(1_510));
        presses.begin(ms(1_900));
        presses.none(ms(1_511));
        presses.none(ms(1_600));
        assert_eq!(presses.one(ms(1_650)), ms(1_650));
        // The process stood still beyond the time at which it wanted to wake.
        presses.none(ms(1_660));
        presses.begin(ms(2_000));
        presses.none(ms(1_661));
        assert_eq!(presses.one(ms(9_000)), ms(1_661));
    }
}
