//! Ending an agent that may not want to: SIGINT, then SIGTERM, then SIGKILL,
//! each after a stated wait.
//!
//! Owns the stage and the thread that waits. It sends nothing once the agent
//! has ended; what the agent leaves behind is `start`'s to end. Called by
//! `serve` (a client asks) and by the thread that hears the runner's own
//! signals.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::Signal as UnixSignal;

use super::agent::Agent;
use super::frame::Signal;
use super::{lock, spawn_thread};

/// A wait of nothing would repeat SIGKILL without a pause.
const SHORTEST_WAIT: Duration = Duration::from_millis(10);

#[derive(Default)]
struct State {
    /// The furthest stage anyone asked to begin with.
    asked: Option<Signal>,
    ended: bool,
    /// Whether SIGKILL was sent.
    killed: bool,
}

/// The way down for one agent.
pub(super) struct Terminator {
    agent: Arc<Agent>,
    wait: Duration,
    state: Mutex<State>,
    changed: Condvar,
}

impl Terminator {
    /// Starts the thread, which waits to be asked; `wait` is the time a stage
    /// may take.
    pub(super) fn start(agent: Arc<Agent>, wait: Duration) -> std::io::Result<Arc<Self>> {
        let terminator = Arc::new(Self {
            agent,
            wait: wait.max(SHORTEST_WAIT),
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let thread = Arc::clone(&terminator);
        spawn_thread("terminate", move || thread.go_down())?;
        Ok(terminator)
    }

    /// Begins with stage `from`, or skips ahead to it; never goes back.
    pub(super) fn request(&self, from: Signal) {
        let mut state = lock(&self.state);
        state.asked = state.asked.max(Some(from));
        self.changed.notify_one();
    }

    /// The agent has ended: nothing more is sent.
    pub(super) fn finish(&self) {
        lock(&self.state).ended = true;
        self.changed.notify_one();
    }

    /// Whether it was killed from here.
    pub(super) fn has_killed(&self) -> bool {
        lock(&self.state).killed
    }

    fn go_down(&self) {
        let mut sent = None;
        loop {
            let waited = self.wait_beyond(sent);
            let stage = match waited {
                Waited::Ended => return,
                Waited::Asked(stage) => stage,
                Waited::TimeUp => match sent {
                    None | Some(Signal::Int) => Signal::Term,
                    Some(Signal::Term | Signal::Kill) => Signal::Kill,
                },
            };
            match stage {
                Signal::Int => self.agent.signal_group(UnixSignal::INT),
                Signal::Term => self.agent.signal_all(UnixSignal::TERM),
                Signal::Kill => {
                    lock(&self.state).killed = true;
                    self.agent.signal_all(UnixSignal::KILL);
                }
            }
            sent = Some(stage);
        }
    }

    /// Waits until a later stage than `sent` is asked for, or its time is up.
    fn wait_beyond(&self, sent: Option<Signal>) -> Waited {
        let nothing_new = |state: &mut State| !state.ended && state.asked <= sent;
        let state = lock(&self.state);
        let state = match sent {
            None => self
                .changed
                .wait_while(state, nothing_new)
                .unwrap_or_else(PoisonError::into_inner),
            Some(_) => {
                self.changed
                    .wait_timeout_while(state, self.wait, nothing_new)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0
            }
        };
        match state.asked {
            _ if state.ended => Waited::Ended,
            Some(stage) if state.asked > sent => Waited::Asked(stage),
            Some(_) | None => Waited::TimeUp,
        }
    }
}

enum Waited {
    Ended,
    Asked(Signal),
    TimeUp,
}
