//! Events to clients: what was missed from the store, then what comes from the bus.
//!
//! A client that reads slowly blocks only its own subscription. When it falls out of the bus's ring
//! it is served from the store until it has caught up; when it is too far behind for that, it is
//! told to `resync`. Nothing is skipped without a word.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jsonrpsee::RpcModule;
use jsonrpsee::core::RegisterMethodError;
use jsonrpsee::core::server::SubscriptionMessage;
use serde::{Serialize, Serializer};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::error::RpcError;
use super::parse;
use crate::daemon::Daemon;
use crate::daemon::store::StoreError;
use crate::domain::{Event, Lineage, SessionId};
use crate::protocol::event::{EventName, EventNotification, SubscribeEventsParams};
use crate::protocol::event_line::EventLine;
use crate::protocol::method;

/// Sequence numbers that are read from the store at once.
const REPLAY_PAGE: i64 = 500;

/// Events that a client may be behind and still be caught up; beyond, it is told to resync.
pub const REPLAY_MAX: i64 = 50_000;

/// Sessions whose ids one subscription keeps at hand; it looks them up again when there are more.
const IDS_MAX: usize = 1_000;

/// How long to wait after the database could not be read.
const RETRY: Duration = Duration::from_secs(1);

/// Which events a client wants.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// None: all.
    pub types: Option<Vec<EventName>>,
    /// The session of which the store is asked.
    pub session: Option<SessionId>,
    /// The id that events carry.
    pub id: Option<SessionId>,
    pub run: Option<String>,
    pub live: bool,
    /// Whether events carry the ids under which existing clients know sessions.
    pub wire: bool,
}

impl Filter {
    fn wants(&self, event: &Event) -> bool {
        (self.live || !event.body.is_live_only())
            && self
                .types
                .as_ref()
                .is_none_or(|types| types.contains(&event.body.name()))
            && self.id.as_ref().is_none_or(|id| *id == event.session_id)
            && self
                .run
                .as_deref()
                .is_none_or(|run| run == event.run_id.as_str())
    }
}

/// What a subscription gives its client; written as an [`EventNotification`].
pub enum Item {
    Event(Arc<Event>),
    Resync(EventNotification),
}

impl Serialize for Item {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Event(event) => EventLine(event).serialize(to),
            Self::Resync(notification) => notification.serialize(to),
        }
    }
}

/// A client's place in the events.
pub struct Feed {
    daemon: Arc<Daemon>,
    bus: broadcast::Receiver<Arc<Event>>,
    filter: Filter,
    /// Everything up to here was given or did not concern the client.
    seen: i64,
    /// Read but not yet given.
    replayed: std::collections::VecDeque<Item>,
    /// Whether the store has more to give before the bus.
    behind: bool,
    /// The ids of sessions, as they were at a count of changes.
    ids: (u64, HashMap<SessionId, Option<Arc<Lineage>>>),
}

impl Feed {
    /// Begins after `since`, or with what comes.
    pub async fn begin(
        daemon: Arc<Daemon>,
        filter: Filter,
        since: Option<i64>,
    ) -> Result<Self, StoreError> {
        // Listening first: nothing can fall between the store and the bus.
        let bus = daemon.bus.listen();
        let last = daemon.store.last_seq().await?;
        let seen = since.unwrap_or(last);
        let mut feed = Self {
            daemon,
            bus,
            filter,
            seen: seen.min(last),
            replayed: std::collections::VecDeque::new(),
            behind: seen < last,
            ids: (0, HashMap::new()),
        };
        if seen > last {
            // From another database, or one restored from a backup.
            feed.resync(last);
        }
        Ok(feed)
    }

    /// The next event; none when the daemon shuts down. While the database cannot be read it waits:
    /// a subscription must not end without a word.
    pub async fn next(&mut self) -> Option<Item> {
        loop {
            match self.try_next().await {
                Ok(event) => return event,
                Err(StoreError::Closed) => return None,
                Err(error) => {
                    tracing::warn!(%error, "cannot read events; trying again");
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    }

    async fn try_next(&mut self) -> Result<Option<Item>, StoreError> {
        loop {
            if let Some(event) = self.replayed.pop_front() {
                return Ok(Some(event));
            }
            if self.behind {
                self.replay().await?;
                continue;
            }
            match self.bus.recv().await {
                Ok(event) if event.body.is_live_only() => {
                    if self.filter.wants(&event) {
                        return Ok(Some(Item::Event(event)));
                    }
                }
                Ok(event) if event.seq <= self.seen => {}
                Ok(event) => {
                    self.seen = event.seq;
                    let event = self.named(event).await?;
                    if self.filter.wants(&event) {
                        return Ok(Some(Item::Event(event)));
                    }
                }
                Err(RecvError::Lagged(_)) => self.behind = true,
                Err(RecvError::Closed) => return Ok(None),
            }
        }
    }

    async fn replay(&mut self) -> Result<(), StoreError> {
        let last = self.daemon.store.last_seq().await?;
        if last - self.seen > REPLAY_MAX {
            self.resync(last);
            return Ok(());
        }
        let replay = self
            .daemon
            .store
            .events_since(self.seen, REPLAY_PAGE, self.filter.session.clone())
            .await?;
        if replay.gap {
            self.resync(last);
            return Ok(());
        }
        self.seen = self.seen.max(replay.seen);
        self.behind = replay.more;
        for event in replay.events {
            let event = self.named(Arc::new(event)).await?;
            if self.filter.wants(&event) {
                self.replayed.push_back(Item::Event(event));
            }
        }
        Ok(())
    }

    /// An event with the ids that this client knows.
    async fn named(&mut self, event: Arc<Event>) -> Result<Arc<Event>, StoreError> {
        if !self.filter.wire {
            return Ok(event);
        }
        let changes = self.daemon.bus.wire_ids();
        if self.ids.0 != changes || self.ids.1.len() > IDS_MAX {
            self.ids = (changes, HashMap::new());
        }
        let known = match self.ids.1.get(&event.session_id) {
            Some(known) => known.clone(),
            None => {
                let found = match self.daemon.store.lineage(event.session_id.as_str()).await {
                    Ok((lineage, _)) => Some(lineage),
                    // It was deleted meanwhile.
                    Err(StoreError::NotFound { .. }) => None,
                    Err(error) => return Err(error),
                };
                let found = found
                    .filter(|lineage| {
                        !lineage.ids.is_empty() || lineage.session.forked_from.is_some()
                    })
                    .map(Arc::new);
                self.ids.1.insert(event.session_id.clone(), found.clone());
                found
            }
        };
        Ok(known.map_or(event.clone(), |lineage| Arc::new(lineage.event(&event))))
    }

    fn resync(&mut self, last: i64) {
        self.replayed.push_back(Item::Resync(EventNotification {
            seq: last,
            r#type: EventName::Resync.as_str().to_owned(),
            timestamp: jiff::Timestamp::now(),
            data: serde_json::json!({"missed_after": self.seen}),
        }));
        self.seen = last;
        self.behind = false;
    }
}

/// Registers the standard subscription.
pub fn register(module: &mut RpcModule<Arc<Daemon>>) -> Result<(), RegisterMethodError> {
    module
        .register_subscription(
            method::SUBSCRIBE_EVENTS,
            method::EVENT,
            method::UNSUBSCRIBE_EVENTS,
            |params, pending, daemon, _| async move {
                let params: SubscribeEventsParams = match parse(&params) {
                    Ok(params) => params,
                    Err(error) => return pending.reject(error).await,
                };
                let filter = match filter(
                    &daemon,
                    params.event_types,
                    params.session_id,
                    params.run_id,
                    false,
                )
                .await
                {
                    Ok(filter) => Filter {
                        live: params.live,
                        ..filter
                    },
                    Err(error) => return pending.reject(error).await,
                };
                let mut feed = match Feed::begin(Arc::clone(&daemon), filter, params.since).await {
                    Ok(feed) => feed,
                    Err(error) => return pending.reject(RpcError::from(error)).await,
                };
                let Ok(sink) = pending.accept().await else {
                    return;
                };
                loop {
                    let event = tokio::select! {
                        () = sink.closed() => return,
                        event = feed.next() => event,
                    };
                    let Some(event) = event else { return };
                    let (method, id) = (sink.method_name(), sink.subscription_id());
                    let Ok(message) = SubscriptionMessage::new(method, id, &event) else {
                        return;
                    };
                    if sink.send(message).await.is_err() {
                        return;
                    }
                }
            },
        )
        .map(drop)
}

/// A filter whose session is known.
pub async fn filter(
    daemon: &Daemon,
    types: Option<Vec<String>>,
    session: Option<String>,
    run: Option<String>,
    wire: bool,
) -> Result<Filter, RpcError> {
    let run = run.filter(|id| !id.is_empty());
    let mut filter = Filter {
        // A type that nobody knows is one that never comes.
        types: types.filter(|types| !types.is_empty()).map(|types| {
            types
                .iter()
                .filter_map(|name| EventName::parse(name))
                .collect()
        }),
        wire,
        ..Filter::default()
    };
    if let Some(id) = session.filter(|id| !id.is_empty()) {
        let (lineage, position) = daemon.store.lineage(&id).await?;
        let named = if wire { position } else { 0 };
        filter.id = Some(lineage.names(named).0.clone());
        filter.session = Some(lineage.session.id);
    }
    filter.run = match run {
        // Any run id of a conversation means the conversation.
        Some(run) if !wire => match daemon.store.session(&run).await {
            Ok(session) => Some(session.run_id.to_string()),
            Err(_) => Some(run),
        },
        run => run,
    };
    Ok(filter)
}
