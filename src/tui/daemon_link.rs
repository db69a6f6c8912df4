//! The connection to the daemon: how things are, and then what happens.
//!
//! Owns two endless tasks, one for all sessions and one for the conversation that is open. They turn
//! what the client library brings into messages and keep trying when the daemon is gone. One that died
//! is started again; one that was stopped is not, because whoever stopped it meant it. Called by the
//! runtime.

use std::path::Path;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::Sender;

use super::msg::{Link, Msg, Stream};
use super::state::ConnectionProblem;
use crate::client::events::{Events, Update};
use crate::client::{Client, ClientError, ensure_daemon, life};
use crate::config::Config;
use crate::protocol::approval::ListApprovalsParams;
use crate::protocol::event::{self, EventName, SubscribeEventsParams};
use crate::protocol::session::{GetOverviewParams, GetOverviewResponse, SessionState};

/// Sessions of the first page, which the first full frame waits for.
const FIRST_PAGE: u32 = 200;
/// Sessions of each further page.
const PAGE: u32 = 1_000;
/// The pause before another try.
const RETRY: Duration = Duration::from_millis(500);
/// The shortest time between two starts of a daemon that died: one that dies at once is not started
/// over and over.
const RESTART: Duration = Duration::from_secs(15);

/// How often it is looked, while nothing happens, whether the daemon answers.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Events that concern the lists. Conversations of sessions that are not open would be most of the
/// traffic and are not asked for.
const LIST_EVENTS: [EventName; 9] = [
    EventName::AlarmsChanged,
    EventName::ProblemChanged,
    EventName::NewApproval,
    EventName::ApprovalResolved,
    EventName::ApprovalDelivered,
    EventName::SessionStatusChanged,
    EventName::SessionSettingsChanged,
    EventName::SessionUpdated,
    EventName::SessionDeleted,
];

/// Follows all sessions until nobody listens.
pub async fn all(config: Config, to: Sender<Msg>) {
    let mut starts = Starts::default();
    loop {
        let error = match connect(&config, &mut starts, &to).await {
            Ok(client) => match follow_all(&config, client, &to).await {
                Ok(Ended::Unheard) => return,
                // What is left to know is asked for at once; only if nobody answers it is lost.
                Ok(Ended::Again) => continue,
                Err(error) => error,
            },
            Err(error) => error,
        };
        if to.send(Msg::Link(lost(&error))).await.is_err() {
            return;
        }
        tokio::time::sleep(RETRY).await;
    }
}

/// When a daemon may be started.
#[derive(Default)]
struct Starts {
    /// The first look at it is over.
    looked: bool,
    /// When one was started last.
    last: Option<Instant>,
}

impl Starts {
    /// At first where none runs, later where the last one died.
    fn may_start(&mut self, socket: &Path) -> bool {
        let wanted = !self.looked || life::has_died(socket);
        let rested = self.last.is_none_or(|last| last.elapsed() >= RESTART);
        if self.looked && wanted && rested {
            self.last = Some(Instant::now());
        }
        self.looked = true;
        wanted && rested
    }
}

async fn connect(
    config: &Config,
    starts: &mut Starts,
    to: &Sender<Msg>,
) -> Result<Client, ClientError> {
    let socket = &config.daemon_socket.value;
    let again = starts.looked;
    match Client::connect(socket).await {
        Err(error @ ClientError::NotRunning { .. }) if starts.may_start(socket) => {
            if again {
                // Whoever looks is to know that it was gone; nobody listens only at the end.
                let _ = to.send(Msg::Link(lost(&error))).await;
            }
            ensure_daemon(config).await
        }
        settled => {
            starts.looked = true;
            settled
        }
    }
}

fn lost(error: &ClientError) -> Link {
    Link::Lost {
        why: error.to_string(),
        problem: problem(error),
    }
}

/// What keeps us from the daemon.
fn problem(error: &ClientError) -> ConnectionProblem {
    match error {
        ClientError::NotRunning { .. } => ConnectionProblem::Stopped,
        ClientError::Spawn(_) => ConnectionProblem::NotStarted,
        ClientError::Connect(_) => ConnectionProblem::Refused,
        ClientError::Rpc { .. } | ClientError::Protocol { .. } => ConnectionProblem::Foreign,
        ClientError::Silent { .. } => ConnectionProblem::Silent,
        ClientError::NotKnown { source, .. } => problem(source),
        ClientError::Lost { .. } | ClientError::TimedOut { .. } => ConnectionProblem::Broken,
    }
}

/// Why following ended without an error.
enum Ended {
    /// Nobody listens any more.
    Unheard,
    /// Events were missed, or the connection was: begin with how things are now.
    Again,
}

async fn follow_all(
    config: &Config,
    client: Client,
    to: &Sender<Msg>,
) -> Result<Ended, ClientError> {
    let health = client.health().await?;
    let overview = page(&client, FIRST_PAGE, None).await?;
    let params = SubscribeEventsParams {
        since: Some(overview.seq),
        event_types: event::only(&LIST_EVENTS),
        live: true,
        ..SubscribeEventsParams::default()
    };
    let mut last = last_id(&overview.sessions, FIRST_PAGE);
    let told = i64::try_from(overview.pending_approvals.len()).unwrap_or(i64::MAX);
    let mut asked = overview
        .pending_approvals
        .last()
        .filter(|_| told < overview.pending_total)
        .map(|approval| approval.id.clone());
    let up = Link::Up {
        health: Box::new(health),
        overview: Box::new(overview),
    };
    if to.send(Msg::Link(up)).await.is_err() {
        return Ok(Ended::Unheard);
    }
    let mut events = Events::open(&config.daemon_socket.value, params).await?;
    // An overview holds the oldest of what is pending, up to a number.
    while let Some(after) = asked {
        let params = ListApprovalsParams {
            limit: Some(PAGE),
            after: Some(after),
            ..ListApprovalsParams::default()
        };
        let page = client.list_approvals(&params).await?;
        let more = page.approvals;
        asked = more
            .last()
            .filter(|_| page.has_more || more.len() >= PAGE as usize)
            .map(|approval| approval.id.clone());
        if to.send(Msg::Link(Link::MorePending(more))).await.is_err() {
            return Ok(Ended::Unheard);
        }
    }
    while let Some(after) = last {
        let more = page(&client, PAGE, Some(after)).await?.sessions;
        last = last_id(&more, PAGE);
        if to.send(Msg::Link(Link::More(more))).await.is_err() {
            return Ok(Ended::Unheard);
        }
    }
    if to.send(Msg::Link(Link::Complete)).await.is_err() {
        return Ok(Ended::Unheard);
    }
    loop {
        let update = tokio::select! {
            update = events.next() => update?,
            // A daemon that is stopped closes nothing and tells nothing.
            () = tokio::time::sleep(LOOK_EVERY) => {
                client.is_served().await?;
                continue;
            }
        };
        let told = match update {
            Update::Event(event) => Msg::Link(Link::Event(Box::new(event))),
            // Live events may be missing, or stored ones too.
            Update::Resync(_) | Update::Lost | Update::Reconnected => return Ok(Ended::Again),
        };
        if to.send(told).await.is_err() {
            return Ok(Ended::Unheard);
        }
    }
}

async fn page(
    client: &Client,
    limit: u32,
    after: Option<String>,
) -> Result<GetOverviewResponse, ClientError> {
    let params = GetOverviewParams {
        include_archived: true,
        limit: Some(limit),
        after,
        ..GetOverviewParams::default()
    };
    client.get_overview(&params).await
}

/// Where the next page begins; none when this was the last.
fn last_id(sessions: &[SessionState], limit: u32) -> Option<String> {
    let full = u32::try_from(sessions.len()).is_ok_and(|count| count >= limit);
    sessions
        .last()
        .filter(|_| full)
        .map(|session| session.id.clone())
}

/// Follows one session's conversation until the task is ended.
pub async fn conversation(config: Config, session: String, to: Sender<Msg>) {
    let message = |what| Msg::Stream {
        session: session.clone(),
        what,
    };
    loop {
        let params = SubscribeEventsParams {
            event_types: event::only(&[
                EventName::ConversationUpdated,
                EventName::MessageUpdated,
                EventName::MessageDelta,
            ]),
            session_id: Some(session.clone()),
            live: true,
            ..SubscribeEventsParams::default()
        };
        if let Ok(mut events) = Events::open(&config.daemon_socket.value, params).await {
            // Only now is nothing missed between a page and the events behind it.
            if to.send(message(Stream::Gap)).await.is_err() {
                return;
            }
            while let Ok(update) = events.next().await {
                let what = match update {
                    Update::Event(event) => Stream::Event(Box::new(event)),
                    Update::Lost => continue,
                    Update::Resync(_) | Update::Reconnected => Stream::Gap,
                };
                if to.send(message(what)).await.is_err() {
                    return;
                }
            }
        }
        tokio::time::sleep(RETRY).await;
    }
}
