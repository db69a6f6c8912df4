//! The first three decisions of somebody who is new, in the demonstration.
//!
//! Knows which were made and what to try next; each may be made in any order. Pure.

use crate::domain::{Kind, Outcome};

/// The decisions that were made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tour {
    approved: bool,
    denied: bool,
    answered: bool,
    last: Option<Outcome>,
}

/// What to try next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Approve something.
    Approve,
    /// Deny something, with a reason.
    Deny,
    /// Answer a question.
    Answer,
    /// All was tried.
    Done,
}

impl Tour {
    /// A decision made here has come into force. No second question is asked, so one that was denied is done with.
    pub fn decided(&mut self, kind: Kind, outcome: Outcome) {
        let is_question = matches!(kind, Kind::Question | Kind::Contact);
        match outcome {
            Outcome::Approved => self.approved = true,
            Outcome::Denied if is_question => self.answered = true,
            Outcome::Denied => self.denied = true,
            Outcome::Answered => self.answered = true,
            Outcome::Pending | Outcome::Withdrawn | Outcome::Abandoned | Outcome::Expired => return,
        }
        self.last = Some(outcome);
    }

    /// What to try next.
    #[must_use]
    pub fn step(&self) -> Step {
        match (self.approved, self.denied, self.answered) {
            (false, _, _) => Step::Approve,
            (true, false, _) => Step::Deny,
            (true, true, false) => Step::Answer,
            (true, true, true) => Step::Done,
        }
    }

    /// How many of the three were made.
    #[must_use]
    pub fn made(&self) -> usize {
        [self.approved, self.denied, self.answered]
            .into_iter()
            .filter(|made| *made)
            .count()
    }

    /// What the last decision did, in words.
    #[must_use]
    pub fn said(&self) -> Option<&'static str> {
        Some(match self.last? {
            Outcome::Approved => "Approved: the agent carries on.",
            Outcome::Denied => "Denied: the agent got your reason.",
            Outcome::Answered => "Answered: the agent uses your answer.",
            Outcome::Pending | Outcome::Withdrawn | Outcome::Abandoned | Outcome::Expired => {
                return None;
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_decisions_may_be_made_in_any_order_and_others_count_nothing() {
        let mut tour = Tour::default();
        assert_eq!(
            (tour.step(), tour.made(), tour.said()),
            (Step::Approve, 0, None)
        );
        for (outcome, step, made) in [
            (Outcome::Withdrawn, Step::Approve, 0),
            (Outcome::Answered, Step::Approve, 1),
            (Outcome::Approved, Step::Deny, 2),
            (Outcome::Approved, Step::Deny, 2),
            (Outcome::Denied, Step::Done, 3),
        ] {
            tour.decided(Kind::Permission, outcome);
            assert_eq!((tour.step(), tour.made()), (step, made), "{outcome:?}");
        }
    }

    #[test]
    fn a_question_that_was_denied_is_not_waited_for() {
        let mut tour = Tour::default();
        tour.decided(Kind::Permission, Outcome::Approved);
        tour.decided(Kind::Question, Outcome::Denied);
        assert_eq!((tour.step(), tour.made()), (Step::Deny, 2));
        tour.decided(Kind::Permission, Outcome::Denied);
        assert_eq!(tour.step(), Step::Done);
    }
}
