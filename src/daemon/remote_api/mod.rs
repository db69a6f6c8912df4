//! The remote HumanLayer API: what programs ask there comes into the inbox, and is answered there.
//!
//! Runs only with an API key. A poller for each kind of request (`poll`) lists what is pending,
//! records what is new, and settles here what was settled there; it settles nothing by the mere
//! absence from a list, but asks about each request by its name. A worker (`answer`) brings the
//! answers of the store's outbox to the API. Each fails, waits and goes on by itself;
//! how they are is in `status`, for `health`.
//!
//! HTTP is the business of [`crate::remote_api`]. Nothing here decides anything: what a poll finds are facts, which the
//! store records under its own rules. Started and stopped by the daemon's `lifecycle`.

mod answer;
mod convert;
mod listing;
mod poll;
mod status;

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub use status::Status;

use super::bus::Bus;
use super::session::Sessions;
use super::store::Store;
use crate::remote_api::client::Api;
use crate::remote_api::types::RequestKind;

/// Where the API is, and how it is used.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its address.
    pub base_url: String,
    /// The key for it.
    pub key: SecretString,
    /// The pause between two polls while something is going on.
    pub every: Duration,
}

/// The tasks that work with the API.
pub struct RemoteApi {
    status: Arc<Status>,
    tasks: Vec<JoinHandle<()>>,
}

impl RemoteApi {
    /// How they are.
    #[must_use]
    pub fn status(&self) -> Arc<Status> {
        Arc::clone(&self.status)
    }

    /// Waits until all have ended, after `stop` was cancelled. An answer that is on its way has
    /// some seconds to arrive (`answer::DRAIN`); the next daemon looks what became of it.
    pub async fn ended(self) {
        for task in self.tasks {
            let _ = task.await;
        }
    }
}

/// Starts to work with the API. A setting that makes no sense is no reason for a daemon not to
/// start: it is shown in the status instead.
pub fn start(
    settings: Settings,
    store: &Store,
    bus: &Arc<Bus>,
    sessions: &Sessions,
    stop: &CancellationToken,
) -> RemoteApi {
    let api = match Api::new(&settings.base_url, settings.key) {
        Ok(api) => Arc::new(api),
        Err(error) => {
            tracing::error!(%error, "the remote API is not used");
            let status = Arc::new(Status::of_no_api(error.to_string()));
            return RemoteApi {
                status,
                tasks: Vec::new(),
            };
        }
    };
    if api.is_in_the_clear() {
        tracing::warn!(
            place = api.place(),
            "the API key crosses the network unencrypted: use https, or a tunnel to a loopback address"
        );
    }
    tracing::info!(place = api.place(), every = ?settings.every, "working with a remote API");
    let status = Arc::new(Status::of(api.place()));
    let mut tasks: Vec<_> = [RequestKind::FunctionCall, RequestKind::HumanContact]
        .into_iter()
        .map(|kind| {
            let poller = poll::Poller {
                api: Arc::clone(&api),
                store: store.clone(),
                sessions: sessions.clone(),
                status: Arc::clone(&status),
                kind,
                every: settings.every,
            };
            tokio::spawn(poller.run(stop.clone()))
        })
        .collect();
    let worker = answer::Worker::new(&api, store, &status);
    tasks.push(tokio::spawn(worker.run(Arc::clone(bus), stop.clone())));
    RemoteApi { status, tasks }
}
