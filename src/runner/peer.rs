//! Whom the runner listens to: the daemon, and nobody else.
//!
//! Whoever can write to the runner's socket answers for a person. So who connects must hold the daemon's
//! lock, as the kernel knows it, and must not be below a runner, which holds for everything that an
//! agent starts.

use std::os::fd::AsFd;
use std::path::Path;

use crate::platform::{self, ProcessHandle};

/// The hidden subcommand that is a runner, followed by its directory.
pub const SUBCOMMAND: &str = platform::RUNNER;

/// Whether who connected a socket may speak to the runner. Without a lock only an agent is refused.
pub(super) fn may_speak(socket: impl AsFd, daemon_lock: Option<&Path>) -> bool {
    let handle = match ProcessHandle::of_peer(socket.as_fd()) {
        Ok(handle) => handle,
        // It is gone already.
        Err(_) => return false,
    };
    let Some(pid) = platform::peer_pid(socket.as_fd()) else {
        return !cfg!(target_os = "linux");
    };
    let Ok(steps) = platform::walk(pid) else {
        return false;
    };
    let below_a_runner = steps
        .iter()
        .any(|step| step.pid == std::process::id() || step.runner_directory().is_some());
    let holds_the_lock = daemon_lock.is_none_or(|lock| platform::lock_holders(lock).contains(&pid));
    let is_itself = handle.as_ref().is_none_or(ProcessHandle::is_alive);
    !below_a_runner && holds_the_lock && is_itself
}
