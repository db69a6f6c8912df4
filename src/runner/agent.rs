//! The agent's process, its process group, and everything it leaves behind.
//!
//! Owns spawning, signalling, waiting and reaping. Must not decide when to end
//! anything; that is `terminate` and `start`. A signal never reaches a stranger
//! that got the agent's old number: the agent is reaped last, and signals to
//! its group stop before.

use std::io;
use std::os::unix::net::UnixStream;
use std::process::{ChildStderr, Command};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::retry_on_intr;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, WaitOptions, WaitStatus, kill_process, kill_process_group,
    wait, waitid, waitpid,
};

use super::{LEFTOVER_KILL_WAIT, lock, spawn_thread};
use crate::platform;

/// How often leftovers are looked for while they get time to end.
const LEFTOVER_POLL: Duration = Duration::from_millis(20);

/// How long it is looked often for what cannot be killed, before that is done again.
const OUTLAST_ROUND: Duration = Duration::from_secs(1);

/// How long an agent may take to stop, and how often it is looked whether it has.
const STOP_WAIT: Duration = Duration::from_millis(500);
const STOP_POLL: Duration = Duration::from_millis(2);

/// How the agent ended.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ending {
    pub(super) code: Option<i32>,
    pub(super) signal: Option<i32>,
}

impl From<WaitStatus> for Ending {
    fn from(status: WaitStatus) -> Self {
        Self {
            code: status.exit_status(),
            signal: status.terminating_signal(),
        }
    }
}

/// A spawned agent, which leads a process group named like its pid.
pub(super) struct Agent {
    pid: Pid,
    /// Set in the moment its number is given back to the system.
    reaped: Mutex<Option<Ending>>,
    /// Set while it is to stay stopped.
    held: AtomicBool,
}

/// Our ends of what the agent reads and writes.
pub(super) struct Pipes {
    pub(super) stdin: UnixStream,
    pub(super) stdout: UnixStream,
    pub(super) stderr: ChildStderr,
}

impl Agent {
    /// Starts the command, whose stdin and stdout are the other ends of these and whose stderr must be a
    /// pipe, to die with the calling thread.
    pub(super) fn spawn(
        command: &mut Command,
        stdin: UnixStream,
        stdout: UnixStream,
    ) -> io::Result<(Self, Pipes)> {
        platform::spawn_in_new_group_dying_with_parent(command);
        let mut child = command.spawn()?;
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        match (pid, child.stderr.take()) {
            (Some(pid), Some(stderr)) => {
                let reaped = Mutex::new(None);
                let agent = Self {
                    pid,
                    reaped,
                    held: AtomicBool::new(false),
                };
                let pipes = Pipes {
                    stdin,
                    stdout,
                    stderr,
                };
                Ok((agent, pipes))
            }
            _ => {
                let _ = child.kill();
                Err(io::Error::other("the agent has no pipes"))
            }
        }
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().cast_unsigned()
    }

    /// Signals the agent's process group, if the agent is still ours to name.
    pub(super) fn signal_group(&self, signal: Signal) {
        let reaped = lock(&self.reaped);
        if reaped.is_none() {
            // It fails only if the whole group is gone.
            let _ = kill_process_group(self.pid, signal);
        }
    }

    /// Stops the agent where it is. Any program of this user could let it go on by a signal, so whoever does has it
    /// killed: it has something that a person has not agreed to.
    pub(super) fn hold(self: &Arc<Self>) {
        let was_held = self.held.swap(true, Ordering::AcqRel);
        self.signal_group(Signal::STOP);
        if was_held {
            return;
        }
        let agent = Arc::clone(self);
        if spawn_thread("held", move || agent.kill_if_continued()).is_err() {
            self.signal_all(Signal::KILL);
        }
    }

    /// Lets it go on.
    pub(super) fn let_go_on(&self) {
        self.held.store(false, Ordering::Release);
        self.signal_group(Signal::CONT);
    }

    pub(super) fn is_held(&self) -> bool {
        self.held.load(Ordering::Acquire)
    }

    /// Waits until it goes on or has ended. A signal to go on that comes before it has stopped keeps it from stopping.
    fn kill_if_continued(&self) {
        let changes = WaitIdOptions::STOPPED | WaitIdOptions::CONTINUED;
        let until = Instant::now() + STOP_WAIT;
        let mut is_stopped = false;
        while self.is_held() {
            let options = match is_stopped {
                true => changes,
                false => changes | WaitIdOptions::NOHANG,
            };
            match retry_on_intr(|| waitid(WaitId::Pid(self.pid), options)) {
                Ok(Some(status)) if status.stopped() => is_stopped = true,
                Ok(None) if Instant::now() < until => thread::sleep(STOP_POLL),
                // It goes on, or does not stop.
                Ok(_) if self.is_held() => return self.signal_all(Signal::KILL),
                Ok(_) | Err(_) => return,
            }
        }
    }

    /// Signals the group and everything below us, also what left the group.
    pub(super) fn signal_all(&self, signal: Signal) {
        self.signal_group(signal);
        self.signal_leftovers(signal);
    }

    /// Blocks until the agent has ended, collecting the orphans that end
    /// before it. Keeps the agent's number taken if it can.
    pub(super) fn wait(&self) {
        loop {
            let any = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            // The only error there is: no child at all.
            if retry_on_intr(|| waitid(WaitId::All, any)).is_err() || self.has_ended() {
                return;
            }
            // It was another one. The agent may end between that question and
            // this, and is then collected too.
            let mut reaped = lock(&self.reaped);
            while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
                if pid == self.pid {
                    *reaped = Some(status.into());
                    return;
                }
            }
        }
    }

    fn has_ended(&self) -> bool {
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        !matches!(
            retry_on_intr(|| waitid(WaitId::Pid(self.pid), look)),
            Ok(None)
        )
    }

    /// Ends what the ended agent left behind: SIGTERM, `grace`, SIGKILL. Says whether nothing is left.
    pub(super) fn end_leftovers(&self, grace: Duration) -> bool {
        self.signal_all(Signal::TERM);
        self.gone_within(grace, None) || self.gone_within(LEFTOVER_KILL_WAIT, Some(Signal::KILL))
    }

    /// Stays until nothing that the agent left behind is left: it would be below no runner any more. Only
    /// what cannot be killed yet, or never, is there to wait for.
    pub(super) fn outlast_leftovers(&self) {
        while !self.gone_within(OUTLAST_ROUND, Some(Signal::KILL)) {}
    }

    /// Collects the agent; from here on its number is a stranger's.
    pub(super) fn reap(&self) -> Ending {
        let mut reaped = lock(&self.reaped);
        if let Some(ending) = *reaped {
            return ending;
        }
        let status = retry_on_intr(|| waitpid(Some(self.pid), WaitOptions::empty()));
        let ending = match status {
            Ok(Some((_, status))) => status.into(),
            Ok(None) | Err(_) => Ending::default(),
        };
        *reaped = Some(ending);
        ending
    }

    /// Collects leftovers until none is left, sending `signal` each round.
    fn gone_within(&self, time: Duration, signal: Option<Signal>) -> bool {
        let deadline = Instant::now() + time;
        loop {
            if let Some(signal) = signal {
                self.signal_all(signal);
            }
            let left = self.leftovers();
            if left.is_empty() && !self.group_lives() {
                return true;
            }
            for pid in left {
                // Not ours to collect if its parent lives; that ends too.
                let _ = waitpid(Some(pid), WaitOptions::NOHANG);
            }
            if Instant::now() >= deadline {
                return false;
            }
            thread::sleep(LEFTOVER_POLL);
        }
    }

    /// Whether others are left in the group. Told only where leftovers cannot
    /// be found by descent, as the ended leader itself counts elsewhere.
    fn group_lives(&self) -> bool {
        cfg!(target_os = "macos")
            && lock(&self.reaped).is_none()
            && rustix::process::test_kill_process_group(self.pid).is_ok()
    }

    fn signal_leftovers(&self, signal: Signal) {
        for pid in self.leftovers() {
            let _ = kill_process(pid, signal);
        }
    }

    /// All processes below us but the agent itself.
    fn leftovers(&self) -> Vec<Pid> {
        platform::descendants(std::process::id())
            .into_iter()
            .filter_map(|pid| i32::try_from(pid).ok().and_then(Pid::from_raw))
            .filter(|pid| *pid != self.pid)
            .collect()
    }
}
