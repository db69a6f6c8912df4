//! What the threads of one agent share: the queue of prompts, the open questions, the
//! rules, the accounts.
//!
//! One lock and one condition for all of it: whoever waits (for a prompt, for an answer,
//! for time to pass) waits here, so an interrupt or the end of stdin wakes everybody.
//! Questions are written under the lock, so that their withdrawal can never come first.
//! Called by `intake` (stdin, signals) on one side and by the turns on the other.

mod questions;

use std::collections::{HashSet, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::accounts::{Accounts, Tokens};
use super::memory::Memory;
use super::messages;
use super::options::Options;
use super::output::{Output, complain};
use super::permissions::Permissions;
pub(super) use questions::Answer;
use questions::Question;

/// Prompts that may wait; one more ends the process, as a launcher that sends this many
/// without looking is broken.
pub(super) const MAX_QUEUE: usize = 1024;

/// Background tasks at once; one more is refused to the script.
pub(super) const MAX_TASKS: usize = 256;

/// A message from the user.
#[derive(Debug)]
pub(super) struct Prompt {
    /// Its text.
    pub(super) text: String,
    /// The whole `message`, for the echo.
    pub(super) message: Value,
    /// Its id, if it has one.
    pub(super) uuid: Option<String>,
}

/// What starts a turn.
#[derive(Debug)]
pub(super) enum Work {
    /// A message from the user.
    Prompt(Prompt),
    /// A background task has ended; its run's id.
    Notice(String),
}

/// A turn that must not go on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Interrupted;

/// A task that goes on beside the turns.
#[derive(Debug, Clone)]
pub(super) struct Task {
    /// The task's id, which is its agent's.
    pub(super) id: String,
    /// This run of it.
    pub(super) run_id: String,
    /// The call that started it.
    pub(super) tool_use_id: String,
    /// Its kind.
    pub(super) subagent_type: String,
    /// What it is for.
    pub(super) description: String,
}

/// Everything behind the lock.
#[derive(Debug)]
pub(super) struct State {
    /// Mode and rules.
    pub(super) permissions: Permissions,
    /// The model of the next message.
    pub(super) model: String,
    /// Sums.
    pub(super) accounts: Accounts,
    /// What the next message will have used.
    pub(super) tokens: Tokens,
    /// Ids of the user's messages so far.
    pub(super) seen: HashSet<String>,
    /// Background tasks that run.
    pub(super) tasks: Vec<Task>,
    queue: VecDeque<Work>,
    questions: Vec<Question>,
    /// Grows with every interrupt: a turn that began under another number stops.
    interrupts: u64,
    stdin_closed: bool,
    ending: bool,
}

/// One agent.
#[derive(Debug)]
pub(super) struct Session {
    /// The command line.
    pub(super) options: Options,
    /// Its id.
    pub(super) id: String,
    /// Its working directory.
    pub(super) cwd: String,
    /// Where lines go.
    pub(super) out: Output,
    /// What is kept for a later process.
    pub(super) memory: Memory,
    /// The prepared turns, if a script file was given: each replaces one prompt.
    pub(super) prepared: Mutex<VecDeque<String>>,
    state: Mutex<State>,
    wake: Condvar,
}

impl Session {
    /// An agent that has not begun.
    #[allow(
        clippy::too_many_arguments,
        reason = "each is a different thing that is known only once, at the start"
    )]
    pub(super) fn new(
        options: Options,
        id: String,
        cwd: String,
        out: Output,
        memory: Memory,
        prepared: VecDeque<String>,
        permissions: Permissions,
        model: String,
    ) -> Self {
        Self {
            options,
            id,
            cwd,
            out,
            memory,
            prepared: Mutex::new(prepared),
            state: Mutex::new(State {
                permissions,
                model,
                accounts: Accounts::default(),
                tokens: Tokens::RECORDED,
                seen: HashSet::new(),
                tasks: Vec::new(),
                queue: VecDeque::new(),
                questions: Vec::new(),
                interrupts: 0,
                stdin_closed: false,
                ending: false,
            }),
            wake: Condvar::new(),
        }
    }

    /// The shared state. Held for moments only, and never while waiting.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of interrupts so far, for a turn to remember.
    pub(super) fn interrupts(&self) -> u64 {
        self.state().interrupts
    }

    /// The line that opens a turn.
    pub(super) fn write_init(&self) {
        let state = self.state();
        self.out.line(&messages::init(&messages::Init {
            session_id: &self.id,
            cwd: &self.cwd,
            model: &state.model,
            mode: &state.permissions.mode,
            directories: &state.permissions.directories,
        }));
    }

    /// Echoes a prompt, if echoes were asked for.
    pub(super) fn write_replay(&self, prompt: &Prompt) {
        if self.options.replay_user_messages {
            let uuid = prompt.uuid.clone().unwrap_or_else(messages::new_id);
            self.out
                .line(&messages::replayed(&self.id, &prompt.message, &uuid));
        }
    }

    /// The lines that tell that a prompt was taken into the running turn.
    pub(super) fn write_prompt_started(&self, prompt: &Prompt) {
        self.write_replay(prompt);
        if let Some(uuid) = &prompt.uuid {
            self.write_progress(uuid, "started");
        }
    }

    /// Tells, and keeps, how far a prompt has come. It is kept first: a turn that was told
    /// to be complete must not run again.
    pub(super) fn write_progress(&self, uuid: &str, state: &str) {
        if let Err(cause) = self.memory.note(state, uuid) {
            complain(&cause.to_string());
            self.out.exit(1);
        }
        self.out.line(&messages::lifecycle(&self.id, uuid, state));
    }

    /// A line that says that the permission mode has changed.
    pub(super) fn write_mode(&self) {
        let mode = self.state().permissions.mode.as_str().to_owned();
        self.out.line(&messages::system(
            &self.id,
            "status",
            json!({ "status": null, "permissionMode": mode }),
        ));
    }

    /// Queues work; false when the queue is full.
    pub(super) fn push(&self, work: Work) -> bool {
        let mut state = self.state();
        if state.queue.len() >= MAX_QUEUE {
            return false;
        }
        state.queue.push_back(work);
        self.wake.notify_all();
        true
    }

    /// Waits for the next turn; none when the session is over.
    pub(super) fn next_work(&self) -> Option<Work> {
        let mut state = self.state();
        loop {
            if state.ending {
                return None;
            }
            if let Some(work) = state.queue.pop_front() {
                return Some(work);
            }
            if state.stdin_closed && state.tasks.is_empty() {
                return None;
            }
            state = self
                .wake
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The prompts that came while a turn was running: it takes them in.
    pub(super) fn waiting_prompts(&self) -> Vec<Prompt> {
        let mut state = self.state();
        let mut prompts = Vec::new();
        let mut others = VecDeque::new();
        for work in state.queue.drain(..) {
            match work {
                Work::Prompt(prompt) => prompts.push(prompt),
                Work::Notice(_) => others.push_back(work),
            }
        }
        state.queue = others;
        prompts
    }

    /// Takes a prompt back out of the queue; false when it is not in it.
    pub(super) fn take_back(&self, uuid: &str) -> bool {
        let mut state = self.state();
        let before = state.queue.len();
        state.queue.retain(|work| match work {
            Work::Prompt(prompt) => prompt.uuid.as_deref() != Some(uuid),
            Work::Notice(_) => true,
        });
        state.queue.len() < before
    }

    /// Stops everything that runs: questions are withdrawn, tasks are ended.
    pub(super) fn interrupt(&self) {
        let mut state = self.state();
        state.interrupts += 1;
        for question in &mut state.questions {
            if question.answer.is_none() {
                question.answer = Some(Answer::Interrupted);
                self.out
                    .line(&messages::control_cancel(&question.request_id));
            }
        }
        for task in std::mem::take(&mut state.tasks) {
            super::task::write_stopped(self, &task);
        }
        self.wake.notify_all();
    }

    /// The session ends as soon as the running turn has.
    pub(super) fn end(&self) {
        self.state().ending = true;
        self.wake.notify_all();
    }

    /// Nothing more comes from stdin.
    pub(super) fn close_stdin(&self) {
        let mut state = self.state();
        state.stdin_closed = true;
        for question in &mut state.questions {
            if question.answer.is_none() {
                question.answer = Some(Answer::Closed);
            }
        }
        self.wake.notify_all();
    }

    /// A background task is over: its notice is queued in the same moment, so that the
    /// process cannot end in between. False if it had been stopped already.
    pub(super) fn task_done(&self, task: &Task) -> bool {
        let mut state = self.state();
        let before = state.tasks.len();
        state.tasks.retain(|running| running.id != task.id);
        let was_running = state.tasks.len() < before;
        if was_running {
            state.accounts.completed();
            super::task::write_changed(self, &state.tasks);
            state.queue.push_back(Work::Notice(task.run_id.clone()));
        }
        self.wake.notify_all();
        was_running
    }

    /// Whether there was an interrupt since this number was taken.
    pub(super) fn check(&self, interrupts: u64) -> Result<(), Interrupted> {
        if self.state().interrupts == interrupts {
            Ok(())
        } else {
            Err(Interrupted)
        }
    }

    /// Lets time pass, or stops at an interrupt.
    pub(super) fn pause(&self, time: Duration, interrupts: u64) -> Result<(), Interrupted> {
        let until = Instant::now() + time;
        let mut state = self.state();
        loop {
            if state.interrupts != interrupts {
                return Err(Interrupted);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            (state, _) = self
                .wake
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}
