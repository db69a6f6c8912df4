//! How many files this process may have open, and what of that is kept for clients.
//!
//! Every session's process takes some, every connection too. Were sessions to take all, nobody could get in to
//! end one. So a part is kept ([`kept`]), launches are refused before it is touched, and the bounds of
//! connections are made to fit into it.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::ipc::Limits;
use crate::platform;

/// Files that the process of a session takes in this one: its journal, the socket of its runner, and what is
/// open for a moment while it starts.
const OF_A_PROCESS: u64 = 4;

/// Files that a connection takes: its own, and what proves who is at its other end.
const OF_A_CONNECTION: u64 = 2;

/// Least and most that is kept for clients.
const KEPT: (u64, u64) = (48, 2 * crate::ipc::limits::CONNECTIONS as u64 + 256);

/// How long a process that is started may take until its files are open.
const STARTS: Duration = Duration::from_secs(5);

/// How many files are open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenFiles {
    /// How many.
    pub used: u64,
    /// How many may be.
    pub limit: u64,
}

impl OpenFiles {
    /// How it is now; none where the system does not tell.
    #[must_use]
    pub fn now() -> Option<Self> {
        platform::open_files().map(|(used, limit)| Self { used, limit })
    }

    /// For how many further processes there is room.
    #[must_use]
    pub fn room(self) -> u64 {
        (self.limit.saturating_sub(kept(self.limit))).saturating_sub(self.used) / OF_A_PROCESS
    }
}

/// How many of so many files are kept for clients.
#[must_use]
pub fn kept(limit: u64) -> u64 {
    (limit / 4).clamp(KEPT.0, KEPT.1)
}

/// The bounds of connections that fit into what is kept.
#[must_use]
pub fn fitting(limits: Limits, files: Option<OpenFiles>) -> Limits {
    let Some(files) = files else {
        return limits;
    };
    let fit = usize::try_from(kept(files.limit) / OF_A_CONNECTION).unwrap_or(usize::MAX);
    let connections = limits.connections.min(fit);
    Limits {
        connections,
        kept_for_user: limits.kept_for_user.min(connections / 2),
        connections_per_holder: limits.connections_per_holder.min(connections / 4),
        ..limits
    }
}

/// Processes that are being started, whose files are not open yet.
#[derive(Default)]
pub struct Starts(Mutex<VecDeque<Instant>>);

impl Starts {
    /// Counts one more, if there is room for it; else says how it is.
    ///
    /// # Errors
    /// There is no room.
    pub fn one_more(&self) -> Result<(), OpenFiles> {
        let now = Instant::now();
        let mut starts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while starts
            .front()
            .is_some_and(|at| now.duration_since(*at) > STARTS)
        {
            starts.pop_front();
        }
        if let Some(files) = OpenFiles::now()
            && files.room() <= starts.len() as u64
        {
            return Err(files);
        }
        starts.push_back(now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_never_take_what_is_kept_for_clients() {
        for (limit, used, room) in [
            (256, 30, 40),
            (256, 189, 0),
            (256, 192, 0),
            (256, 250, 0),
            (64, 20, 0),
            (1_024, 24, 186),
            (4_096, 24, 762),
            (1_048_576, 24, 261_562),
            (u64::MAX, 24, (u64::MAX - 2_304 - 24) / 4),
        ] {
            assert_eq!(OpenFiles { used, limit }.room(), room, "{used} of {limit}");
        }
    }

    #[test]
    fn connections_fit_into_what_is_kept() {
        let fit = |limit| {
            let files = OpenFiles { used: 20, limit };
            let limits = fitting(Limits::default(), Some(files));
            (
                limits.connections,
                limits.kept_for_user,
                limits.connections_per_holder,
            )
        };
        assert_eq!(fit(256), (32, 16, 8));
        assert_eq!(fit(4_096), (512, 256, 64));
        assert_eq!(fit(1_048_576), (1_024, 256, 64));
    }
}
