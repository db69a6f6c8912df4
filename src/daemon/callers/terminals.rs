//! Terminals that nobody shows to have started: a tmux or screen server, or an emulator whose starter is
//! gone. One that began while an agent ran could be that agent's, so a person has to confirm it once.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use super::{Callers, landmarks, lock};
use crate::platform::{self, ProcessId, Step};

/// Stretches of time that are kept; nearer ones are taken for one when there are more.
const MAX_TERMINALS: usize = 1000;

/// When an agent's process ran, by the clock of process starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AgentTime {
    /// From when.
    pub started: u64,
    /// Until when; none while it runs.
    pub ended: Option<u64>,
}

/// A terminal that a person has confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfirmedTerminal {
    /// The terminal.
    pub process: ProcessId,
    /// Its program.
    pub program: String,
    /// Who confirmed it.
    pub confirmed_by: String,
    /// When.
    pub confirmed_at: Timestamp,
}

/// When agents ran, and which terminals are confirmed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terminals {
    /// Of processes that run: since when, by their directories.
    running: HashMap<String, u64>,
    /// Of those that do not: stretches that do not overlap, in order.
    past: Vec<(u64, u64)>,
    confirmed: HashSet<ProcessId>,
}

impl Terminals {
    /// Whether an agent ran when a process started.
    #[must_use]
    pub fn agent_ran_at(&self, time: u64) -> bool {
        self.running.values().any(|started| *started <= time)
            || self
                .past
                .iter()
                .any(|(from, to)| (*from..=*to).contains(&time))
    }

    /// Whether a terminal proves nothing before it is confirmed.
    #[must_use]
    pub fn must_be_confirmed(&self, terminal: &Step, above: Option<&Step>) -> bool {
        above.is_none_or(landmarks::takes_orphans)
            && self.agent_ran_at(terminal.start_time)
            && !self.confirmed.contains(&terminal.id())
    }

    pub(super) fn began(&mut self, directory: &str, started: u64) {
        self.running.insert(directory.to_owned(), started);
    }

    /// Gives when it had begun.
    pub(super) fn ended(&mut self, directory: &str, now: u64) -> Option<u64> {
        let started = self.running.remove(directory)?;
        self.add(started, now.max(started));
        Some(started)
    }

    fn add(&mut self, from: u64, to: u64) {
        self.past.push((from, to));
        self.past.sort_unstable();
        let mut merged: Vec<(u64, u64)> = Vec::with_capacity(self.past.len());
        for (from, to) in self.past.drain(..) {
            match merged.last_mut() {
                Some(last) if from <= last.1 => last.1 = last.1.max(to),
                Some(_) | None => merged.push((from, to)),
            }
        }
        while merged.len() > MAX_TERMINALS {
            let gap = |index: usize| merged[index + 1].0 - merged[index].1;
            let nearest = (0..merged.len() - 1).min_by_key(|index| gap(*index));
            let Some(nearest) = nearest else { break };
            let (_, to) = merged.remove(nearest + 1);
            merged[nearest].1 = to;
        }
        self.past = merged;
    }
}

impl Callers {
    /// Takes over when agents ran before this daemon. What had not ended counts until now; runners that live
    /// are noted anew.
    pub fn recall_agent_times(&self, times: Vec<AgentTime>) {
        let now = platform::start_clock();
        let mut terminals = lock(&self.terminals);
        for time in times {
            terminals.add(time.started, time.ended.unwrap_or(now));
        }
    }

    /// Takes over which terminals are confirmed.
    pub fn set_confirmed(&self, confirmed: &[ConfirmedTerminal]) {
        let processes = confirmed.iter().map(|terminal| terminal.process);
        lock(&self.terminals).confirmed = processes.collect();
    }

    /// The terminal at which a process is, if it is one that must be confirmed.
    #[must_use]
    pub fn unconfirmed_terminal(&self, steps: &[Step]) -> Option<Step> {
        let terminals = lock(&self.terminals);
        let position = steps
            .iter()
            .position(|step| landmarks::of(step) == Some(landmarks::Landmark::Terminal))?;
        let terminal = steps.get(position)?;
        terminals
            .must_be_confirmed(terminal, steps.get(position + 1))
            .then(|| terminal.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_began_before_or_after_all_agents_is_free() {
        let mut terminals = Terminals::default();
        terminals.began("a", 10);
        assert_eq!(terminals.ended("a", 20), Some(10));
        terminals.began("b", 40);
        let ran: Vec<bool> = [9, 10, 20, 21, 39, 40, 99]
            .map(|time| terminals.agent_ran_at(time))
            .into();
        assert_eq!(ran, [false, true, true, false, false, true, true]);
    }

    proptest! {
        // Each case has hundreds of stretches.
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn no_time_at_which_an_agent_ran_is_ever_forgotten(
            stretches in proptest::collection::vec((0_u64..100_000, 0_u64..30), 1..1500),
        ) {
            let mut terminals = Terminals::default();
            for (from, length) in &stretches {
                terminals.add(*from, from + length);
            }
            prop_assert!(terminals.past.len() <= MAX_TERMINALS);
            prop_assert!(terminals.past.windows(2).all(|pair| pair[0].1 < pair[1].0));
            for (from, length) in stretches {
                prop_assert!(terminals.agent_ran_at(from) && terminals.agent_ran_at(from + length));
            }
        }
    }
}
