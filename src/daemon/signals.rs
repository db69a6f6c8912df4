//! The signals that a daemon listens for, and whose word it stops at.

use std::time::{Duration, Instant};

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::Daemon;
use super::callers::AlarmKind;
use super::error::{DaemonError, system};
use crate::platform;
use crate::platform::sender::Sender;

/// How long a further refusal to stop is not told of.
const REFUSED_AGAIN: Duration = Duration::from_secs(1);

/// The signals. From the moment of listening on they do not kill it, so
/// that is before anybody can connect.
pub struct Signals {
    term: Signal,
    int: Signal,
    /// A terminal that closes is no reason to stop.
    _hangup: Signal,
    /// A limit on the size of files is then an error of the write that met it, like a full disk,
    /// and not the daemon's death.
    _over_size: Signal,
}

impl Signals {
    pub fn listen() -> Result<Self, DaemonError> {
        let listen = |kind| signal(kind).map_err(|error| system("listen for signals")(&error));
        platform::sender::watch().map_err(|error| system("note who sends signals")(&error))?;
        Ok(Self {
            term: listen(SignalKind::terminate())?,
            int: listen(SignalKind::interrupt())?,
            _hangup: listen(SignalKind::hangup())?,
            _over_size: listen(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()))?,
        })
    }

    /// Waits until the daemon is told to stop, by somebody who may. An agent's processes can kill it, after which
    /// another one takes its place; they cannot have it stopped. Whether a sender that has gone, or that did not say
    /// who it is, was one of theirs is not known, so that is no stop either, while there are agents.
    pub async fn stop(&mut self, daemon: &Daemon) {
        let mut refused = None;
        loop {
            tokio::select! {
                _ = self.term.recv() => {}
                _ = self.int.recv() => {}
            }
            let callers = daemon.callers();
            for sender in platform::sender::taken() {
                let detail = match sender {
                    Sender::Outside => return,
                    Sender::Process(pid) => {
                        let origin = callers.identify(pid);
                        if origin.is_agent() {
                            tracing::debug!(?origin, "an agent told the daemon to stop");
                            format!(
                                "an agent told the daemon to stop, which it did not: {}",
                                platform::describe_process(pid)
                            )
                        } else if platform::process_start_time(pid).is_some()
                            || callers.watched().is_empty()
                        {
                            return;
                        } else {
                            format!(
                                "process {pid} told the daemon to stop and was gone when that was looked at. It may have been an agent's, so the daemon did not; `humanlayer daemon stop` stops it"
                            )
                        }
                    }
                    Sender::Unknown if callers.watched().is_empty() => return,
                    Sender::Unknown => "a process that did not say who it is told the daemon to stop. It may have been an agent's, so the daemon did not; `humanlayer daemon stop` stops it".to_owned(),
                };
                // Who sends it again and again does not keep anybody busy by that.
                if refused.is_none_or(|at: Instant| at.elapsed() >= REFUSED_AGAIN) {
                    refuse_to_stop(daemon, detail).await;
                    refused = Some(Instant::now());
                }
            }
        }
    }
}

/// Records that the daemon was told to stop, by who may not.
async fn refuse_to_stop(daemon: &Daemon, detail: String) {
    tracing::error!(detail);
    let kind = AlarmKind::DaemonSignalled;
    if let Err(error) = daemon.store.raise_about_daemon(kind, detail).await {
        tracing::warn!(%error, "cannot record that an agent told the daemon to stop");
    }
}
