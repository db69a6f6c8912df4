//! One task per live session: the journal into the store, the outbox to the runner.
//!
//! It holds a place in the journal, a connection to the runner and some timers, all of which can be
//! lost: the next supervisor takes them from the store and the session's directory. It decides
//! nothing; it must not touch the database but through the store's typed methods.

mod ended;
mod held;
mod reading;
mod watching;

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::Context;
use super::agent_record::AgentMemory;
use super::ending::{Action, Ending, Facts};
use super::force;
use super::journal::Journal;
use super::link::Link;
use super::machine::{self, Exit};
use super::remains;
use crate::claude::{control, line};
use crate::daemon::blocking::blocking;
use crate::daemon::store::{End, Ingest, KnownRunner, OutboxLine, RawLines, StoreError, Urgency};
use crate::domain::session::Process;
use crate::domain::{OutgoingLine, Phase, Session};
use crate::platform::{self, ProcessId};
use crate::runner::SessionDir;
use crate::runner::frame::{self, NackReason, Reply, Request};
use crate::runner::identity::Purpose;
use held::Held;
use watching::Watching;

/// Lines that may be on their way to the runner without its acknowledgement.
const IN_FLIGHT: usize = 32;

/// First and longest pause after a failure that may pass by itself.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(2));

/// How long it may take until a child that has ended is collected, and how often that is looked at.
const COLLECT_WAIT: Duration = Duration::from_secs(1);
const COLLECT_POLL: Duration = Duration::from_millis(5);

/// How long a runner may take from its start to its socket.
const START_WAIT: Duration = Duration::from_secs(20);

/// How often a runner that is not stopped is told to end its agent before that is done for it. It is told
/// each [`GRACE_PERIOD`](super::GRACE_PERIOD), and has stages of its own.
const PATIENCE_WITH_RUNNER: u32 = 5;

/// Why a supervisor stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The session's process is over and everything is in the store.
    Over,
    /// The daemon shuts down.
    Shutdown,
}

/// Supervises one session until its process is over or the daemon shuts down.
pub async fn run(ctx: Arc<Context>, session: Session, stop: CancellationToken) -> Stop {
    let (key, id) = (session.key, session.id.clone());
    let dir = ctx.session_dir(&session);
    let changed = match ctx.watcher.watch(dir.path()) {
        Ok(changed) => changed,
        Err(error) => {
            // Without wake-ups the session is looked at by the clock.
            tracing::warn!(session = %id, %error, "cannot watch the session's directory");
            Arc::new(Notify::new())
        }
    };
    let mut supervisor = Supervisor {
        outbox: ctx.bus.outbox(key),
        changed,
        ending: Ending::default(),
        resting_since: resting_since(&session),
        reconnect_at: None,
        runner: None,
        challenge: None,
        link: None,
        journal: None,
        sent: 0,
        in_flight: 0,
        unsent: true,
        exited: false,
        leaving_since: None,
        was_linked: false,
        told_linked: false,
        terminations: 0,
        journal_taken: false,
        place_due: Instant::now(),
        place_skipped: false,
        // Of an adopted one whose runner was gone by then only its own files tell.
        looked_at_end: session.stream.read_before > 0
            && ctx.callers.runner_process(&session.directory).is_none(),
        started: Instant::now(),
        watching: Watching::default(),
        held: None,
        replies: VecDeque::new(),
        session: Arc::new(session),
        dir,
        ctx,
        stop,
    };
    let stopped = supervisor.supervise().await;
    if stopped == Stop::Over {
        tracing::info!(session = %id, "the session's process is over");
        crate::failpoint::hit("session.over");
        remains::remove(&supervisor.dir).await;
    }
    supervisor.ctx.watcher.forget(supervisor.dir.path());
    stopped
}

/// Since when a session rests, by what is stored of it: a daemon that starts again does not begin to
/// count anew.
fn resting_since(session: &Session) -> Instant {
    let now = Instant::now();
    // The calendar tells only where the system's own clock does not, as of a record of an earlier release.
    let rested = match &session.stream.active {
        Some(active) => active.passed(),
        None => {
            let rested = jiff::Timestamp::now().duration_since(session.last_activity_at);
            Duration::try_from(rested).ok()
        }
    };
    rested
        .and_then(|rested| now.checked_sub(rested))
        .unwrap_or(now)
}

struct Supervisor {
    ctx: Arc<Context>,
    session: Arc<Session>,
    dir: SessionDir,
    /// Something changed in the directory.
    changed: Arc<Notify>,
    /// Something is in the outbox.
    outbox: Arc<Notify>,
    stop: CancellationToken,
    /// What is on record of the runner, once it was looked up.
    runner: Option<KnownRunner>,
    /// What the runner has to sign before it is believed on this link.
    challenge: Option<String>,
    link: Option<Link>,
    journal: Option<Journal>,
    /// The last outbox line that went to this link.
    sent: i64,
    /// Lines sent to this link and not acknowledged.
    in_flight: usize,
    /// Whether the outbox may hold what was not sent on this link.
    unsent: bool,
    /// The runner said that the agent is gone, and nothing of it is left.
    exited: bool,
    /// Since when the agent is gone and something that it left behind is not.
    leaving_since: Option<Instant>,
    /// Whether this daemon has been connected to the runner.
    was_linked: bool,
    /// Whether it was told last that it is.
    told_linked: bool,
    /// How often the runner was told to end its agent.
    terminations: u32,
    /// Whether it was said that the journal is not in its place.
    journal_taken: bool,
    /// From when on it is looked again whether the journal is in its place.
    place_due: Instant,
    /// Whether that was left out.
    place_skipped: bool,
    /// Whether it was established how the runner ended.
    looked_at_end: bool,
    ending: Ending,
    /// When to connect again to a runner that had no room for more lines.
    reconnect_at: Option<Instant>,
    resting_since: Instant,
    started: Instant,
    /// The project's files.
    watching: Watching,
    /// What the agent says and the disk does not take.
    held: Option<Held>,
    /// What the runner has said and was not acted on yet.
    replies: VecDeque<Reply>,
}

impl Supervisor {
    async fn supervise(&mut self) -> Stop {
        let mut backoff = BACKOFF.0;
        loop {
            match self.step().await {
                Ok(Some(stop)) => return stop,
                Ok(None) => {
                    self.tell_what_is_in_the_way(None);
                    backoff = BACKOFF.0;
                }
                Err(error) => {
                    self.tell_what_is_in_the_way(Some(&error));
                    tracing::warn!(session = %self.session.id, %error, "supervising met a problem; trying again");
                    if self.hear_meanwhile(backoff).await {
                        return Stop::Shutdown;
                    }
                    backoff = (backoff * 2).min(BACKOFF.1);
                    match error {
                        // Nothing is the matter with the runner.
                        Problem::Ingest(_) => self.forget_journal().await,
                        _ => self.forget_places().await,
                    }
                }
            }
        }
    }

    /// Starts over from what the store has.
    async fn forget_places(&mut self) {
        self.link = None;
        self.replies.clear();
        self.forget_journal().await;
    }

    /// Reads from where the store is.
    async fn forget_journal(&mut self) {
        self.journal = None;
        self.place_due = Instant::now();
        self.place_skipped = false;
        if let Ok(session) = self.ctx.store.session_by_key(self.session.key).await {
            self.session = Arc::new(session);
        }
    }

    /// Does all that can be done now, then waits for the next thing.
    async fn step(&mut self) -> Result<Option<Stop>, Problem> {
        self.read_journal().await.map_err(Problem::of_ingest)?;
        self.tell_that_it_is_over().await?;
        self.look_for_damage().await?;
        let may_connect = self.reconnect_at.is_none_or(|at| at <= Instant::now());
        if self.link.is_none() && !self.exited && may_connect {
            self.connect().await?;
        }
        if self.is_over().await? {
            self.finish().await?;
            return Ok(Some(Stop::Over));
        }
        self.watch_project().await?;
        self.advance_ending().await?;
        self.pump(None).await?;
        self.wait().await
    }

    /// Says whether the runner can be reached, where that has changed.
    fn tell_whether_linked(&mut self) {
        let is_linked = self.link.is_some() && self.challenge.is_none();
        if is_linked != self.told_linked {
            self.told_linked = is_linked;
            let directory = &self.session.directory;
            self.ctx.callers.note_link(directory, is_linked);
        }
    }

    /// Waits for one thing to happen and takes note of it.
    async fn wait(&mut self) -> Result<Option<Stop>, Problem> {
        self.tell_whether_linked();
        if let Some(reply) = self.replies.pop_front() {
            self.on_reply(reply).await?;
            return Ok(None);
        }
        let timer = self.timer();
        let reply = async {
            match &mut self.link {
                Some(link) => link.receive().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.stop.cancelled() => return Ok(Some(Stop::Shutdown)),
            reply = reply => match reply {
                Ok(Some(reply)) => self.on_reply(reply).await?,
                // The runner went away; whether it is gone for good shows in its directory.
                Ok(None) => self.link = None,
                Err(error) => self.drop_link(&error),
            },
            () = self.outbox.notified() => {
                self.unsent = true;
                // What was decided does not wait for what the agent says meanwhile.
                self.watch_project().await?;
                // A message that is withdrawn after this look would be sent all the same: nothing else is waited for.
                let lines = self.refresh().await?;
                self.advance_ending().await?;
                self.pump(Some(lines)).await?;
            }
            () = self.changed.notified() => {}
            () = sleep_until(timer) => {}
        }
        Ok(None)
    }

    /// Takes the store's record for what is so, and notes when a rest began.
    fn take_over(&mut self, session: impl Into<Arc<Session>>) {
        let session = session.into();
        if session.phase.is_resting() && !self.session.phase.is_resting() {
            self.resting_since = Instant::now();
        }
        self.session = session;
    }

    // --- the runner ----------------------------------------------------------------------------

    async fn connect(&mut self) -> Result<(), Problem> {
        let knows_keys = !self.known_runner().await?.keys.is_empty();
        let Ok(mut link) = Link::connect(&self.dir.socket()).await else {
            return Ok(());
        };
        // Whoever can write there could put another socket into the runner's place.
        let runner = self.ctx.callers.runner_process(&self.session.directory);
        if let (Some(runner), Some(peer)) = (runner, link.peer())
            && runner.pid != peer
        {
            tracing::error!(session = %self.session.id, peer, runner = runner.pid, "another process listens where the session's runner should");
            return Ok(());
        }
        // Its process number may be on record, and somebody else's by now.
        let challenge = knows_keys.then(|| uuid::Uuid::new_v4().to_string());
        let hello = Request::Hello {
            challenge: challenge.clone(),
        };
        if link.send(&hello).await.is_err() {
            return Ok(());
        }
        self.challenge = challenge;
        self.sent = 0;
        self.in_flight = 0;
        self.unsent = true;
        self.reconnect_at = None;
        self.link = Some(link);
        if self.challenge.is_some() {
            return Ok(());
        }
        self.linked().await
    }

    /// What is on record of the runner.
    async fn known_runner(&mut self) -> Result<&KnownRunner, Problem> {
        let known = match self.runner.take() {
            Some(known) => known,
            None => {
                let directory = self.session.directory.clone();
                let known = self.ctx.store.runner_of(directory).await;
                known.map_err(Problem::Store)?
            }
        };
        Ok(self.runner.insert(known))
    }

    /// Whether a reply on this link is to be believed: the first has to be signed where runners sign.
    async fn is_believed(&mut self, reply: &Reply) -> Result<bool, Problem> {
        let Some(challenge) = &self.challenge else {
            return Ok(true);
        };
        // What it announced before it was asked, it says again.
        let Reply::Hello { signature, .. } = reply else {
            return Ok(false);
        };
        let signature = signature.as_deref().unwrap_or_default();
        let keys = self.runner.iter().flat_map(|known| &known.keys);
        let is_signed = keys
            .into_iter()
            .any(|key| key.has_signed(&self.dir, Purpose::Hello, challenge.as_bytes(), signature));
        if !is_signed {
            tracing::error!(session = %self.session.id, "what listens where the session's runner should is not that runner");
            self.link = None;
            self.reconnect_at = Some(Instant::now() + BACKOFF.1);
            return Ok(false);
        }
        self.challenge = None;
        self.linked().await?;
        Ok(true)
    }

    /// The runner is there.
    async fn linked(&mut self) -> Result<(), Problem> {
        self.watching.linked();
        self.was_linked = true;
        if self.session.process == Process::Launching {
            self.ctx
                .store
                .mark_live(self.session.key)
                .await
                .map_err(Problem::Store)?;
            self.refresh().await?;
        }
        Ok(())
    }

    /// Sends what the outbox holds and has not been sent on this link; the first lines of that may have been read
    /// just now.
    async fn pump(&mut self, mut lines: Option<Vec<OutboxLine>>) -> Result<(), Problem> {
        // Nothing is sent to an agent that is stopped.
        while self.unsent
            && self.challenge.is_none()
            && self.in_flight < IN_FLIGHT
            && !self.watching.held
        {
            let Some(link) = &mut self.link else {
                return Ok(());
            };
            let lines = match lines.take() {
                Some(lines) => lines,
                None => self
                    .ctx
                    .store
                    .outbox(self.session.key, self.sent)
                    .await
                    .map_err(Problem::Store)?,
            };
            if lines.is_empty() {
                self.unsent = false;
                return Ok(());
            }
            for waiting in lines.into_iter().take(IN_FLIGHT - self.in_flight) {
                if self.ending.has_begun() && OutgoingLine::is_message(&waiting.line.frame_id) {
                    // It is for the next process: this one would take it with it.
                    self.sent = waiting.id;
                    continue;
                }
                crate::failpoint::hit("outbox.sending");
                let request = Request::Stdin {
                    id: waiting.line.frame_id,
                    line: waiting.line.line,
                };
                if link.send(&request).await.is_err() {
                    self.link = None;
                    return Ok(());
                }
                self.sent = waiting.id;
                self.in_flight += 1;
            }
        }
        Ok(())
    }

    /// What came is no reply, or the connection broke: it is made anew.
    fn drop_link(&mut self, error: &io::Error) {
        if error.kind() == io::ErrorKind::InvalidData {
            tracing::warn!(session = %self.session.id, %error, "cannot understand what the session's runner says; connecting again");
        } else {
            tracing::debug!(session = %self.session.id, %error, "the connection to the session's runner broke");
        }
        self.link = None;
    }

    async fn on_reply(&mut self, reply: Reply) -> Result<(), Problem> {
        let mut arrived = Vec::new();
        let mut next = Some(reply);
        while let Some(reply) = next.take() {
            let is_believed = self.is_believed(&reply).await?;
            match reply {
                _ if !is_believed => {}
                Reply::Ack { id, .. } => {
                    self.in_flight = self.in_flight.saturating_sub(1);
                    arrived.push(id);
                }
                Reply::Nack { id, reason } => {
                    self.in_flight = self.in_flight.saturating_sub(1);
                    self.on_refusal(&id, reason);
                }
                Reply::Exited {
                    leftovers: true, ..
                } => {
                    self.leaving_since.get_or_insert_with(Instant::now);
                }
                Reply::Exited { .. } => self.runner_said_it_ends(),
                Reply::Hello { exited: true, .. } => self.runner_said_it_ends(),
                Reply::Journal { problem } => self.journal_is(problem),
                Reply::Hello {
                    agent_pid, journal, ..
                } => {
                    let agent = agent_pid.and_then(|pid| {
                        let start_time = platform::process_start_time(pid)?;
                        Some(ProcessId { pid, start_time })
                    });
                    if let Some(agent) = agent {
                        let directory = &self.session.directory;
                        self.ctx.callers.note_agent(directory, agent);
                    }
                    self.journal_is(journal);
                }
                Reply::Error { message } => {
                    tracing::warn!(session = %self.session.id, message, "the runner did not understand us");
                }
            }
            if let Some(link) = &mut self.link
                && link.has_buffered()
            {
                match link.receive().await {
                    Ok(reply) => next = reply,
                    Err(error) => self.drop_link(&error),
                }
            }
        }
        if arrived.is_empty() {
            return Ok(());
        }
        crate::failpoint::hit("outbox.delivered");
        self.ctx
            .store
            .delivered(self.session.key, arrived)
            .await
            .map_err(Problem::Store)
    }

    fn on_refusal(&mut self, frame: &str, reason: NackReason) {
        match reason {
            // Everything unacknowledged is sent again, in order, after a pause.
            NackReason::Full => {
                self.link = None;
                self.reconnect_at = Some(Instant::now() + BACKOFF.1);
            }
            // The agent is about to be gone; what waits for it is given up then.
            NackReason::Closed => {}
            NackReason::NotOneLine | NackReason::BadId | NackReason::Other => {
                tracing::error!(session = %self.session.id, frame, ?reason, "the runner refused a line");
            }
        }
    }

    /// Takes over the session as it is stored; gives what of its outbox has not been sent, the first lines of it.
    async fn refresh(&mut self) -> Result<Vec<OutboxLine>, Problem> {
        let (key, sent) = (self.session.key, self.sent);
        let found = self.ctx.store.session_with_outbox(key, sent).await;
        let (session, lines) = found.map_err(Problem::Store)?;
        self.take_over(session);
        Ok(lines)
    }

    // --- ending --------------------------------------------------------------------------------

    fn facts(&self) -> Facts {
        let resting = self.session.phase.is_resting()
            && !self.session.status.is_active()
            && self.session.background_tasks.is_empty()
            && self.in_flight == 0
            && !self.unsent;
        Facts {
            end_requested: self.session.end_requested_at.is_some(),
            end_after_turn: self.session.is_duplicate,
            active: self.session.status.is_active(),
            interrupting: self.session.phase == Phase::Interrupting,
            held: self.watching.held,
            idle_at: resting.then(|| self.resting_since + self.ctx.session_idle),
        }
    }

    /// Takes the step of an ending that is due.
    async fn advance_ending(&mut self) -> Result<(), Problem> {
        let facts = self.facts();
        let Some(action) = self.ending.next(&facts, Instant::now()) else {
            return Ok(());
        };
        tracing::info!(session = %self.session.id, ?action, requested = facts.end_requested, "ending the session's process");
        match action {
            Action::Interrupt => {
                let line = control::request("interrupt");
                let id = self.session.id.as_str();
                match self.ctx.store.interrupt(id, line).await {
                    Ok(session) => self.take_over(session),
                    // The turn ended by itself meanwhile.
                    Err(StoreError::Conflict { .. }) => {}
                    Err(error) => return Err(Problem::Store(error)),
                }
                self.unsent = true;
            }
            Action::EndSession => {
                let line = control::request("end_session");
                let sent = self.ctx.store.send_line(self.session.key, line).await;
                sent.map_err(Problem::Store)?;
                self.unsent = true;
            }
            Action::Terminate => {
                self.terminations += 1;
                if let Some(runner) = self.ctx.callers.runner_process(&self.session.directory) {
                    self.end_from_outside(runner).await;
                }
                if let Some(link) = &mut self.link
                    // One that is stopped takes no other signal.
                    && link
                        .send(&Request::Terminate {
                            from: self.watching.held.then_some(frame::Signal::Kill),
                        })
                        .await
                        .is_err()
                {
                    self.link = None;
                }
            }
        }
        Ok(())
    }

    /// Gets a runner going that a signal has stopped, and has one end its agent that cannot be reached; ends what is
    /// below one that stays stopped, or that does not do what it is told, and then itself.
    async fn end_from_outside(&self, runner: ProcessId) {
        let is_stopped = platform::is_stopped(runner);
        // One that waits for the disk holds what its agent has said.
        let is_late =
            !self.holds() && self.terminations > if is_stopped { 1 } else { PATIENCE_WITH_RUNNER };
        let (id, directory) = (&self.session.id, &self.session.directory);
        if is_late {
            tracing::error!(session = %id, pid = runner.pid, is_stopped, "the runner does not end its agent; ending it from outside");
            if blocking(move || force::end_below(runner)).await {
                self.ctx.callers.runner_ends_here(directory);
            }
            // It says how its agent ended, if it can, and is ended as well if it cannot.
            tokio::spawn(force::end_unless_it_ends(runner));
        } else if !is_stopped && !self.told_linked {
            // It ends its agent as if it had been asked.
            if let Err(error) = platform::send_signal(runner, Signal::TERM) {
                tracing::warn!(session = %id, %error, "a runner that cannot be reached cannot be told to end");
            }
        } else if is_stopped && let Err(error) = platform::send_signal(runner, Signal::CONT) {
            tracing::warn!(session = %id, %error, "a stopped runner cannot be told to go on");
        }
    }

    fn timer(&self) -> Instant {
        let far = Instant::now() + Duration::from_secs(24 * 3600);
        let mut timer = self.ending.due(&self.facts()).unwrap_or(far);
        let place_due = self.place_skipped.then_some(self.place_due);
        for due in [self.watching.due(), place_due].into_iter().flatten() {
            timer = timer.min(due);
        }
        if self.link.is_none() || self.leaving_since.is_some() {
            // Connecting is tried again soon, and whether the runner lives is looked at again.
            timer = timer.min(Instant::now() + BACKOFF.0);
        }
        timer
    }

    // --- the end -------------------------------------------------------------------------------

    async fn finish(&mut self) -> Result<(), Problem> {
        self.look_how_the_runner_ended().await?;
        let keys = self.known_runner().await?.keys.clone();
        let (exit, delivered) =
            remains::exit_of(&self.dir, keys, self.session.stream.read_before > 0).await;
        if !delivered.is_empty() {
            self.ctx
                .store
                .delivered(self.session.key, delivered)
                .await
                .map_err(Problem::Store)?;
        }
        // The agent is gone for certain: what is in the journal now is all of it.
        self.read_journal().await?;
        self.tell_that_it_is_over().await?;
        let memory = AgentMemory::of(&self.ctx.store, &self.session).await;
        self.record_end(exit, memory.map_err(Problem::Store)?).await
    }

    async fn record_end(&mut self, exit: Exit, memory: AgentMemory) -> Result<(), Problem> {
        let unfinished = match &mut self.journal {
            Some(journal) => journal.unfinished().map_err(Problem::Journal)?,
            None => None,
        };
        let from = self.session.journal_offset;
        let reason = exit.describe();
        let mut lines = RawLines::default();
        let (to, cut_off) = match unfinished {
            Some((offset, text)) => {
                lines.push(offset, &text, false);
                (offset + text.len() as u64, Some(line::parse_damaged(&text)))
            }
            None => (from, None),
        };
        let ingest = Ingest {
            session_key: self.session.key,
            from,
            to,
            lines,
            apply: Box::new(move |session, now| {
                let mut effects = Vec::new();
                if let Some(line) = cut_off {
                    effects.extend(machine::apply(session, line, now));
                }
                effects.extend(machine::exit(session, &exit, now));
                effects
            }),
            end: Some(End {
                reason,
                deliberate: self.ending.has_begun(),
                read: memory.read,
                forgotten: memory.forgotten,
            }),
            urgency: Urgency::Now,
        };
        self.ctx
            .store
            .ingest(ingest)
            .await
            .map(drop)
            .map_err(Problem::Store)
    }
}

/// What stands in a supervisor's way; all of it may pass.
#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error("cannot read the journal: {0}")]
    Journal(io::Error),
    #[error("cannot look into the session's directory: {0}")]
    Directory(io::Error),
    #[error(transparent)]
    Store(StoreError),
    /// What the agent has said cannot be stored.
    #[error(transparent)]
    Ingest(StoreError),
}

impl Problem {
    fn of_ingest(self) -> Self {
        match self {
            Self::Store(error) => Self::Ingest(error),
            other => other,
        }
    }
}
