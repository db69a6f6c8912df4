//! A supervisor's reading: its session's journal into the store, stretch by stretch.
//!
//! Owns what is on its way between the two. One stretch is understood while the one before it is
//! committed, and what somebody waits for hurries those before it. It never returns while something
//! of it is under way, so the place in the journal and the one in the store agree between readings.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::FuturesOrdered;
use futures_util::{FutureExt as _, StreamExt as _};
use jiff::Timestamp;
use tokio::time::Instant;

use super::{Problem, Supervisor};
use crate::daemon::session::journal::{Batch, Damage, Journal, is_taken_away};
use crate::daemon::session::machine;
use crate::daemon::store::{Ingest, Store, StoreError, Urgency};
use crate::domain::session::Process;
use crate::domain::{Event, EventBody, Session};
use crate::platform::{self, ProcessId};

/// Stretches of one journal that may be on their way into the store: while one is committed the next
/// one waits behind it, so that the store's writer never waits for the reading of a long journal.
const UNDER_WAY: usize = 2;

/// How long it is not looked again where the path of a journal leads: an agent writes many times a second.
const PLACE_POLL: Duration = Duration::from_secs(1);

/// Reading a journal up to its end.
struct Reading {
    /// Where the next stretch begins.
    from: u64,
    /// What was read and has no room on the way yet.
    next: Option<Batch>,
    /// Whether there may be more in the file.
    look: bool,
    /// What is on its way into the store, in order.
    commits: FuturesOrdered<BoxFuture<'static, Result<Arc<Session>, StoreError>>>,
}

impl Supervisor {
    /// Takes what the journal holds into the store, all of it.
    pub(super) async fn read_journal(&mut self) -> Result<(), Problem> {
        if self.journal.is_none() {
            self.open_directory();
            match Journal::open(
                &self.dir.journal(),
                self.session.journal_base,
                self.session.journal_offset,
            ) {
                Ok(journal) => self.journal = Some(journal),
                Err(error) if is_taken_away(&error) => return Ok(()),
                Err(error) => return Err(Problem::Journal(error)),
            }
        }
        let (store, changed) = (self.ctx.store.clone(), Arc::clone(&self.changed));
        let mut reading = Reading {
            from: self.session.journal_offset,
            next: None,
            look: true,
            commits: FuturesOrdered::new(),
        };
        let mut outcome = Ok(());
        loop {
            if outcome.is_ok() {
                outcome = self.read_on(&mut reading, &store);
            }
            tokio::select! {
                biased;
                committed = reading.commits.next() => match committed {
                    None => return outcome,
                    // One that follows a failed one fails as well, and is waited for, so that nothing
                    // of this reading is under way when the next one begins.
                    Some(_) if outcome.is_err() => {}
                    Some(committed) => {
                        outcome = self.committed(committed);
                        // What came meanwhile may have been told and not been looked at.
                        reading.look = true;
                    }
                },
                () = changed.notified() => {
                    reading.look = true;
                    if reading.next.is_some() {
                        // It may be what somebody waits for, and there is no room to look at it.
                        store.hurry();
                    }
                }
            }
        }
    }

    /// Looks whether the journal is still what the agent writes, and goes on as well as it can where it
    /// is not.
    pub(super) async fn look_for_damage(&mut self) -> Result<(), Problem> {
        if self.journal.is_none() {
            return self.look_for_missing_journal().await;
        }
        let now = Instant::now();
        let is_due = self.place_due <= now;
        if is_due {
            self.place_due = now + PLACE_POLL;
            self.open_directory();
        }
        let Some(journal) = &mut self.journal else {
            return Ok(());
        };
        // What is skipped now is made up for.
        self.place_skipped = !is_due;
        let path = is_due.then(|| self.dir.journal());
        let store = &self.ctx.store;
        match journal.damage(path.as_deref()).map_err(Problem::Journal)? {
            None if !is_due => {}
            None => self.journal_taken = false,
            Some(Damage::CutOff { missing }) => {
                let detail = format!(
                    "The session's journal was cut off by {missing} bytes while the agent wrote it: what it wrote in this moment may be missing here."
                );
                tracing::error!(session = %self.session.id, missing, "the journal was cut off");
                store
                    .raise_journal_damaged(self.session.key, detail)
                    .await
                    .map_err(Problem::Store)?;
                // What is in the file now begins where the last whole line ended.
                store
                    .rebase_journal(self.session.key)
                    .await
                    .map_err(Problem::Store)?;
                self.forget_places().await;
                self.changed.notify_one();
            }
            Some(Damage::TakenAway) if !self.journal_taken => {
                self.journal_taken = true;
                let detail = "The session's journal was deleted or replaced while the agent writes it. It is read on as long as this daemon runs; what comes after its end is lost.".to_owned();
                tracing::error!(session = %self.session.id, "the journal was deleted or replaced");
                store
                    .raise_journal_damaged(self.session.key, detail)
                    .await
                    .map_err(Problem::Store)?;
            }
            Some(Damage::TakenAway) => {}
        }
        Ok(())
    }

    /// A process whose journal is gone cannot be followed: it is ended.
    async fn look_for_missing_journal(&mut self) -> Result<(), Problem> {
        let is_asked = self.session.end_requested_at.is_some();
        if self.session.process != Process::Live || self.journal_taken {
            return Ok(());
        }
        let detail = if self.link.is_some() {
            "The session's journal is gone, so what its agent does cannot be followed: its process is ended."
        } else if self.is_cut_off() {
            "The directory of the session's process was deleted, so its agent can neither be followed nor answered: it is ended."
        } else {
            return Ok(());
        };
        let detail = detail.to_owned();
        self.journal_taken = true;
        tracing::error!(session = %self.session.id, detail, "the journal is gone");
        let store = &self.ctx.store;
        store
            .raise_journal_damaged(self.session.key, detail)
            .await
            .map_err(Problem::Store)?;
        if !is_asked {
            match store.request_end(self.session.id.as_str()).await {
                Ok(_) | Err(StoreError::Conflict { .. }) => {}
                Err(error) => return Err(Problem::Store(error)),
            }
        }
        Ok(())
    }

    /// Opens the session's directory again if somebody has closed it: without it nothing is read, and nobody is answered.
    fn open_directory(&self) {
        match platform::open_own_directory(self.dir.path()) {
            Ok(false) => {}
            Ok(true) => {
                tracing::error!(session = %self.session.id, "somebody had closed the session's directory; it is open again");
            }
            Err(error) => {
                tracing::warn!(session = %self.session.id, %error, "cannot look at the session's directory");
            }
        }
    }

    /// Whether the runner lives and its directory is gone, with its socket.
    fn is_cut_off(&self) -> bool {
        let runner = self.ctx.callers.runner_process(&self.session.directory);
        let lives = |runner: ProcessId| runner.exists() && !platform::is_zombie(runner.pid);
        runner.is_some_and(lives) && !self.dir.path().is_dir()
    }

    /// Understands what there is and hands it to the store, as far as there is room on the way.
    fn read_on(&mut self, reading: &mut Reading, store: &Store) -> Result<(), Problem> {
        loop {
            if reading.next.is_none() && reading.look {
                reading.next = self.next_batch()?;
                reading.look = self.journal.as_ref().is_some_and(Journal::may_hold_more);
            }
            let Some(batch) = reading.next.take() else {
                return Ok(());
            };
            let ahead = reading.commits.len();
            // Deltas are told when everything before them has been.
            if ahead >= UNDER_WAY || (ahead > 0 && !batch.deltas.is_empty()) {
                if !batch.can_wait() {
                    store.hurry();
                }
                reading.next = Some(batch);
                return Ok(());
            }
            self.publish_deltas(batch.deltas.iter());
            if batch.raw.is_empty() {
                continue;
            }
            let ingest = self.ingest(reading.from, batch);
            reading.from = ingest.to;
            let store = store.clone();
            let commit = async move { store.ingest(ingest).await };
            reading.commits.push_back(commit.boxed());
        }
    }

    fn next_batch(&mut self) -> Result<Option<Batch>, Problem> {
        match &mut self.journal {
            // Much to understand: others get the thread meanwhile.
            Some(journal) if journal.is_far_behind() => {
                tokio::task::block_in_place(|| journal.next_batch()).map_err(Problem::Journal)
            }
            Some(journal) => journal.next_batch().map_err(Problem::Journal),
            None => Ok(None),
        }
    }

    fn ingest(&self, from: u64, batch: Batch) -> Ingest {
        crate::failpoint::hit("ingest.read");
        let urgency = if batch.can_wait() {
            Urgency::Soon
        } else {
            Urgency::Now
        };
        let parsed = batch.parsed;
        Ingest {
            session_key: self.session.key,
            from,
            to: batch.to,
            lines: batch.raw,
            apply: Box::new(move |session, now| {
                // Most lines have one.
                let mut effects = Vec::with_capacity(parsed.len() * 2);
                for line in parsed {
                    effects.extend(machine::apply(session, line, now));
                }
                effects
            }),
            end: None,
            urgency,
        }
    }

    fn committed(&mut self, commit: Result<Arc<Session>, StoreError>) -> Result<(), Problem> {
        let session = commit.map_err(Problem::Store)?;
        if let Some(journal) = &mut self.journal {
            journal.free(session.journal_offset);
        }
        self.take_over(session);
        Ok(())
    }

    fn publish_deltas<'a>(
        &self,
        deltas: impl Iterator<Item = &'a Box<serde_json::value::RawValue>>,
    ) {
        if !self.ctx.bus.has_listeners() {
            return;
        }
        for delta in deltas {
            self.ctx.bus.publish_live(Event {
                seq: 0,
                at: Timestamp::now(),
                session_id: self.session.id.clone(),
                run_id: self.session.run_id.clone(),
                body: EventBody::MessageDelta(delta.clone()),
            });
        }
    }
}
