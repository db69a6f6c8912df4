//! Stopping the daemon: a signal, and the wait until it is gone.
//!
//! Which process that is, the kernel says: who serves the socket, and holds the lock. What a file says, or whoever
//! answers, could name any other one.

use std::io;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::client::life::{self, Life};
use crate::client::{Client, ClientError, transport};
use crate::commands::exit::Failure;
use crate::config::Config;
use crate::platform::{self, ProcessId};

/// How long the daemon may take to finish what it is doing.
const LIMIT: Duration = Duration::from_secs(30);
/// How long one that does not answer may take to end by itself.
const HUNG_TIMEOUT: Duration = Duration::from_secs(8);
/// How long it may take to say which process it is.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);
/// How long until the signal is sent again.
const AGAIN: Duration = Duration::from_millis(500);
/// How long between two tries for the start lock.
const RETRY: Duration = Duration::from_millis(5);

/// What there was to stop.
pub enum Stopped {
    /// Nothing.
    WasNotRunning,
    /// A daemon, which is gone now.
    Done,
}

/// What is behind the socket.
enum Server {
    /// Nothing.
    None,
    /// A process that takes connections, or even answers; which, where that is told.
    Answers { pid: Option<u32> },
}

/// An agent does not stop the daemon of all sessions: it could not start another one. (What it sends the daemon
/// itself is not obeyed, either.)
fn refuse_agents() -> Result<(), Failure> {
    match is_agents() {
        false => Ok(()),
        true => Err(Failure::failed("an agent may not stop the daemon")
            .with_hint("stop it in a terminal of your own")),
    }
}

/// Whether an agent started this program, as far as this process can tell.
pub fn is_agents() -> bool {
    let steps = platform::walk(std::process::id()).unwrap_or_default();
    crate::client::spawn::own_session().is_some() || platform::has_a_runner(&steps)
}

/// Whether a process holds the life lock still, where the system tells.
fn is_holder(socket: &std::path::Path, pid: Pid) -> bool {
    let holders = platform::lock_holders(&life::life_lock(socket));
    holders
        .iter()
        .any(|holder| i32::try_from(*holder) == Ok(pid.as_raw_nonzero().get()))
}

/// The process that serves the socket; none where that is not told.
async fn served_by(socket: &std::path::Path) -> Option<u32> {
    let served = transport::server_pid(socket).await;
    served.ok().flatten()
}

/// Asks the daemon to stop and waits until it has let go of everything.
pub async fn stop(config: &Config) -> Result<Stopped, Failure> {
    refuse_agents()?;
    let socket = &config.daemon_socket.value;
    if !socket.parent().is_some_and(std::path::Path::is_dir) {
        return Ok(Stopped::WasNotRunning);
    }
    let looking = |cause: io::Error| {
        Failure::failed(format!(
            "looking at {}: {cause}",
            life::life_lock(socket).display()
        ))
    };
    // Whoever starts one now would take our look at its lock for a rival.
    let deadline = Instant::now() + LIMIT;
    let _starting = loop {
        match life::try_start_lock(socket).map_err(looking)? {
            Some(lock) => break lock,
            None if Instant::now() >= deadline => {
                let holder = platform::who_holds(&life::start_lock(socket))
                    .map(|who| format!(": {who}"))
                    .unwrap_or_default();
                return Err(Failure::failed(format!(
                    "another program is still starting the daemon{holder}"
                )));
            }
            None => tokio::time::sleep(RETRY).await,
        }
    };
    let mut is_hung = false;
    let server = match Client::connect(socket).await {
        Ok(client) => {
            let health = tokio::time::timeout(ANSWER_TIMEOUT, client.health()).await;
            is_hung = health.is_err();
            let said = health.ok().transpose()?.map(|health| health.pid);
            let pid = served_by(socket).await.or(said.filter(|pid| *pid != 0));
            Server::Answers { pid }
        }
        Err(ClientError::NotRunning { .. }) => Server::None,
        Err(error) => return Err(error.into()),
    };
    let pid = match (life::look(socket).map_err(looking)?, server) {
        (Life::Free, Server::None) => {
            // The parent of one that died starts no other one then.
            if life::has_died(socket) {
                life::note_stopped(socket).map_err(looking)?;
            }
            return Ok(Stopped::WasNotRunning);
        }
        // An older daemon holds no such lock and does not tell its pid.
        (Life::Free, Server::Answers { .. }) => {
            return Err(Failure::failed(format!(
                "what answers on {} is not this program's daemon",
                socket.display()
            ))
            .with_hint("stop it the way it was started"));
        }
        (Life::Held(written), server) => {
            let holders = platform::lock_holders(&life::life_lock(socket));
            let named = match server {
                Server::Answers { pid } => pid,
                Server::None => None,
            };
            // Where the system tells who holds the lock, nobody else is stopped.
            match (named, holders.first()) {
                (Some(pid), Some(_)) if !holders.contains(&pid) => {
                    return Err(Failure::failed(format!(
                        "what answers on {} ({}) is not the daemon that holds {}",
                        socket.display(),
                        platform::describe_process(pid),
                        life::life_lock(socket).display()
                    ))
                    .with_hint("stop it the way it was started"));
                }
                (named, holder) => named.or(holder.copied()).or(written),
            }
        }
    };
    let pid = pid
        .and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?))
        .ok_or_else(|| Failure::failed("the daemon is just starting; try again"))?;
    match kill_process(pid, Signal::TERM) {
        // Gone already is what was wanted.
        Ok(()) | Err(rustix::io::Errno::SRCH) => {}
        Err(cause) => {
            return Err(Failure::failed(format!(
                "telling process {} to stop: {cause}",
                pid.as_raw_nonzero()
            )));
        }
    }
    // One that a signal has stopped hears nothing before it goes on.
    if let Ok(number) = u32::try_from(pid.as_raw_nonzero().get())
        && let Some(start_time) = platform::process_start_time(number)
    {
        let process = ProcessId {
            pid: number,
            start_time,
        };
        if platform::is_stopped(process) {
            platform::send_signal(process, Signal::CONT)?;
        }
        if is_hung
            && !life::wait_until_free(socket, HUNG_TIMEOUT)
                .await
                .map_err(looking)?
        {
            // It does not even end: what it was doing is in the database or never happened.
            life::note_stopped(socket).map_err(looking)?;
            platform::send_signal(process, Signal::KILL)?;
        }
    }
    // Another process may send the same signal at the same moment, and the kernel keeps one.
    let deadline = Instant::now() + LIMIT;
    let mut is_free = false;
    while !is_free && Instant::now() < deadline {
        is_free = life::wait_until_free(socket, AGAIN)
            .await
            .map_err(looking)?;
        if !is_free && is_holder(socket, pid) {
            let _ = kill_process(pid, Signal::TERM);
        }
    }
    if is_free {
        Ok(Stopped::Done)
    } else {
        Err(Failure::failed(format!(
            "process {} has not stopped after {} s",
            pid.as_raw_nonzero(),
            LIMIT.as_secs()
        ))
        .with_hint(format!(
            "kill -9 {} is safe, sessions go on",
            pid.as_raw_nonzero()
        )))
    }
}
