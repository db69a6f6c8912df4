//! How a session's process is ended: step by step, as a pure state machine.
//!
//! Steps: interrupt the turn, ask the agent to end (`end_session`), let the runner end it (SIGINT,
//! SIGTERM, SIGKILL). Between two of them the agent has [`GRACE_PERIOD`]. The machine keeps nothing
//! that must last: what a person wants is in the session's record, and a machine that begins anew with
//! the next daemon begins with the first step.

use std::time::Duration;

use tokio::time::Instant;

/// How long the agent may take to end a turn after an interrupt, and its process after `end_session`,
/// before the runner is told to end it (which goes on to SIGINT, SIGTERM and SIGKILL at its own pace).
pub const GRACE_PERIOD: Duration = Duration::from_secs(5);

/// What is known of the session now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// A person wants the process to end.
    pub end_requested: bool,
    /// It is to end as soon as no turn runs.
    pub end_after_turn: bool,
    /// A turn runs, or waits for a person.
    pub active: bool,
    /// The turn was interrupted and has not ended yet.
    pub interrupting: bool,
    /// The agent was stopped, until a person has answered about its project's files: it hears nothing.
    pub held: bool,
    /// When the session will have rested long enough; none while something keeps its process.
    pub idle_at: Option<Instant>,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Interrupt the turn.
    Interrupt,
    /// Ask the agent to end.
    EndSession,
    /// Let the runner end the agent.
    Terminate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The process is not being ended.
    Running,
    /// An interrupt was sent to the running turn.
    Interrupting,
    /// `end_session` was sent.
    Asked,
    /// The runner ends it.
    Terminating,
}

/// The state of an ending.
#[derive(Clone, Copy, Debug)]
pub struct Ending {
    stage: Stage,
    /// When the next step is due.
    deadline: Option<Instant>,
}

impl Default for Ending {
    fn default() -> Self {
        Self {
            stage: Stage::Running,
            deadline: None,
        }
    }
}

impl Ending {
    /// Whether the process is being ended.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.stage != Stage::Running
    }

    /// When to look again, if nothing happens before.
    #[must_use]
    pub fn due(&self, facts: &Facts) -> Option<Instant> {
        match self.stage {
            Stage::Running => [self.deadline, facts.idle_at].into_iter().flatten().min(),
            Stage::Interrupting | Stage::Asked | Stage::Terminating => self.deadline,
        }
    }

    /// Moves on by what is known now.
    #[must_use]
    pub fn next(&mut self, facts: &Facts, now: Instant) -> Option<Action> {
        let due = self.deadline.is_some_and(|deadline| deadline <= now);
        match self.stage {
            Stage::Running if facts.end_requested && facts.held => {
                Some(self.step(Stage::Terminating, Action::Terminate, now))
            }
            Stage::Running if facts.end_requested && facts.active => {
                Some(self.step(Stage::Interrupting, Action::Interrupt, now))
            }
            Stage::Running if facts.end_requested => Some(self.ask(now)),
            Stage::Running if facts.end_after_turn && !facts.active => Some(self.ask(now)),
            // An interrupt that has no effect does not leave the session stuck.
            Stage::Running if facts.interrupting => match self.deadline {
                Some(_) if due => Some(self.step(Stage::Terminating, Action::Terminate, now)),
                Some(_) => None,
                None => {
                    self.deadline = Some(now + GRACE_PERIOD);
                    None
                }
            },
            Stage::Running => {
                self.deadline = None;
                facts
                    .idle_at
                    .is_some_and(|idle_at| idle_at <= now)
                    .then(|| self.ask(now))
            }
            Stage::Interrupting if due || !facts.active => Some(self.ask(now)),
            // Told again as long as it is not over: the runner may not have been there to hear it.
            Stage::Asked | Stage::Terminating if due => {
                Some(self.step(Stage::Terminating, Action::Terminate, now))
            }
            Stage::Interrupting | Stage::Asked | Stage::Terminating => None,
        }
    }

    fn ask(&mut self, now: Instant) -> Action {
        self.step(Stage::Asked, Action::EndSession, now)
    }

    fn step(&mut self, stage: Stage, action: Action, now: Instant) -> Action {
        self.stage = stage;
        self.deadline = Some(now + GRACE_PERIOD);
        action
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Facts = Facts {
        end_requested: false,
        end_after_turn: false,
        active: false,
        interrupting: false,
        held: false,
        idle_at: None,
    };
    const WORKING: Facts = Facts {
        active: true,
        ..NOTHING
    };
    const INTERRUPTING: Facts = Facts {
        interrupting: true,
        ..WORKING
    };

    const HELD: Facts = Facts {
        held: true,
        ..WORKING
    };

    fn wanted(facts: Facts) -> Facts {
        Facts {
            end_requested: true,
            ..facts
        }
    }

    fn duplicate(facts: Facts) -> Facts {
        Facts {
            end_after_turn: true,
            ..facts
        }
    }

    /// What is known at which second, and what is done then.
    type Row = (u64, Facts, Option<Action>);

    #[test]
    fn each_ending_takes_its_steps_and_no_other() {
        use Action::{EndSession, Interrupt, Terminate};
        let cases: &[(&str, &[Row])] = &[
            (
                "a session at rest is asked, and killed when it does not react",
                &[
                    (0, wanted(NOTHING), Some(EndSession)),
                    (4, wanted(NOTHING), None),
                    (5, wanted(NOTHING), Some(Terminate)),
                    (6, wanted(NOTHING), None),
                    (10, wanted(NOTHING), Some(Terminate)),
                ],
            ),
            (
                "an agent that is held hears nothing, so it is ended at once",
                &[
                    (0, HELD, None),
                    (1, wanted(HELD), Some(Terminate)),
                    (2, wanted(HELD), None),
                    (6, wanted(HELD), Some(Terminate)),
                ],
            ),
            (
                "a turn is interrupted first, and the end follows it at once",
                &[
                    (0, wanted(WORKING), Some(Interrupt)),
                    (1, wanted(INTERRUPTING), None),
                    (2, wanted(NOTHING), Some(EndSession)),
                    (7, wanted(NOTHING), Some(Terminate)),
                ],
            ),
            (
                "a turn that does not react is asked after the grace period",
                &[
                    (0, wanted(WORKING), Some(Interrupt)),
                    (5, wanted(INTERRUPTING), Some(EndSession)),
                    (10, wanted(INTERRUPTING), Some(Terminate)),
                ],
            ),
            (
                "an interrupt that works ends nothing",
                &[
                    (0, INTERRUPTING, None),
                    (4, INTERRUPTING, None),
                    (5, NOTHING, None),
                    (60, INTERRUPTING, None),
                    (65, INTERRUPTING, Some(Terminate)),
                ],
            ),
            (
                "what has rested long enough is asked",
                &[
                    (0, WORKING, None),
                    (
                        9,
                        Facts {
                            idle_at: None,
                            ..NOTHING
                        },
                        None,
                    ),
                ],
            ),
            (
                "a second process of a conversation ends after its turn",
                &[
                    (0, duplicate(WORKING), None),
                    (3600, duplicate(WORKING), None),
                    (3601, duplicate(NOTHING), Some(EndSession)),
                    (3602, duplicate(NOTHING), None),
                ],
            ),
        ];
        for (name, rows) in cases {
            let begin = Instant::now();
            let mut ending = Ending::default();
            for (second, facts, action) in *rows {
                let now = begin + Duration::from_secs(*second);
                assert_eq!(ending.next(facts, now), *action, "{name}, second {second}");
            }
        }
    }

    #[test]
    fn a_session_that_rests_long_enough_is_asked_to_end() {
        let begin = Instant::now();
        let idle = Facts {
            idle_at: Some(begin + Duration::from_secs(600)),
            ..NOTHING
        };
        let mut ending = Ending::default();
        assert_eq!(ending.next(&idle, begin), None);
        assert_eq!(ending.due(&idle), idle.idle_at);
        let later = begin + Duration::from_secs(600);
        assert_eq!(ending.next(&idle, later), Some(Action::EndSession));
        assert!(ending.has_begun());
    }
}
