//! Events as one unbroken stream, whatever becomes of the connection.
//!
//! Owns the last sequence number seen: what was seen before is dropped, and a
//! new connection asks from there on. When the daemon says that the gap cannot
//! be filled, the reader gets the present state instead. Never starts a daemon:
//! who stops it while somebody watches means it. Used by the commands that
//! follow and by the dashboard.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jsonrpsee::core::client::Subscription;

use super::calls::Client;
use super::error::ClientError;
use crate::backoff::Backoff;
use crate::protocol::event::{EventName, EventNotification, SubscribeEventsParams};
use crate::protocol::session::{GetOverviewParams, GetOverviewResponse};

/// How long a lost daemon is waited for.
pub const MAX_RECONNECT_TIME: Duration = Duration::from_secs(30);
/// First and longest wait between two tries.
const BACKOFF: Backoff = Backoff::new(Duration::from_millis(20), Duration::from_secs(1));

/// What comes next.
#[derive(Debug)]
pub enum Update {
    /// Something happened.
    Event(EventNotification),
    /// Events were missed and cannot be had again; this is how things are now,
    /// and what follows continues from it.
    Resync(Box<GetOverviewResponse>),
    /// The connection is lost; the next one is waited for when more is asked for. Told only to who
    /// asked for live events.
    Lost,
    /// The connection is a new one. Told only to who asked for live events, which are not stored
    /// and of which some may be missing; no stored one is.
    Reconnected,
}

/// A stream of events.
#[derive(Debug)]
pub struct Events {
    socket: PathBuf,
    params: SubscribeEventsParams,
    last: i64,
    line: Option<Line>,
}

/// A subscription and the connection that carries it, which would close if it were dropped.
#[derive(Debug)]
struct Line {
    _client: Client,
    subscription: Subscription<EventNotification>,
}

impl Events {
    /// Begins after `params.since`, or with what comes from now on.
    ///
    /// # Errors
    /// A [`ClientError`] when the daemon cannot be reached or refuses.
    pub async fn open(socket: &Path, params: SubscribeEventsParams) -> Result<Self, ClientError> {
        let client = Client::connect(socket).await?;
        let last = match params.since {
            Some(since) => since,
            // Without a number there would be nothing to continue from after a gap.
            None => overview(&client, Some(1)).await?.seq,
        };
        let mut events = Self {
            socket: socket.to_owned(),
            params,
            last,
            line: None,
        };
        events.subscribe(client).await?;
        Ok(events)
    }

    /// The number of the last event seen.
    #[must_use]
    pub fn last(&self) -> i64 {
        self.last
    }

    /// A new connection for calls in between, waited for as long as for events.
    ///
    /// # Errors
    /// A [`ClientError`] when the daemon has been gone for [`MAX_RECONNECT_TIME`].
    pub async fn reach(&self) -> Result<Client, ClientError> {
        self.connect().await
    }

    /// Waits for the next event. Dropping the future loses nothing.
    ///
    /// # Errors
    /// A [`ClientError`] when the daemon has been gone for [`MAX_RECONNECT_TIME`] or refuses.
    pub async fn next(&mut self) -> Result<Update, ClientError> {
        loop {
            let Some(line) = &mut self.line else {
                self.reconnect().await?;
                if self.params.live {
                    return Ok(Update::Reconnected);
                }
                continue;
            };
            match line.subscription.next().await {
                Some(Ok(event)) if event.name() == Some(EventName::Resync) => {
                    return self.resync().await;
                }
                Some(Ok(event)) => {
                    if self.is_new(&event) {
                        return Ok(Update::Event(event));
                    }
                }
                // A newer daemon's event of an unknown shape is not ours to understand.
                Some(Err(_)) => {}
                // Closed, or read too slowly for the buffer: either way from `last` on.
                None => {
                    self.line = None;
                    if self.params.live {
                        return Ok(Update::Lost);
                    }
                }
            }
        }
    }

    fn is_new(&mut self, event: &EventNotification) -> bool {
        // A live one repeats the number of a stored one, because it is not stored.
        if event.name().is_some_and(EventName::is_live_only) {
            return true;
        }
        if event.seq <= self.last {
            return false;
        }
        self.last = event.seq;
        true
    }

    async fn resync(&mut self) -> Result<Update, ClientError> {
        // A future dropped from here on leaves a state that reconnects, and is told again.
        self.line = None;
        let client = self.connect().await?;
        let now = overview(&client, None).await?;
        self.last = now.seq;
        Ok(Update::Resync(Box::new(now)))
    }

    async fn reconnect(&mut self) -> Result<(), ClientError> {
        let deadline = Instant::now() + MAX_RECONNECT_TIME;
        loop {
            let client = self.connect().await?;
            match self.subscribe(client).await {
                Err(error) if error.is_disconnect() && Instant::now() < deadline => {
                    tokio::time::sleep(BACKOFF.first).await;
                }
                settled => return settled,
            }
        }
    }

    async fn connect(&self) -> Result<Client, ClientError> {
        let deadline = Instant::now() + MAX_RECONNECT_TIME;
        let mut failures = 0;
        loop {
            match Client::connect(&self.socket).await {
                Err(error) if error.is_disconnect() && Instant::now() < deadline => {
                    failures += 1;
                    tokio::time::sleep(BACKOFF.after(failures)).await;
                }
                settled => return settled,
            }
        }
    }

    async fn subscribe(&mut self, client: Client) -> Result<(), ClientError> {
        let params = SubscribeEventsParams {
            since: Some(self.last),
            ..self.params.clone()
        };
        let subscription = client.subscribe(&params).await?;
        self.line = Some(Line {
            _client: client,
            subscription,
        });
        Ok(())
    }
}

async fn overview(client: &Client, limit: Option<u32>) -> Result<GetOverviewResponse, ClientError> {
    let params = GetOverviewParams {
        limit,
        ..GetOverviewParams::default()
    };
    client.get_overview(&params).await
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::panic,
        reason = "a test fails by panicking"
    )]
    use super::*;
    use crate::ipc::{self, Limits, Server};
    use crate::protocol::method;
    use jsonrpsee::{Extensions, RpcModule};
    use serde_json::{Value, json};
    use std::sync::{Arc, Mutex};
    use tokio::task::JoinHandle;
    use tokio_util::sync::CancellationToken;

    type Script = Vec<(i64, &'static str)>;

    /// What the daemons of a test play, a script a subscription, and from where each was asked.
    #[derive(Default)]
    struct Play {
        scripts: Mutex<Vec<Script>>,
        since: Mutex<Vec<i64>>,
    }

    struct Daemon {
        stop: CancellationToken,
        serving: JoinHandle<()>,
    }

    impl Daemon {
        fn start(socket: &Path, play: &Arc<Play>) -> Self {
            let listener = ipc::bind(socket).unwrap();
            let server = Server {
                methods: module(play).into(),
                limits: Limits::default(),
                takeover: None,
                on_accept: Arc::new(|_, _| ipc::Accepted {
                    extensions: Extensions::new(),
                    holder: ipc::Holder::User,
                }),
                on_socket_change: None,
            };
            let stop = CancellationToken::new();
            let serving = tokio::spawn(server.serve(listener, None, stop.clone()));
            Self { stop, serving }
        }

        async fn stop(self) {
            self.stop.cancel();
            self.serving.await.unwrap();
        }
    }

    fn module(play: &Arc<Play>) -> RpcModule<Play> {
        let mut module = RpcModule::from_arc(Arc::clone(play));
        module
            .register_method(method::GET_OVERVIEW, |_, _, _| {
                json!({"seq": 40, "sessions": [], "counts": {}, "archived": 0,
                    "pending_approvals": [], "pending_total": 0, "cost_last_day_usd": 0.0})
            })
            .unwrap();
        module
            .register_subscription(
                method::SUBSCRIBE_EVENTS,
                method::EVENT,
                method::UNSUBSCRIBE_EVENTS,
                |params, pending, play, _| async move {
                    let asked: Value = params.parse().unwrap();
                    let since = asked["since"].as_i64().unwrap();
                    play.since.lock().unwrap().push(since);
                    let script = play.scripts.lock().unwrap().remove(0);
                    let Ok(sink) = pending.accept().await else {
                        return;
                    };
                    for (seq, kind) in script {
                        let event = json!({"seq": seq, "type": kind,
                            "timestamp": "2026-01-01T00:00:00Z", "data": {}});
                        let event = serde_json::value::to_raw_value(&event).unwrap();
                        if sink.send(event).await.is_err() {
                            return;
                        }
                    }
                    sink.closed().await;
                },
            )
            .unwrap();
        module
    }

    async fn expect(events: &mut Events, seq: i64, kind: &str) {
        match events.next().await.unwrap() {
            Update::Event(event) => assert_eq!((event.seq, event.r#type.as_str()), (seq, kind)),
            Update::Resync(now) => panic!("a resync at {}", now.seq),
            Update::Lost | Update::Reconnected => panic!("told of the connection, unasked"),
        }
    }

    #[tokio::test]
    async fn each_event_comes_once_across_a_restart_and_a_gap_is_told() {
        const STORED: &str = "conversation_updated";
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("d.sock");
        let play = Arc::new(Play::default());
        *play.scripts.lock().unwrap() = vec![
            vec![
                (11, STORED),
                (11, STORED),
                (11, "message_delta"),
                (12, STORED),
            ],
            vec![(12, STORED), (13, STORED), (13, EventName::Resync.as_str())],
            vec![(40, STORED), (41, STORED)],
        ];
        let daemon = Daemon::start(&socket, &play);
        let params = SubscribeEventsParams {
            since: Some(10),
            ..SubscribeEventsParams::default()
        };
        let mut events = Events::open(&socket, params).await.unwrap();
        expect(&mut events, 11, STORED).await;
        expect(&mut events, 11, "message_delta").await;
        expect(&mut events, 12, STORED).await;

        daemon.stop().await;
        let _daemon = Daemon::start(&socket, &play);
        expect(&mut events, 13, STORED).await;
        let Update::Resync(now) = events.next().await.unwrap() else {
            panic!("no resync");
        };
        assert_eq!((now.seq, events.last()), (40, 40));
        expect(&mut events, 41, STORED).await;
        assert_eq!(*play.since.lock().unwrap(), [10, 12, 40]);
    }

    #[tokio::test]
    async fn without_a_number_it_begins_with_now() {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("d.sock");
        let play = Arc::new(Play::default());
        play.scripts
            .lock()
            .unwrap()
            .push(vec![(41, "new_approval")]);
        let _daemon = Daemon::start(&socket, &play);
        let mut events = Events::open(&socket, SubscribeEventsParams::default())
            .await
            .unwrap();
        expect(&mut events, 41, "new_approval").await;
        assert_eq!(*play.since.lock().unwrap(), [40]);
    }
}
