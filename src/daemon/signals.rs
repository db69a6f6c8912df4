//! The signals that a daemon listens for, and whose word it stops at.

use std::time::{Duration, Instant};

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::Daemon;
use super::callers::AlarmKind;
use super::lifecycle::{DaemonError, system};
use crate::domain::Origin;
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
    /// another one takes its place; they cannot have it stopped. Whether a sender that has gone was one is not
    /// known, so that is no stop either, while there are agents. The error is how this daemon ends then.
    pub async fn stop(&mut self, daemon: &Daemon) -> Result<(), DaemonError> {
        let mut refused = None;
        loop {
            tokio::select! {
                _ = self.term.recv() => {}
                _ = self.int.recv() => {}
            }
            let callers = daemon.callers();
            let mut is_by_nobody = false;
            for sender in platform::sender::taken() {
                let pid = match sender {
                    Sender::Process(pid) => pid,
                    Sender::Outside => return Ok(()),
                    Sender::Unknown => {
                        is_by_nobody = true;
                        continue;
                    }
                };
                let origin = callers.identify(pid);
                if origin.is_agent() {
                    // Who sends it again and again does not keep anybody busy by that.
                    if refused.is_none_or(|at: Instant| at.elapsed() >= REFUSED_AGAIN) {
                        refuse_to_stop(daemon, pid, &origin).await;
                        refused = Some(Instant::now());
                    }
                } else if platform::process_start_time(pid).is_some() {
                    return Ok(());
                } else {
                    is_by_nobody = true;
                }
            }
            match is_by_nobody {
                true if callers.watched().is_empty() => return Ok(()),
                true => return Err(DaemonError::ToldByNobody),
                false => {}
            }
        }
    }
}

/// Records that an agent told the daemon to stop.
async fn refuse_to_stop(daemon: &Daemon, sender: u32, origin: &Origin) {
    let detail = format!(
        "an agent told the daemon to stop, which it did not: {}",
        platform::describe_process(sender)
    );
    tracing::error!(?origin, detail);
    let kind = AlarmKind::DaemonSignalled;
    if let Err(error) = daemon.store.raise_about_daemon(kind, detail).await {
        tracing::warn!(%error, "cannot record that an agent told the daemon to stop");
    }
}
