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
use crate::protocol::event::{EventNotification, RESYNC, SubscribeEventsParams};
use crate::protocol::session::{GetOverviewParams, GetOverviewResponse};

/// How long a lost daemon is waited for.
pub const RECONNECT_LIMIT: Duration = Duration::from_secs(30);
/// First and longest wait between two tries.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));
/// Events that repeat a stored one's number because they are not stored.
const LIVE: [&str; 2] = ["session_updated", "message_delta"];

/// What comes next.
#[derive(Debug)]
pub enum Update {
    /// Something happened.
    Event(EventNotification),
    /// Events were missed and cannot be had again; this is how things are now,
    /// and what follows continues from it.
    Resync(Box<GetOverviewResponse>),
}

/// A stream of events.
#[derive(Debug)]
pub struct Events {
    socket: PathBuf,
    params: SubscribeEventsParams,
    last: i64,
    line: Option<Line>,
}

/// A subscription and the connection that carries it.
#[derive(Debug)]
struct Line {
    client: Client,
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

    /// The connection that carries the events, for calls in between; none while it is lost.
    #[must_use]
    pub fn client(&self) -> Option<&Client> {
        self.line.as_ref().map(|line| &line.client)
    }

    /// Waits for the next event. Dropping the future loses nothing.
    ///
    /// # Errors
    /// A [`ClientError`] when the daemon has been gone for [`RECONNECT_LIMIT`] or refuses.
    pub async fn next(&mut self) -> Result<Update, ClientError> {
        loop {
            let Some(line) = &mut self.line else {
                self.reconnect().await?;
                continue;
            };
            match line.subscription.next().await {
                Some(Ok(event)) if event.r#type == RESYNC => return self.resync().await,
                Some(Ok(event)) => {
                    if self.is_new(&event) {
                        return Ok(Update::Event(event));
                    }
                }
                // A newer daemon's event of an unknown shape is not ours to understand.
                Some(Err(_)) => {}
                // Closed, or read too slowly for the buffer: either way from `last` on.
                None => self.line = None,
            }
        }
    }

    fn is_new(&mut self, event: &EventNotification) -> bool {
        if LIVE.contains(&event.r#type.as_str()) {
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
        let deadline = Instant::now() + RECONNECT_LIMIT;
        loop {
            let client = self.connect().await?;
            match self.subscribe(client).await {
                Err(error) if error.is_disconnect() && Instant::now() < deadline => {
                    tokio::time::sleep(BACKOFF.0).await;
                }
                settled => return settled,
            }
        }
    }

    async fn connect(&self) -> Result<Client, ClientError> {
        let deadline = Instant::now() + RECONNECT_LIMIT;
        let mut pause = BACKOFF.0;
        loop {
            match Client::connect(&self.socket).await {
                Err(error) if error.is_disconnect() && Instant::now() < deadline => {
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(BACKOFF.1);
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
            client,
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
