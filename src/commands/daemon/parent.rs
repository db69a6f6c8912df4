//! The daemon's parent: a process that starts another daemon when the last one died, and does nothing else.
//!
//! It is the process that went into the background; the daemon is its child. It has no thread, no runtime
//! and no database, and holds no lock. It ends with a daemon that was stopped, with one that never came
//! up, and when somebody else has started one. Killed itself, it leaves the daemon as it is.

use std::io;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::{Pid, WaitOptions, WaitStatus, waitpid};

use crate::client::life::{self, Life};
use crate::client::spawn::same_place;
use crate::config::Config;
use crate::platform;

/// First and longest pause before another daemon is started.
const PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(30));

/// A daemon that lived this long did come up.
const GOOD_LIFE: Duration = Duration::from_secs(60);

/// Daemons in a row that may die sooner, before none is started any more.
const MOST_SHORT_LIVES: u32 = 10;

/// When to start another daemon.
#[derive(Debug)]
struct Restarts {
    short_lives: u32,
    pause: Duration,
}

impl Default for Restarts {
    fn default() -> Self {
        Self {
            short_lives: 0,
            pause: PAUSE.0,
        }
    }
}

impl Restarts {
    /// After a daemon that lived so long: how long to wait; none when no other one is started.
    fn after(&mut self, lived: Duration) -> Option<Duration> {
        if lived >= GOOD_LIFE {
            *self = Self::default();
        }
        self.short_lives += 1;
        let pause = self.pause;
        self.pause = (self.pause * 2).min(PAUSE.1);
        (self.short_lives <= MOST_SHORT_LIVES).then_some(pause)
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
        let Some(pause) = restarts.after(begun.elapsed()) else {
            return;
        };
        std::thread::sleep(pause);
        // A dashboard may have been faster.
        if !matches!(life::look(&config.daemon_socket.value), Ok(Life::Free)) {
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
        match waitpid(Some(pid), WaitOptions::empty()) {
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
    fn the_first_restart_is_at_once_and_those_of_a_daemon_that_never_comes_up_end() {
        let mut restarts = Restarts::default();
        let short = Duration::from_millis(10);
        assert_eq!(restarts.after(short), Some(PAUSE.0));
        assert_eq!(restarts.after(short), Some(PAUSE.0 * 2));
        let rest: Vec<_> = (2..MOST_SHORT_LIVES)
            .map(|_| restarts.after(short))
            .collect();
        assert!(rest.iter().all(Option::is_some));
        assert_eq!(restarts.after(short), None);
        assert_eq!(
            restarts.after(GOOD_LIFE),
            Some(PAUSE.0),
            "one that lived begins anew"
        );
    }
}
