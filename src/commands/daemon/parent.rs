//! The daemon's parent: a process that starts another daemon when the last one died, and does nothing else.
//!
//! It is the process that went into the background; the daemon is its child. It has no thread, no runtime
//! and no database, and holds no lock. It ends with a daemon that was stopped, with one that never came
//! up, and when somebody else has started one. Killed itself, it leaves the daemon as it is.

use std::io;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, kill_process, waitpid};

use crate::backoff::Backoff;
use crate::client::life::{self, Life};
use crate::client::spawn::same_place;
use crate::config::Config;
use crate::platform;

/// The pauses before another daemon is started.
const PAUSES: Backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(30));

/// After a daemon that lived this long the pauses begin anew.
const GOOD_LIFE: Duration = Duration::from_secs(60);

/// When to start another daemon.
#[derive(Debug, Default)]
struct Restarts {
    /// Deaths in a row, each soon after the start.
    deaths: u32,
}

impl Restarts {
    /// After a daemon that lived so long: how long to wait. Whoever kills daemons in a row is not obeyed by giving up.
    fn after(&mut self, lived: Duration) -> Duration {
        if lived >= GOOD_LIFE {
            self.deaths = 0;
        }
        self.deaths = self.deaths.saturating_add(1);
        PAUSES.after(self.deaths)
    }
}

/// Waits for a daemon, a child of this process, and starts further ones as long as they die.
pub fn watch(first: u32, config: &Config) {
    // Its environment is the daemon's.
    let _ = platform::hide_from_others();
    let mut restarts = Restarts::default();
    let mut child = first;
    loop {
        let begun = Instant::now();
        let Some(status) = wait(child) else {
            return;
        };
        if !died(&status, config) {
            return;
        }
        std::thread::sleep(restarts.after(begun.elapsed()));
        // Whoever needed one may have been faster, or nobody wants one any more.
        let socket = &config.daemon_socket.value;
        if !matches!(life::look(socket), Ok(Life::Free)) || life::was_stopped(socket) {
            return;
        }
        match start(config) {
            Ok(pid) => child = pid,
            Err(_) => return,
        }
    }
}

/// Whether a daemon that ended did not mean to.
fn died(status: &WaitStatus, config: &Config) -> bool {
    let socket = &config.daemon_socket.value;
    if status.exit_status() == Some(0) || life::was_stopped(socket) {
        return false;
    }
    // Killed, whatever became of its lock; or it gave up, having come up before.
    status.signaled() || life::has_died(socket)
}

fn wait(child: u32) -> Option<WaitStatus> {
    let pid = Pid::from_raw(i32::try_from(child).ok()?)?;
    loop {
        match waitpid(Some(pid), WaitOptions::UNTRACED) {
            // Whoever stops it wants nobody to be answered, or something not to be seen.
            Ok(Some((_, status))) if status.stopped() => {
                let _ = kill_process(pid, Signal::CONT);
            }
            Ok(Some((_, status))) => return Some(status),
            Ok(None) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return None,
        }
    }
}

/// Starts the daemon that is installed, for the same socket and the same database.
fn start(config: &Config) -> io::Result<u32> {
    Command::new(platform::installed_program()?)
        .args(same_place(config))
        .env("HUMANLAYER_DATABASE_PATH", &config.database_path.value)
        .args(["daemon", "start", "--restarted-child"])
        .spawn()
        .map(|child| child.id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_restart_is_at_once_and_the_pauses_grow_to_a_bound_and_never_end() {
        let mut restarts = Restarts::default();
        let short = Duration::from_millis(10);
        assert_eq!(restarts.after(short), PAUSES.first);
        assert_eq!(restarts.after(short), PAUSES.first * 2);
        let pauses: Vec<_> = (0..1_000).map(|_| restarts.after(short)).collect();
        assert!(pauses.is_sorted());
        assert_eq!(pauses.last(), Some(&PAUSES.cap));
        assert_eq!(
            restarts.after(GOOD_LIFE),
            PAUSES.first,
            "one that lived begins anew"
        );
    }
}
