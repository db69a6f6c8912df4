//! Polling one kind of request: what is new is recorded, what is gone is looked at and settled.
//!
//! The pause between polls is `every` while a session runs or something is pending, else
//! [`IDLE_FACTOR`] times that; after a failure it backs off. What is missing in a list that was read
//! whole is asked for by name, and only that answer settles it. Spawned once a kind, so that the
//! failure of one does not stop the other.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use tokio_util::sync::CancellationToken;

use super::convert;
use super::listing::{Known, Listing, Next, PAGE};
use super::status::{Part, Status};
use crate::backoff::Backoff;
use crate::daemon::session::Sessions;
use crate::daemon::store::{Asked, Store, StoreError};
use crate::remote_api::client::Api;
use crate::remote_api::error::{ApiError, ErrorClass};
use crate::remote_api::retry;
use crate::remote_api::types::{RequestKind, Settled};

/// How many times longer the pause is while nothing runs and nothing is pending.
pub const IDLE_FACTOR: u32 = 5;

/// The pauses after failures.
const BACKOFF: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));

/// Requests recorded in one transaction; more would keep other writers waiting.
const RECORD_AT_ONCE: usize = 100;

/// Requests asked for by name at the same time.
const LOOK_AT_ONCE: usize = 8;

/// Why a poll failed.
#[derive(Debug, thiserror::Error)]
enum PollError {
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a poll that worked found.
struct Found {
    /// What is odd about it, for people.
    remark: Option<String>,
    /// Whether anything waits for an answer.
    pending: bool,
}

/// The pause between two polls.
#[derive(Clone, Copy)]
enum Rest {
    Usual { pending: bool },
    After(Duration),
}

/// Polls one kind.
pub struct Poller {
    pub api: Arc<Api>,
    pub store: Store,
    pub sessions: Sessions,
    pub status: Arc<Status>,
    pub kind: RequestKind,
    pub every: Duration,
}

impl Poller {
    /// Polls until it is told to stop.
    pub async fn run(self, stop: CancellationToken) {
        let part = Part::Poll(self.kind);
        let mut known = Known::new();
        let mut failures = 0u32;
        loop {
            let polled = tokio::select! {
                () = stop.cancelled() => return,
                polled = self.poll(&mut known) => polled,
            };
            let rest = match polled {
                Ok(found) => {
                    failures = 0;
                    self.status.succeeded(part, found.remark);
                    Rest::Usual {
                        pending: found.pending,
                    }
                }
                Err(error) => {
                    failures = failures.saturating_add(1);
                    self.status.failed(part, error.to_string());
                    Rest::After(pause(&error, failures))
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.rest(part, rest) => {}
            }
        }
    }

    /// The pause after a poll. A session that starts meanwhile shortens the usual one.
    async fn rest(&self, part: Part, rest: Rest) {
        let pending = match rest {
            Rest::Usual { pending } => pending,
            Rest::After(pause) => {
                self.status.next(part, Some(pause));
                tokio::time::sleep(pause).await;
                return;
            }
        };
        for turn in 0..IDLE_FACTOR {
            let busy = pending || self.sessions.live_count() > 0;
            let left = if busy { 1 } else { IDLE_FACTOR - turn };
            self.status.next(part, Some(self.every * left));
            tokio::time::sleep(self.every).await;
            if busy {
                return;
            }
        }
    }

    async fn poll(&self, known: &mut Known) -> Result<Found, PollError> {
        let before = std::mem::take(known);
        // A poll that fails forgets what was listed: recording it again is harmless.
        let mut listing = Listing::new(self.kind, &before);
        let whole = self.list(&mut listing).await;
        if whole.is_err() {
            listing.cut();
        }
        let changed = self.record(&mut listing).await?;
        for (call_id, settled) in std::mem::take(&mut listing.settled) {
            self.settle(call_id, Some(settled)).await?;
        }
        whole?;
        let waiting = self.store.remote_waiting(convert::kind(self.kind)).await?;
        let pending = !waiting.is_empty();
        let missing = listing.missing(waiting);
        let remark = listing.remark.take().or_else(|| {
            let id = changed.first()?;
            Some(format!(
                "request {id:?} has changed there since it was recorded here: decide it there"
            ))
        });
        *known = listing.into_known();
        // These are told of again, as long as it is so.
        known.retain(|id, _| !changed.contains(id));
        self.look_at(missing).await?;
        Ok(Found { remark, pending })
    }

    async fn list(&self, listing: &mut Listing<'_>) -> Result<(), ApiError> {
        let mut offset = 0;
        loop {
            let page = self.api.pending(self.kind, PAGE, offset).await?;
            match listing.add(&page) {
                Next::Page(next) => offset = next,
                Next::Done => return Ok(()),
            }
        }
    }

    /// Records what is new; tells which requests are not what they were.
    async fn record(&self, listing: &mut Listing<'_>) -> Result<Vec<String>, StoreError> {
        let mut fresh = std::mem::take(&mut listing.fresh)
            .into_iter()
            .map(convert::new_request)
            .peekable();
        let mut changed = Vec::new();
        while fresh.peek().is_some() {
            let some = fresh.by_ref().take(RECORD_AT_ONCE).collect();
            let asked = self.store.ask_remote(some).await?;
            changed.extend(asked.into_iter().filter_map(|asked| match asked {
                Asked::New(_) | Asked::Known(_) => None,
                Asked::Taken(approval) => approval.call_id,
            }));
        }
        Ok(changed)
    }

    /// Asks for requests by name and settles those that are. One that cannot be looked at does not
    /// keep the others.
    async fn look_at(&self, missing: Vec<String>) -> Result<(), PollError> {
        let mut looks = stream::iter(missing)
            .map(|call_id| async {
                let found = self.api.get(self.kind, &call_id).await;
                (call_id, found)
            })
            .buffer_unordered(LOOK_AT_ONCE);
        let mut failed = None;
        while let Some((call_id, found)) = looks.next().await {
            match found {
                Ok(None) => self.settle(call_id, None).await?,
                // One that is pending all the same was missed because the list had moved.
                Ok(Some(request)) if request.settled.is_none() => {}
                Ok(Some(request)) => self.settle(call_id, request.settled).await?,
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(()), |error| Err(error.into()))
    }

    /// Settles a request as it is settled there; none means that it is not there any more.
    async fn settle(&self, call_id: String, settled: Option<Settled>) -> Result<(), StoreError> {
        let place = self.api.place();
        let how = match settled {
            Some(settled) => convert::elsewhere(place, settled),
            None => convert::withdrawn(place),
        };
        self.store.settle_elsewhere(call_id, how).await.map(drop)
    }
}

fn pause(error: &PollError, failures: u32) -> Duration {
    let random = retry::random_unit();
    match error {
        PollError::Api(error) => match error.class() {
            ErrorClass::Transient | ErrorClass::Final => {
                retry::pause_at_least(BACKOFF, failures, error.retry_after(), random)
            }
            ErrorClass::Settings => retry::longest(BACKOFF, random),
        },
        PollError::Store(_) => retry::pause(BACKOFF, failures, random),
    }
}
