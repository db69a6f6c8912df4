//! The runner: one small process per session that starts the agent, feeds its
//! stdin, passes signals on, and says at the end how it ended. It outlives the
//! daemon, so a daemon may be killed or upgraded without a session noticing.
//!
//! It must stay so small that nothing in it fails: blocking std code, a few
//! threads with small stacks, no async runtime, no database. What the agent says
//! it copies into the journal, byte by byte and without understanding it.
//! Started by the daemon as a hidden subcommand ([`run`]); spoken to over the
//! socket in the session directory ([`frame`]).
//!
//! Who does what: `start` brings everything up and to its end, `agent` is the
//! process and what it leaves behind, `stdin` delivers each line once,
//! `stdout` copies it into the journal, whatever the disk does, `stderr` keeps the newest of it, `hub`, `listener` and `serve` are the connections, `peer` says whose
//! are taken,
//! `memory` says whether the kernel kills for want of it, `terminate` ends the agent stage by stage, `identity` signs what it says, `dir` and `files` are the
//! session directory.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

mod agent;
mod dir;
mod files;
pub mod frame;
mod hub;
pub mod identity;
mod listener;
mod memory;
mod peer;
mod serve;
mod start;
mod stderr;
mod stdin;
mod stdout;
mod terminate;

pub use dir::{LOCK_WAIT, SessionDir, is_alive};
pub use files::{ExitReport, FileError, RunnerState, Spec};
pub use peer::SUBCOMMAND;
pub use start::run;

/// The version of the session directory's files and of the socket's frames.
pub const FORMAT: u32 = 1;

/// How long each stage of ending an agent may take: after SIGINT, and again
/// after SIGTERM.
pub const STAGE_WAIT: Duration = Duration::from_secs(5);

/// How long what the agent left behind may take to end after SIGTERM, before
/// SIGKILL.
pub const LEFTOVER_WAIT: Duration = Duration::from_secs(2);

/// How long leftovers may take to be gone after SIGKILL, before the session is
/// reported ended all the same; only a process stuck in the kernel takes long.
pub const LEFTOVER_KILL_WAIT: Duration = Duration::from_secs(1);

/// How long stderr may stay open when all processes of the agent are gone.
pub const STDERR_DRAIN_WAIT: Duration = Duration::from_secs(1);

/// How many lines may wait for the agent, the one being written included.
/// Above it a line is refused ([`frame::NackReason::Full`]).
pub const STDIN_QUEUE_LINES: usize = 256;

/// How many bytes of lines may wait for the agent; a single line may always
/// wait, whatever its length. Above it a line is refused.
pub const STDIN_QUEUE_BYTES: usize = 32 * 1024 * 1024;

/// How many of the last delivered lines the exit report names; older ones are
/// left out. A daemon has far fewer on their way at a time.
pub const REPORTED_LINES: usize = 256;

/// How many connections may be open. One more is closed at once.
pub const MAX_CLIENTS: usize = 16;

/// How many replies may wait for a client that does not read. A client whose
/// queue is full when something must be announced to it is disconnected; it
/// may connect again and send again what was not acknowledged.
pub const CLIENT_QUEUE: usize = 1024;

/// How large `stderr.log` may grow, in bytes, before it becomes
/// `stderr.log.1`, which replaces the one before.
pub const STDERR_LOG_SIZE: u64 = 256 * 1024;

/// How much of the end of stderr the exit report holds, in bytes.
pub const STDERR_TAIL: usize = 4096;

/// How long stdout may stay open when all processes of the agent are gone.
pub const STDOUT_DRAIN_WAIT: Duration = Duration::from_secs(1);

/// How many bytes of what the agent says are kept in memory while the disk does not take them. An agent that
/// says more waits.
pub const HELD: usize = 8 * 1024 * 1024;

/// How often that is tried again.
pub const JOURNAL_RETRY: Duration = Duration::from_millis(200);

/// How often writing a file of the session's directory is tried again, as a full disk may get space, for as
/// long as there is that directory.
pub const FILE_RETRY: Duration = Duration::from_millis(500);

/// How long open connections may take to be told of the end.
pub const LINGER_WAIT: Duration = Duration::from_secs(5);

/// The stack of each thread: enough for parsing a frame in a debug build.
const STACK: usize = 256 * 1024;

/// Starts a named thread with a small stack.
fn spawn_thread(name: &str, body: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    thread::Builder::new()
        .name(name.to_owned())
        .stack_size(STACK)
        .spawn(body)
        .map(drop)
}

/// Locks; a thread that panicked with the lock held left nothing half done
/// that others could not live with, and the agent must live on.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
