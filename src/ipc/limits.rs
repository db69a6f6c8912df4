//! Every bound of the socket layer, in one place.
//!
//! The server takes a [`Limits`]; the client uses the same defaults for what
//! it sends and accepts. What happens at each bound is said at the bound.

use std::time::Duration;

/// Longest request line in bytes, its newline not counted (16 MiB).
pub const REQUEST_BYTES: usize = 16 * 1024 * 1024;
/// Longest answer in bytes (64 MiB).
pub const RESPONSE_BYTES: usize = 64 * 1024 * 1024;
/// Subscriptions that one connection may hold at once.
pub const SUBSCRIPTIONS: u32 = 64;
/// Requests in one batch.
pub const BATCH: usize = 100;
/// Connections served at once.
pub const CONNECTIONS: usize = 1024;
/// How many of them only the user may have.
pub const KEPT_FOR_USER: usize = 256;
/// Connections of one other holder, such as the programs of one session.
pub const CONNECTIONS_PER_HOLDER: usize = 64;
/// Notifications that wait for one connection's socket.
pub const OUTGOING: usize = 32;
/// The same for a connection that is not the user's.
pub const OUTGOING_OF_OTHERS: usize = 4;
/// Subscriptions that a connection may hold that is not the user's.
pub const SUBSCRIPTIONS_OF_OTHERS: u32 = 8;
/// Bytes of requests and answers under way of one other holder (64 MiB).
pub const HELD_PER_HOLDER: usize = 64 * 1024 * 1024;
/// Those of all holders but the user together (256 MiB).
pub const HELD_BY_OTHERS: usize = 256 * 1024 * 1024;
/// How long a line may take; the longest one takes at most twice as long.
pub const LINE: Duration = Duration::from_secs(30);
/// How long a stopping server waits for the calls that run.
pub const DRAIN: Duration = Duration::from_secs(5);

/// The bounds that a server holds its clients to.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of one request line. A longer one is answered with `too_large`,
    /// its bytes are dropped as they come, and the next line is served.
    pub request: usize,
    /// Bytes of one answer. A longer one becomes a `too_large` error; a longer
    /// notification ends the connection, as leaving it out would go unnoticed.
    pub response: usize,
    /// Live subscriptions of one connection; one more is refused.
    pub subscriptions: u32,
    /// Requests in a batch; a longer batch is refused whole.
    pub batch: usize,
    /// Connections at once; one more gets a single error line and is closed.
    pub connections: usize,
    /// How many of the connections nobody but the user may have.
    pub kept_for_user: usize,
    /// Connections at once of one holder that is not the user; one more is refused as above.
    pub connections_per_holder: usize,
    /// Bytes of one holder that is not the user, over all its connections, of lines that were begun, of requests that
    /// are being answered, and of answers that are not read yet, beyond the few that each connection may have. A
    /// connection that would hold more is told so and closed.
    pub held_per_holder: usize,
    /// The same of all holders but the user together. One that would hold more has the connection closed that holds the
    /// most of the holder with the most, if that is another one.
    pub held_by_others: usize,
    /// Notifications queued for one connection. When the queue is full, the
    /// subscription's `send` waits, so its publisher decides what a slow
    /// reader means. Unsent at worst: this many notifications, one more in
    /// each waiting subscription, and one answer.
    pub outgoing: usize,
    /// How long a line may take from its first byte; then its connection ends. One that is nearly as long as may be gets
    /// up to twice as long, by what has come of it. Between lines a connection may rest as long as it likes.
    pub line: Duration,
    /// How long shutdown waits for running calls before it cuts them off.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request: REQUEST_BYTES,
            response: RESPONSE_BYTES,
            subscriptions: SUBSCRIPTIONS,
            batch: BATCH,
            connections: CONNECTIONS,
            kept_for_user: KEPT_FOR_USER,
            connections_per_holder: CONNECTIONS_PER_HOLDER,
            held_per_holder: HELD_PER_HOLDER,
            held_by_others: HELD_BY_OTHERS,
            outgoing: OUTGOING,
            line: LINE,
            drain: DRAIN,
        }
    }
}

/// How long a refused client may take to read why.
pub(super) const REFUSAL: Duration = Duration::from_secs(1);
