//! Methods that take a whole connection over.
//!
//! Some clients expect one call after which the connection belongs to its
//! answers alone. Such a call is a [`Takeover`]: from then on the server only
//! watches for the client's leaving. What the lines say is the takeover's
//! business.

use futures_util::future::BoxFuture;
use jsonrpsee::Extensions;
use serde_json::value::RawValue;
use tokio::sync::mpsc;

/// One method that answers with a stream of lines instead of one answer.
pub trait Takeover: Send + Sync + 'static {
    /// The method's name on the wire.
    fn method(&self) -> &str;

    /// Sends lines until it has no more, or until it is dropped because the
    /// client left or the server stops. When it returns, the lines already
    /// sent are written and the connection is closed.
    ///
    /// Subscriptions that the connection held are ended before this starts,
    /// and whatever the client sends from then on is read and ignored.
    fn run(&self, request: TakeoverRequest, lines: LineSender) -> BoxFuture<'static, ()>;
}

/// The call that took the connection over.
#[derive(Debug)]
pub struct TakeoverRequest {
    /// The request's id as it was written; `null` when it had none.
    pub id: Box<RawValue>,
    /// The request's params, unless absent or null.
    pub params: Option<Box<RawValue>>,
    /// What the server knows of the connection.
    pub extensions: Extensions,
}

/// The connection has gone; nothing more can be sent to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("sending a line: the client has left")]
pub struct ClientGone;

/// The sending end of a connection that was taken over.
#[derive(Debug, Clone)]
pub struct LineSender {
    queue: mpsc::Sender<Box<RawValue>>,
}

impl LineSender {
    pub(super) fn new(queue: mpsc::Sender<Box<RawValue>>) -> Self {
        Self { queue }
    }

    /// Queues one line; waits while the queue ([`Limits::outgoing`]) is full,
    /// that is while the client does not read.
    ///
    /// # Errors
    /// [`ClientGone`] once the connection is closed.
    ///
    /// [`Limits::outgoing`]: super::Limits::outgoing
    pub async fn send(&self, line: Box<RawValue>) -> Result<(), ClientGone> {
        self.queue.send(line).await.map_err(|_| ClientGone)
    }
}
