//! Whether a session's process is over, and how its runner ended.
//!
//! A runner that is gone is believed to have ended by itself only if the kernel says so, or it has signed that. What it
//! could not end of its agent's it waits for; what cannot be told apart from an escape is an alarm.

use std::io;
use std::time::Duration;

use tokio::time::Instant;

use super::{COLLECT_POLL, COLLECT_WAIT, Problem, START_WAIT, Supervisor};
use crate::daemon::blocking::blocking;
use crate::daemon::callers::RunnerEnd;
use crate::daemon::session::journal::is_taken_away;
use crate::daemon::session::remains;
use crate::daemon::store::KnownRunner;
use crate::platform::{self, ProcessId};
use crate::runner::{self, ExitReport, SessionDir};

/// How long what an agent left behind may take to be gone after it could not be ended at first. Then that is an
/// alarm and the session over all the same.
const LEFTOVERS_WAIT: Duration = Duration::from_secs(10);

impl Supervisor {
    /// Whether the agent is gone, so that its journal will not grow any more.
    pub(super) async fn is_over(&self) -> Result<bool, Problem> {
        // A runner that is connected says so; its report is looked for when it is not.
        if self.exited {
            return Ok(true);
        }
        if let Some(since) = self.leaving_since {
            let is_gone = !self.is_runner_alive().await?;
            return Ok(is_gone || since.elapsed() >= LEFTOVERS_WAIT);
        }
        if self.link.is_some() {
            return Ok(false);
        }
        let dir = self.dir.clone();
        let known = self.runner.clone().unwrap_or_default();
        let trace = blocking(move || Trace::of_runner(&dir, &known)).await;
        Ok(match trace.map_err(Problem::Directory)? {
            Trace::Ended => true,
            Trace::Lives => false,
            Trace::None => self.started.elapsed() > START_WAIT,
        })
    }

    pub(super) fn runner_said_it_ends(&mut self) {
        self.exited = true;
        self.ctx
            .callers
            .runner_was_collected(&self.session.directory, false);
    }

    /// Raises an alarm if the runner was killed: what its agent left behind has no runner above it.
    pub(super) async fn look_how_the_runner_ended(&mut self) -> Result<(), Problem> {
        // It says so itself once nothing of the agent is left.
        if self.exited || self.looked_at_end {
            return Ok(());
        }
        let known = self.known_runner().await?.clone();
        if self.leaving_since.is_some() {
            return self.look_what_is_left(&known).await;
        }
        let (callers, directory) = (&self.ctx.callers, &self.session.directory);
        let deadline = Instant::now() + COLLECT_WAIT;
        let killed = loop {
            match callers.runner_end(directory) {
                RunnerEnd::Killed => break true,
                RunnerEnd::Exited => break false,
                RunnerEnd::NotKnownYet if Instant::now() < deadline => {
                    tokio::time::sleep(COLLECT_POLL).await;
                }
                // One of an earlier daemon would have told this one, if that was there.
                RunnerEnd::NotTold if self.was_linked => break true,
                RunnerEnd::NotKnownYet | RunnerEnd::NotTold => {
                    break self.ended_without_a_word(&known).await;
                }
            }
        };
        if killed {
            self.raise_killed(&known, KILLED).await?;
        }
        self.looked_at_end = true;
        Ok(())
    }

    /// The same where something could not be ended that the agent left behind: the runner stays until it is.
    async fn look_what_is_left(&mut self, known: &KnownRunner) -> Result<(), Problem> {
        if !self.ended_without_a_word(known).await {
            self.looked_at_end = true;
            return Ok(());
        }
        let detail = match self.is_runner_alive().await? {
            true => "what the session's agent left behind cannot be ended, and may escape",
            false => KILLED,
        };
        self.raise_killed(known, detail).await?;
        self.looked_at_end = true;
        Ok(())
    }

    async fn raise_killed(&self, known: &KnownRunner, detail: &'static str) -> Result<(), Problem> {
        let (callers, directory) = (&self.ctx.callers, &self.session.directory);
        let since = match known.processes.first() {
            Some(first) if known.is_sealed => first.start_time,
            // Somebody has changed it, and may have an interest in a later one.
            Some(_) => 0,
            None => callers
                .runner_process(directory)
                .map_or(0, |runner| runner.start_time),
        };
        let store = &self.ctx.store;
        let boot = callers.boot().to_owned();
        store
            .raise_runner_killed(self.session.key, boot, since, detail)
            .await
            .map_err(Problem::Store)?;
        callers.set_alarms(&store.alarms(true).await.map_err(Problem::Store)?);
        callers.runner_is_told(directory);
        Ok(())
    }

    async fn is_runner_alive(&self) -> Result<bool, Problem> {
        let dir = self.dir.clone();
        let known = self.runner.clone().unwrap_or_default();
        let alive = blocking(move || is_alive(&dir, &known)).await;
        alive.map_err(Problem::Directory)
    }

    /// Whether a runner that is gone said nothing of its end. Nobody else can say it in its name; of one of an
    /// earlier release, whatever is in its directory is believed.
    async fn ended_without_a_word(&self, known: &KnownRunner) -> bool {
        if known.keys.is_empty() {
            return remains::was_killed_without_a_word(&self.dir).await;
        }
        known.boot.as_deref() == Some(self.ctx.callers.boot())
            && !remains::is_reported(&self.dir, known.keys.clone()).await
    }
}

/// What is told of a runner that was killed.
const KILLED: &str = "the session's runner was killed: what its agent left behind may have escaped";

/// What a session's directory shows of a runner that is not connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trace {
    /// It has reported the agent's end, or is gone.
    Ended,
    /// It lives.
    Lives,
    /// It has not begun.
    None,
}

impl Trace {
    fn of_runner(dir: &SessionDir, known: &KnownRunner) -> io::Result<Self> {
        if !dir.path().is_dir() {
            // It was deleted, or something else is there. A runner that lives all the same cannot be reached any more.
            return Ok(match is_there(known) {
                true => Self::Lives,
                false => Self::Ended,
            });
        }
        let is_reported = dir.exit().exists();
        // One that somebody else wrote ends no session whose runner lives.
        let is_its_own = || {
            known.keys.is_empty()
                || matches!(ExitReport::read_signed(dir, &known.keys), Ok(Some(_)))
        };
        if is_reported && is_its_own() {
            return Ok(Self::Ended);
        }
        if is_alive(dir, known)? {
            return Ok(Self::Lives);
        }
        Ok(if is_reported || dir.state().exists() {
            Self::Ended
        } else {
            Self::None
        })
    }
}

/// Whether the runner lives. Anybody could hold its lock after its death: where its process is on record, that has to
/// be there as well.
fn is_alive(dir: &SessionDir, known: &KnownRunner) -> io::Result<bool> {
    let may_be = known.processes.is_empty() || is_there(known);
    match runner::is_alive(dir) {
        Ok(is_held) => Ok(may_be && is_held),
        // Only the process tells then.
        Err(error) if is_taken_away(&error) => Ok(is_there(known)),
        Err(error) => Err(error),
    }
}

/// Whether one of its processes is there.
fn is_there(known: &KnownRunner) -> bool {
    let is_there = |process: &ProcessId| process.exists() && !platform::is_zombie(process.pid);
    known.processes.iter().any(is_there)
}
