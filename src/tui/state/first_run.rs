//! What is missing on this machine, told while there are no sessions.

use jiff::{SignedDuration, Timestamp};

use crate::doctor::{Finding, Level};

/// How long between two looks while something is missing without which nothing works, and while
/// something may be missing.
const AGAIN: (SignedDuration, SignedDuration) =
    (SignedDuration::from_secs(3), SignedDuration::from_secs(30));

/// What was found, and when it was last looked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FirstRun {
    /// What was found, in the order to show; nothing before the first look is over.
    pub findings: Vec<Finding>,
    /// When the last look began.
    pub began: Option<Timestamp>,
    /// Whether one is under way.
    pub looking: bool,
}

impl FirstRun {
    /// Whether something was found missing, or it is not known yet.
    #[must_use]
    pub fn is_incomplete(&self) -> bool {
        self.findings.is_empty() || self.findings.iter().any(|found| found.level != Level::Ok)
    }

    /// Whether something is missing without which nothing works, or it is not known yet.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        let fails = |found: &Finding| found.level == Level::Fail;
        self.findings.is_empty() || self.findings.iter().any(fails)
    }

    /// Whether it is time for another look; notes that it begins.
    pub fn begins(&mut self, now: Timestamp) -> bool {
        let rest = if self.is_failing() { AGAIN.0 } else { AGAIN.1 };
        let rested = self
            .began
            .is_none_or(|began| now.duration_since(began) >= rest);
        let due = !self.looking && self.is_incomplete() && rested;
        if due {
            self.began = Some(now);
            self.looking = true;
        }
        due
    }
}
