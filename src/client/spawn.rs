//! Finds the daemon, or starts one and waits until it answers.
//!
//! Owns the start: of several programs that find no daemon at once, the one
//! that gets the start lock starts it and the others wait for it. The child
//! is this same binary; it reports a failed start through its standard output,
//! which closes when it dies. Called by commands that need a daemon; those that
//! only look connect with [`Client::connect`].

use std::ffi::OsString;
use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStdout, Command};

use super::calls::Client;
use super::error::{ClientError, START_TIMEOUT, SpawnError};
use super::life::{self, Life};
use crate::config::Config;
use crate::domain::origin::NOT_BELOW_AN_AGENT;

/// First and longest wait between two tries to connect.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(2), Duration::from_millis(50));
/// Longest report of a failed start that is read; the rest is not shown.
const REPORT_BYTES: u64 = 16 * 1024;
/// Set in the environment of every agent, by its session.
const INSIDE_SESSION: &str = "HUMANLAYER_SESSION_ID";

/// The session that this program runs in, if it was started by an agent.
#[must_use]
pub fn own_session() -> Option<String> {
    std::env::var_os(INSIDE_SESSION)
        .and_then(|id| id.into_string().ok())
        .filter(|id| !id.is_empty())
}

fn failed(doing: &'static str, path: &Path, source: io::Error) -> SpawnError {
    SpawnError::Io {
        doing,
        path: path.to_owned(),
        source,
    }
}

/// Connects to the daemon, and starts one first if none runs.
///
/// # Errors
/// [`ClientError::Spawn`] when none could be started, [`ClientError::Connect`]
/// when the socket is there but not ours to use.
pub async fn ensure_daemon(config: &Config) -> Result<Client, ClientError> {
    let socket = &config.daemon_socket.value;
    match Client::connect(socket).await {
        Err(ClientError::NotRunning { .. }) => {}
        settled => return settled,
    }
    if std::env::var_os(INSIDE_SESSION).is_some() {
        return Err(SpawnError::InsideSession.into());
    }
    prepare_directories(config)?;
    let mut tries = Tries::new();
    let _starting = match tries.start_lock_or_client(socket).await? {
        Turn::Ours(lock) => lock,
        Turn::Served(client) => return Ok(client),
    };
    // Between our first look and the lock another starter may have done it all.
    match Client::connect(socket).await {
        Err(ClientError::NotRunning { .. }) => {}
        settled => return settled,
    }
    // A daemon that is being stopped closes its socket before it is gone.
    loop {
        match life::look(socket) {
            Ok(Life::Free) => break,
            Ok(Life::Held(_)) if tries.pause().await => match Client::connect(socket).await {
                Err(ClientError::NotRunning { .. }) => {}
                settled => return settled,
            },
            Ok(Life::Held(_)) => return Err(held(config).into()),
            Err(cause) => {
                return Err(failed("looking at", &life::life_lock(socket), cause).into());
            }
        }
    }
    wait_until_served(config, spawn(config)?, &mut tries).await
}

/// Makes the directories of the socket and the database, for this user alone.
/// Those that exist are left as they are; the daemon judges them.
fn prepare_directories(config: &Config) -> Result<(), SpawnError> {
    let files = [&config.daemon_socket.value, &config.database_path.value];
    for directory in files.into_iter().filter_map(|file| file.parent()) {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .map_err(|cause| failed("creating", directory, cause))?;
    }
    Ok(())
}

/// What makes another process of this program work with the same socket and the same file of settings.
pub fn same_place(config: &Config) -> Vec<OsString> {
    let mut arguments = vec![
        OsString::from("--daemon-socket"),
        config.daemon_socket.value.clone().into(),
    ];
    if let Some(file) = &config.file {
        arguments.extend([OsString::from("--config-file"), file.clone().into()]);
    }
    arguments
}

/// Starts the child. It daemonizes, so it outlives us and is not ours to wait for.
fn spawn(config: &Config) -> Result<Child, SpawnError> {
    let program = crate::platform::installed_program()
        .map_err(|cause| failed("finding", Path::new("itself"), cause))?;
    let mut command = Command::new(&program);
    command
        .args(same_place(config))
        .args(["daemon", "start", "--detached-child"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command
        .spawn()
        .map_err(|cause| failed("running", &program, cause))
}

async fn wait_until_served(
    config: &Config,
    mut child: Child,
    tries: &mut Tries,
) -> Result<Client, ClientError> {
    let socket = &config.daemon_socket.value;
    let report = read_report(child.stdout.take());
    tokio::pin!(report);
    loop {
        match Client::connect(socket).await {
            Err(ClientError::NotRunning { .. }) => {}
            settled => {
                // The first child has long ended; this only takes note of it.
                let _ = child.try_wait();
                return settled;
            }
        }
        tokio::select! {
            biased;
            said = &mut report => {
                if said.starts_with(NOT_BELOW_AN_AGENT) {
                    return Err(SpawnError::InsideSession.into());
                }
                // The parent of one that died may have been faster.
                return match served_by_another(socket, tries).await {
                    Some(client) => Ok(client),
                    None => Err(SpawnError::Died { report: said_or_log(&said, config) }.into()),
                };
            }
            in_time = tries.pause() => {
                if !in_time {
                    return Err(timed_out(config).into());
                }
            }
        }
    }
}

/// Connects to a daemon that somebody else is starting; none if nobody is.
async fn served_by_another(socket: &Path, tries: &mut Tries) -> Option<Client> {
    while matches!(life::look(socket), Ok(Life::Held(_))) {
        if let Ok(client) = Client::connect(socket).await {
            return Some(client);
        }
        if !tries.pause().await {
            return None;
        }
    }
    None
}

/// Reads until the child and all that came of it have closed their end: the daemon is dead then.
async fn read_report(from: Option<ChildStdout>) -> String {
    let mut said = Vec::new();
    if let Some(from) = from {
        // What was read before a failure is the best report there is.
        let _ = from.take(REPORT_BYTES).read_to_end(&mut said).await;
    }
    String::from_utf8_lossy(&said).trim().to_owned()
}

fn said_or_log(said: &str, config: &Config) -> String {
    if said.is_empty() {
        format!(
            "it ended without a word; its log is in {}",
            config.log_directory().display()
        )
    } else {
        said.to_owned()
    }
}

/// Somebody holds the life lock and serves nobody.
fn held(config: &Config) -> SpawnError {
    let path = life::life_lock(&config.daemon_socket.value);
    match crate::platform::who_holds(&path) {
        Some(holder) => SpawnError::Held {
            path,
            holder,
            socket: config.daemon_socket.value.clone(),
        },
        None => timed_out(config),
    }
}

fn timed_out(config: &Config) -> SpawnError {
    SpawnError::TimedOut {
        socket: config.daemon_socket.value.clone(),
        log: config.log_directory().to_owned(),
    }
}

/// What the wait for the start lock came to.
enum Turn {
    /// We start the daemon; the lock is released with the file.
    Ours(File),
    /// Somebody did.
    Served(Client),
}

/// Growing pauses up to a deadline.
struct Tries {
    pause: Duration,
    deadline: Instant,
}

impl Tries {
    fn new() -> Self {
        Self {
            pause: BACKOFF.0,
            deadline: Instant::now() + START_TIMEOUT,
        }
    }

    /// Waits a little, each time longer; false once the time is up.
    async fn pause(&mut self) -> bool {
        if Instant::now() >= self.deadline {
            return false;
        }
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 5 / 4).min(BACKOFF.1);
        true
    }

    async fn start_lock_or_client(&mut self, socket: &Path) -> Result<Turn, ClientError> {
        let path = life::start_lock(socket);
        loop {
            match life::try_start_lock(socket) {
                Ok(Some(lock)) => return Ok(Turn::Ours(lock)),
                Ok(None) => {}
                Err(cause) => return Err(failed("locking", &path, cause).into()),
            }
            if !self.pause().await {
                let holder = crate::platform::who_holds(&path)
                    .unwrap_or_else(|| "another program".to_owned());
                let cause = io::Error::new(
                    io::ErrorKind::TimedOut,
                    format!("it is held, and no daemon started, by {holder}"),
                );
                return Err(failed("locking", &path, cause).into());
            }
            match Client::connect(socket).await {
                Err(ClientError::NotRunning { .. }) => {}
                settled => return settled.map(Turn::Served),
            }
        }
    }
}
