//! The local HumanLayer API: programs that use a HumanLayer SDK get their approvals into the inbox.
//!
//! HTTP on loopback, the calls and shapes of the HumanLayer API v1, below [`PREFIX`]. A request comes
//! in through `server` (connections and their bounds), passes `gate` (Host, key, rate), is read and
//! checked by a handler (`calls` for who asks, `agent` for who answers) and ends in the store. Who
//! waits with `?wait=` is woken by the bus's waiters.
//!
//! It runs on a thread and a runtime of its own and takes at most [`READS`] reads and [`WRITES`]
//! writes of the store at once, so however busy it is, the sessions and the socket are not. Nobody is
//! asked by mail or chat here: what a program asks waits in the inbox.

mod admission;
mod agent;
mod calls;
mod error;
mod gate;
mod host;
mod incoming;
mod intake;
mod keys;
mod limits;
mod model;
mod peer;
mod router;
mod server;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

pub use keys::{KeyRing, new_key};
pub use server::serve;

use self::error::ApiError;
use super::bus::Bus;
use super::callers::Callers;
use super::session::Sessions;
use super::store::{PendingBounds, Store, StoreError};
use super::waiters::Waiters;
use crate::config::Port;

/// Where the API begins.
pub const PREFIX: &str = "/humanlayer/v1";

/// Reads of the store at once.
pub const READS: usize = 4;

/// Writes of the store at once.
pub const WRITES: usize = 16;

/// Longest body of a request, in bytes.
pub const MAX_BODY: usize = 1024 * 1024;

/// How much may be pending: 429 beyond the first bound, 503 beyond the second.
pub const PENDING: PendingBounds = PendingBounds {
    per_asker: 1_000,
    in_all: 5_000,
    bytes_per_asker: 64 * 1024 * 1024,
    bytes_in_all: 256 * 1024 * 1024,
};

/// Where to serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpOptions {
    /// An address, or a name of one.
    pub host: String,
    /// The port.
    pub port: Port,
    /// Whether an address other than loopback is meant.
    pub allow_remote: bool,
}

/// How the API fares, for `health`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpStatus {
    /// Where it is served.
    pub address: Option<SocketAddr>,
    /// Why it is not.
    pub problem: Option<String>,
}

/// What the rest of the daemon sees of the API.
#[derive(Debug, Default)]
pub struct Http {
    status: Mutex<HttpStatus>,
}

impl Http {
    /// How the API fares.
    #[must_use]
    pub fn status(&self) -> HttpStatus {
        self.lock().clone()
    }

    fn set(&self, status: HttpStatus) {
        *self.lock() = status;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HttpStatus> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the handlers work with.
pub struct Api {
    store: Store,
    sessions: Sessions,
    keys: Arc<KeyRing>,
    waiters: Waiters,
    rates: limits::Rates,
    hosts: host::Hosts,
    reads: Semaphore,
    writes: Semaphore,
    looks: Semaphore,
    stop: CancellationToken,
}

impl Api {
    fn new(
        store: Store,
        bus: &Bus,
        sessions: Sessions,
        keys: Arc<KeyRing>,
        hosts: host::Hosts,
        stop: CancellationToken,
    ) -> Self {
        Self {
            store,
            sessions,
            keys,
            waiters: bus.waiters().clone(),
            rates: limits::Rates::default(),
            hosts,
            reads: Semaphore::new(READS),
            writes: Semaphore::new(WRITES),
            looks: Semaphore::new(1),
            stop,
        }
    }

    /// Looks who is at the other end of a connection, one look at a time.
    async fn look(
        self: &Arc<Self>,
        look: impl FnOnce(&Callers) -> Result<(), ApiError> + Send + 'static,
    ) -> Result<(), ApiError> {
        let _turn = self.looks.acquire().await.map_err(|_| StoreError::Closed)?;
        let api = Arc::clone(self);
        tokio::task::spawn_blocking(move || look(&api.sessions.context().callers))
            .await
            .map_err(|_| ApiError::forbidden("who calls could not be looked at"))?
    }
}
