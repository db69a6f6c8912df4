//! What an agent's work costs, counted from totals that only its processes know.
//!
//! Claude Code reports cost and tokens as running totals with each result. Up to 2.1.133 they begin
//! at nothing with every process; from 2.1.330 on they go on from the transcript: a resumed process
//! begins where the last one that ended in order had stopped, a fork where its parent stood, and
//! `/clear` begins anew. So a total says nothing by itself. What is counted is the difference
//! to where the process began, which is found out with its first report ([`Accounting::report`]).
//!
//! A new process of the same session needs nothing done here: that the last one has ended is noted
//! with its end. A fork is given [`Accounting::for_fork`] of its parent.

use serde::{Deserialize, Serialize};

/// Running totals, or what lies between two of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Totals {
    /// US dollars.
    pub cost_usd: f64,
    /// Fresh input tokens.
    pub input_tokens: i64,
    /// Output tokens.
    pub output_tokens: i64,
    /// Tokens written to the model's cache.
    pub cache_creation_input_tokens: i64,
    /// Tokens read from the model's cache.
    pub cache_read_input_tokens: i64,
}

/// Amounts of money are compared with so much to spare, because they are sums of floats.
const CENT_FRACTION: f64 = 1e-9;

impl Totals {
    /// All tokens.
    #[must_use]
    pub fn tokens(&self) -> i64 {
        [
            self.input_tokens,
            self.output_tokens,
            self.cache_creation_input_tokens,
            self.cache_read_input_tokens,
        ]
        .into_iter()
        .fold(0, i64::saturating_add)
    }

    /// What lies between an earlier total and this one.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            cost_usd: (self.cost_usd - earlier.cost_usd).max(0.0),
            input_tokens: self.input_tokens.saturating_sub(earlier.input_tokens),
            output_tokens: self.output_tokens.saturating_sub(earlier.output_tokens),
            cache_creation_input_tokens: self
                .cache_creation_input_tokens
                .saturating_sub(earlier.cache_creation_input_tokens),
            cache_read_input_tokens: self
                .cache_read_input_tokens
                .saturating_sub(earlier.cache_read_input_tokens),
        }
    }

    /// Both together.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            cost_usd: self.cost_usd + other.cost_usd,
            input_tokens: self.input_tokens.saturating_add(other.input_tokens),
            output_tokens: self.output_tokens.saturating_add(other.output_tokens),
            cache_creation_input_tokens: self
                .cache_creation_input_tokens
                .saturating_add(other.cache_creation_input_tokens),
            cache_read_input_tokens: self
                .cache_read_input_tokens
                .saturating_add(other.cache_read_input_tokens),
        }
    }

    /// Whether all tokens of another are in it, kind by kind.
    fn covers(&self, other: &Self) -> bool {
        self.input_tokens >= other.input_tokens
            && self.output_tokens >= other.output_tokens
            && self.cache_creation_input_tokens >= other.cache_creation_input_tokens
            && self.cache_read_input_tokens >= other.cache_read_input_tokens
    }

    /// Whether a process that stood at `earlier` can have come here by a turn of `turn` tokens.
    fn follows(&self, earlier: &Self, turn: i64) -> bool {
        self.cost_usd + CENT_FRACTION >= earlier.cost_usd
            && self.input_tokens >= earlier.input_tokens
            && self.output_tokens >= earlier.output_tokens
            && self.cache_creation_input_tokens >= earlier.cache_creation_input_tokens
            && self.cache_read_input_tokens >= earlier.cache_read_input_tokens
            && self.tokens().saturating_sub(earlier.tokens()) >= turn
    }
}

/// Turns whose process was killed before it reported what they cost.
///
/// Their tokens are known from their messages; their cost is what Claude Code alone reckons, and it does so
/// with the result that never came. Observed with one model call before the kill:
///
/// | how the process ended in the turn | 2.0.37, 2.1.133 | 2.1.330, 2.1.332 |
/// | --- | --- | --- |
/// | SIGKILL (also a reboot, a killed runner) | no later process reports it | no later process reports it |
/// | SIGTERM, SIGINT | no later process reports it | the next one's totals hold it |
///
/// So the cost of a session that has such turns is the least that it can be, and is shown as that, until a
/// later process accounts for them. It is not estimated from prices: those change with the model, the
/// contract and the kind of token.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Unpriced {
    /// How many there are.
    pub turns: u32,
    /// Those of them that the next process may account for with its first report, and their tokens.
    pub pending: Option<(u32, Totals)>,
}

impl Unpriced {
    /// A process ended in a turn. `tokens` were counted of that turn so far; `may_be_reported` unless the
    /// process was killed so that it could write nothing down.
    pub fn lost(&mut self, tokens: &Totals, may_be_reported: bool) {
        self.turns = self.turns.saturating_add(1);
        self.pending = may_be_reported.then(|| {
            let (turns, so_far) = self.pending.unwrap_or_default();
            (turns.saturating_add(1), so_far.plus(tokens))
        });
    }

    /// A process reports for the first time: `spent` since the last report, of which its own turn took
    /// `turn`. Returns the tokens that are in it for turns which were lost, and have been counted before.
    pub fn reported(&mut self, spent: &Totals, turn: &Totals) -> Totals {
        let Some((turns, tokens)) = self.pending.take() else {
            return Totals::default();
        };
        if tokens.tokens() == 0 || !spent.covers(&turn.plus(&tokens)) {
            return Totals::default();
        }
        self.turns = self.turns.saturating_sub(turns);
        tokens
    }
}

/// What has been counted of an agent's totals.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Accounting {
    /// The totals that were reported last.
    pub reported: Totals,
    /// Where the process that reported them had begun.
    pub began_at: Totals,
    /// Whether that process has ended, so that the next report is another one's first.
    pub ended: bool,
}

impl Accounting {
    /// The accounting of a fork: whatever its parent has cost is not the fork's.
    #[must_use]
    pub fn for_fork(&self) -> Self {
        Self {
            ended: true,
            ..self.clone()
        }
    }

    /// Takes in the totals that a process reports after a turn of `turn` tokens, and says what is new
    /// in them.
    ///
    /// Within a process the totals rise by at least the tokens of the turn. Where they do not, they
    /// have begun elsewhere: where the process before had begun (it was killed, and with it
    /// the record of what it had added), or at nothing.
    pub fn report(&mut self, totals: Totals, turn: i64) -> Totals {
        let begins = [self.reported, self.began_at];
        let base = begins
            .into_iter()
            .find(|base| totals.follows(base, turn))
            .unwrap_or_default();
        if self.ended || base != self.reported {
            self.began_at = base;
        }
        self.ended = false;
        self.reported = totals;
        totals.since(&base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Totals after so many turns of the scripted model: 138 tokens and $0.0008372 each.
    fn turns(count: i64) -> Totals {
        Totals {
            #[expect(clippy::cast_precision_loss, reason = "small numbers")]
            cost_usd: count as f64 * 0.000_837_2,
            input_tokens: 100 * count,
            output_tokens: 20 * count,
            cache_creation_input_tokens: 7 * count,
            cache_read_input_tokens: 11 * count,
        }
    }

    /// Reports, each of how many turns its process counts; `None` is the end of a process.
    fn counted(accounting: &mut Accounting, reports: &[Option<i64>]) -> f64 {
        let mut sum = Totals::default();
        for report in reports {
            match report {
                Some(count) => sum = sum.plus(&accounting.report(turns(*count), 138)),
                None => accounting.ended = true,
            }
        }
        sum.cost_usd / 0.000_837_2
    }

    #[test]
    fn turns_are_counted_once_whatever_the_totals_do() {
        // As recorded: four turns in two processes, then one more, killed, and one after it.
        let cases: [(&str, &[Option<i64>], f64); 6] = [
            (
                "totals that begin anew with each process",
                &[
                    Some(1),
                    Some(2),
                    None,
                    Some(1),
                    Some(2),
                    None,
                    Some(1),
                    None,
                    Some(1),
                ],
                6.0,
            ),
            (
                "totals that go on from the transcript",
                &[Some(1), Some(2), None, Some(3), Some(4), None, Some(5)],
                5.0,
            ),
            (
                "a killed process, of which the transcript knows nothing",
                &[
                    Some(1),
                    Some(2),
                    None,
                    Some(3),
                    None,
                    Some(3),
                    Some(4),
                    None,
                    Some(5),
                ],
                6.0,
            ),
            (
                "/clear",
                &[Some(1), Some(2), Some(0), Some(1), Some(2)],
                4.0,
            ),
            (
                "/clear, and a first turn as large as all before",
                &[Some(2), Some(0), Some(2)],
                4.0,
            ),
            ("a turn that cost nothing", &[Some(1), Some(2)], 2.0),
        ];
        for (name, reports, expected) in cases {
            let mut turn_tokens = Accounting::default();
            let sum = counted(&mut turn_tokens, reports);
            // A report of nothing (`/clear`) has a turn of no tokens.
            assert!((sum - expected).abs() < 1e-6, "{name}: {sum}");
        }
    }

    #[test]
    fn a_lost_turn_has_no_price_until_a_later_process_reports_it() {
        let mut unpriced = Unpriced::default();
        // Killed: whatever comes later is not its.
        unpriced.lost(&turns(1), false);
        assert_eq!(unpriced.reported(&turns(9), &turns(1)), Totals::default());
        assert_eq!(unpriced.turns, 1);
        // Ended in order, by a version that writes nothing down: the next one begins at nothing.
        unpriced.lost(&turns(2), true);
        assert_eq!(unpriced.reported(&turns(1), &turns(1)), Totals::default());
        assert_eq!((unpriced.turns, unpriced.pending), (2, None));
        // Ended in order, by one that does.
        unpriced.lost(&turns(2), true);
        unpriced.lost(&turns(1), true);
        assert_eq!(unpriced.reported(&turns(4), &turns(1)), turns(3));
        assert_eq!((unpriced.turns, unpriced.pending), (2, None));
        // Before any of its messages: nothing would tell that it is in a report.
        unpriced.lost(&Totals::default(), true);
        assert_eq!(unpriced.reported(&turns(4), &turns(1)), Totals::default());
        assert_eq!(unpriced.turns, 3);
    }

    #[test]
    fn a_fork_does_not_count_what_its_parent_has_cost() {
        let mut parent = Accounting::default();
        counted(&mut parent, &[Some(1), Some(2), Some(5)]);
        for (first, second) in [(6, 7), (1, 2)] {
            let sum = counted(&mut parent.for_fork(), &[Some(first), Some(second)]);
            assert!((sum - 2.0).abs() < 1e-6, "{first}: {sum}");
        }
    }

    proptest! {
        #[test]
        fn within_a_process_the_sum_is_the_last_total(steps in prop::collection::vec(1_i64..50, 1..20)) {
            let mut accounting = Accounting::default();
            let mut total = 0;
            let mut sum = Totals::default();
            for step in steps {
                total += step;
                sum = sum.plus(&accounting.report(turns(total), 138 * step));
            }
            prop_assert_eq!(sum.tokens(), turns(total).tokens());
        }
    }
}
