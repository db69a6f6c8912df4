//! Bringing the answers of the outbox to the API.
//!
//! An answer is sent as soon as its decision is committed, and again until the API has taken it or
//! it is certain that it never will. Before an answer is sent that may have been sent already (it
//! was tried before, or decided before this daemon started), it is looked at what stands: so one
//! whose reply was lost, or whose daemon was killed, is not given twice. There is one answer a
//! request, so answers of different requests may overtake each other.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::convert;
use super::status::{Part, Status};
use crate::backoff::Backoff;
use crate::daemon::bus::Bus;
use crate::daemon::store::{ApiAnswer, Store, StoreError};
use crate::domain::Approval;
use crate::remote_api::client::{Api, Taken};
use crate::remote_api::error::{ApiError, ErrorClass};
use crate::remote_api::retry;

/// Answers on their way at the same time.
pub const AT_ONCE: usize = 8;

/// How long an answer that is on its way may take when the daemon stops.
pub const DRAIN: Duration = Duration::from_secs(3);

/// The pauses after failures.
const BACKOFF: Backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(60));

/// The pause after a failure of the database.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// Which answers are on their way.
#[derive(Default)]
struct Way {
    now: HashSet<i64>,
    /// Those that may have arrived, without it being noted.
    unsure: HashSet<i64>,
}

impl Way {
    fn ended(&mut self, id: i64, noted: bool) {
        self.now.remove(&id);
        if noted {
            self.unsure.remove(&id);
        } else {
            self.unsure.insert(id);
        }
    }

    /// One ended, and it is not known which.
    fn lost(&mut self) {
        self.unsure.extend(self.now.drain());
    }
}

/// What became of an answer.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    /// It stands at the API.
    Delivered,
    /// It never will.
    Undelivered(String),
    /// It is tried again.
    Later(ApiError),
}

/// What stands at the API.
enum Stands {
    /// Nothing: it is pending.
    Nothing,
    /// What was decided here.
    Ours,
    /// Something else, in words.
    Theirs(String),
}

/// Delivers answers.
#[derive(Clone)]
pub struct Worker {
    api: Arc<Api>,
    store: Store,
    status: Arc<Status>,
    started_at: Timestamp,
}

impl Worker {
    pub fn new(api: &Arc<Api>, store: &Store, status: &Arc<Status>) -> Self {
        Self {
            api: Arc::clone(api),
            store: store.clone(),
            status: Arc::clone(status),
            started_at: Timestamp::now(),
        }
    }

    /// Delivers until it is told to stop.
    pub async fn run(self, bus: Arc<Bus>, stop: CancellationToken) {
        // A person who starts the daemon again may have put right what was wrong.
        if let Err(error) = self.store.api_outbox_hurry().await {
            self.status.failed(Part::Answers, error.to_string());
        }
        let mut tasks = JoinSet::new();
        let mut way = Way::default();
        loop {
            let wait = match self.send_due(&mut tasks, &mut way).await {
                Ok(wait) => wait,
                Err(error) => {
                    self.status.failed(Part::Answers, error.to_string());
                    Some(STORE_PAUSE)
                }
            };
            self.status.next(Part::Answers, wait);
            tokio::select! {
                () = stop.cancelled() => break,
                () = bus.api_outbox().notified() => {}
                () = sleep_or_for_ever(wait) => {}
                Some(done) = tasks.join_next() => match done {
                    Ok((id, noted)) => way.ended(id, noted),
                    Err(error) => {
                        tracing::error!(%error, "an answer was lost sight of");
                        tasks.abort_all();
                        way.lost();
                    }
                },
            }
        }
        let drained = async { while tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(DRAIN, drained).await.is_err() {
            tracing::info!(
                "an answer is still on its way; the next daemon looks what became of it"
            );
        }
    }

    /// Starts to deliver what is due, as far as there is room; says how long there is nothing else
    /// to do.
    async fn send_due(
        &self,
        tasks: &mut JoinSet<(i64, bool)>,
        way: &mut Way,
    ) -> Result<Option<Duration>, StoreError> {
        let now = Timestamp::now();
        let outbox = self.store.api_outbox_due(now).await?;
        for answer in outbox.due {
            if way.now.len() >= AT_ONCE {
                // Looked at again when one of them is done.
                break;
            }
            if way.now.insert(answer.id) {
                let maybe_sent = answer.attempts > 0
                    || way.unsure.contains(&answer.id)
                    || answer
                        .approval
                        .decided_at
                        .is_none_or(|at| at < self.started_at);
                tasks.spawn(self.clone().deliver(answer, maybe_sent));
            }
        }
        Ok(outbox
            .next
            .map(|next| Duration::try_from(next.duration_since(now)).unwrap_or_default()))
    }

    /// Delivers one; tells whether it could be noted what became of it.
    async fn deliver(self, answer: ApiAnswer, maybe_sent: bool) -> (i64, bool) {
        let fate = self.fate(&answer.approval, maybe_sent).await;
        let noted = self.note(&answer, fate).await;
        if let Err(error) = &noted {
            self.status.failed(Part::Answers, error.to_string());
            tokio::time::sleep(STORE_PAUSE).await;
        }
        (answer.id, noted.is_ok())
    }

    async fn note(&self, answer: &ApiAnswer, fate: Fate) -> Result<(), StoreError> {
        match fate {
            Fate::Delivered => {
                self.store.api_outbox_done(answer.id).await?;
                self.status.succeeded(Part::Answers, None);
            }
            Fate::Undelivered(reason) => {
                tracing::warn!(approval = %answer.approval.id, %reason, "an answer could not be delivered");
                self.store.api_outbox_failed(answer.id, reason).await?;
                self.status.succeeded(Part::Answers, None);
            }
            Fate::Later(error) => {
                let pause = pause(&error, answer.attempts + 1);
                let at = Timestamp::now()
                    .checked_add(pause)
                    .unwrap_or(Timestamp::MAX);
                self.status.failed(Part::Answers, error.to_string());
                self.store
                    .api_outbox_retry(answer.id, at, error.to_string())
                    .await?;
            }
        }
        Ok(())
    }

    async fn fate(&self, approval: &Approval, maybe_sent: bool) -> Fate {
        let (Some(call_id), Some(body)) = (&approval.call_id, convert::answer(approval)) else {
            return Fate::Undelivered("it is no answer to a request".to_owned());
        };
        if maybe_sent {
            match self.look(approval, call_id).await {
                Ok(Stands::Nothing) => {}
                Ok(stands) => return fate_of(stands),
                Err(error) => return fate_of_error(error),
            }
        }
        crate::failpoint::hit("api.sending");
        let kind = convert::request_kind(approval);
        match self.api.respond(kind, call_id, &body).await {
            Ok(Taken::Yes) => {
                crate::failpoint::hit("api.delivered");
                Fate::Delivered
            }
            Ok(Taken::Conflict | Taken::Unclear) => match self.look(approval, call_id).await {
                Ok(stands) => fate_of(stands),
                Err(error) => fate_of_error(error),
            },
            Err(error) => fate_of_error(error),
        }
    }

    async fn look(&self, approval: &Approval, call_id: &str) -> Result<Stands, ApiError> {
        let kind = convert::request_kind(approval);
        let Some(request) = self.api.get(kind, call_id).await? else {
            return Ok(Stands::Theirs("not there any more".to_owned()));
        };
        Ok(match request.settled {
            None => Stands::Nothing,
            Some(settled) if convert::is_ours(approval, &settled) => Stands::Ours,
            Some(settled) => Stands::Theirs(convert::describe(&settled)),
        })
    }
}

fn fate_of(stands: Stands) -> Fate {
    match stands {
        Stands::Ours => Fate::Delivered,
        Stands::Theirs(what) => {
            Fate::Undelivered(format!("settled elsewhere before this answer: {what}"))
        }
        Stands::Nothing => Fate::Later(ApiError::Protocol {
            doing: "answer a request",
            problem: "the API takes no answer to it, and says that it is pending".to_owned(),
        }),
    }
}

fn fate_of_error(error: ApiError) -> Fate {
    match error.class() {
        ErrorClass::Transient | ErrorClass::Settings => Fate::Later(error),
        ErrorClass::Final => Fate::Undelivered(error.to_string()),
    }
}

fn pause(error: &ApiError, failures: u32) -> Duration {
    let random = retry::random_unit();
    match error.class() {
        ErrorClass::Transient | ErrorClass::Final => {
            retry::pause_at_least(BACKOFF, failures, error.retry_after(), random)
        }
        ErrorClass::Settings => retry::longest(BACKOFF, random),
    }
}

async fn sleep_or_for_ever(wait: Option<Duration>) {
    match wait {
        Some(wait) => tokio::time::sleep(wait).await,
        None => std::future::pending().await,
    }
}
