//! A JSON-RPC client over the daemon's socket.
//!
//! Owns connecting and the two halves that carry lines for the JSON-RPC
//! library, which matches answers to calls and notifications to
//! subscriptions. It must not know any method, start a daemon or reconnect:
//! those belong to the layers above, which call [`connect`].

use std::io;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use jsonrpsee::core::client::{
    Client, ClientBuilder, ReceivedMessage, TransportReceiverT, TransportSenderT,
};
use jsonrpsee::types::ErrorObjectOwned;
use serde::Deserialize;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio_util::codec::FramedRead;

use super::life::{self, Life};
use crate::ipc::abstract_socket;
use crate::ipc::codec::{Item, LineCodec};
use crate::ipc::limits::{REQUEST_BYTES, RESPONSE_BYTES};
use crate::ipc::writer::LineWriter;
use crate::platform::{self, ProcessHandle, Step};

/// How long a call may take by default. Waiting for a person is a
/// subscription, never a call.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);
/// Notifications kept for one subscription by default.
pub const SUBSCRIPTION_BUFFER: usize = 1024;
/// How long connecting may take when the daemon's backlog is full.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A batch's answers may be over the limit by the errors that say so.
const RESPONSE_SLACK: usize = 64 * 1024;

/// How a client behaves.
#[derive(Debug, Clone)]
pub struct ConnectOptions {
    /// How long a call may take before it fails on this side.
    pub request_timeout: Duration,
    /// Notifications kept for one subscription, at least 1. One that is read
    /// too slowly for this is ended, with `Lagged` as its close reason.
    pub subscription_buffer: usize,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self {
            request_timeout: REQUEST_TIMEOUT,
            subscription_buffer: SUBSCRIPTION_BUFFER,
        }
    }
}

/// Why no connection came about.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// No daemon listens there: no file, or nobody behind it.
    #[error("connecting to {path}: the daemon is not running")]
    NotRunning {
        /// The socket's path.
        path: PathBuf,
    },
    /// Anything else.
    #[error("connecting to {path}: {source}")]
    Io {
        /// The socket's path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Why a connection broke.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The daemon closed it.
    #[error("reading from the daemon: it closed the connection")]
    Closed,
    /// The daemon turned the connection, or a line it could not read, away.
    #[error("the daemon refused: {0}")]
    Refused(String),
    /// What it sent is no answer.
    #[error("reading from the daemon: {0}")]
    Protocol(String),
    /// A request is longer than the daemon takes.
    #[error("sending a request: its {bytes} bytes are over the limit of {REQUEST_BYTES}")]
    TooLong {
        /// The request's length.
        bytes: usize,
    },
    /// The socket failed.
    #[error("{doing} the daemon: {source}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

/// Connects with the default [`ConnectOptions`].
///
/// # Errors
/// As [`connect_with`].
pub async fn connect(path: &Path) -> Result<Client, ConnectError> {
    connect_with(path, &ConnectOptions::default()).await
}

/// Connects to the daemon at `path`. Dropping the client closes the
/// connection. A broken connection fails all calls and ends all
/// subscriptions; the client is of no more use then.
///
/// # Errors
/// [`ConnectError::NotRunning`] when nobody serves the socket, else
/// [`ConnectError::Io`].
pub async fn connect_with(path: &Path, options: &ConnectOptions) -> Result<Client, ConnectError> {
    let stream = open_patiently(path)
        .await
        .map_err(|source| match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                ConnectError::NotRunning {
                    path: path.to_owned(),
                }
            }
            _ => ConnectError::Io {
                path: path.to_owned(),
                source,
            },
        })?;
    let (from, to) = stream.into_split();
    let receiver = Receiver {
        lines: FramedRead::new(from, LineCodec::new(RESPONSE_BYTES + RESPONSE_SLACK)),
    };
    let sender = Sender {
        lines: LineWriter::new(to),
    };
    Ok(ClientBuilder::new()
        .request_timeout(options.request_timeout)
        .max_buffer_capacity_per_subscription(options.subscription_buffer.max(1))
        .build_with_tokio(sender, receiver))
}

/// How long it may take until anything comes back.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(1500);

/// Whether whoever serves the socket answers at all. What it says does not matter: a call that it does not
/// know is answered by the layer that reads the socket.
pub async fn answers(path: &Path) -> bool {
    let ask = async {
        let (from, to) = open(path).await?.into_split();
        let mut to = LineWriter::new(to);
        to.line(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#)
            .await?;
        to.flush().await?;
        let mut lines = FramedRead::new(from, LineCodec::new(RESPONSE_SLACK));
        lines.next().await.transpose().map(|line| line.is_some())
    };
    match tokio::time::timeout(ANSWER_TIMEOUT, ask).await {
        Ok(Ok(answered)) => answered,
        // That it is gone is told by the connection that asks.
        Ok(Err(cause)) => cause.kind() != io::ErrorKind::TimedOut,
        Err(_) => false,
    }
}

/// The process that serves the socket, as the kernel knows it; none where it does not tell.
///
/// # Errors
/// When nobody of this user's serves it.
pub async fn server_pid(path: &Path) -> io::Result<Option<u32>> {
    let stream = open(path).await?;
    Ok(platform::peer_pid(stream.as_fd()))
}

/// How long a socket is tried for that is not there though a daemon lives: it may just start, or somebody deletes the
/// socket as often as it is bound again.
const SOCKET_PATIENCE: Duration = Duration::from_secs(2);
/// The pause between two tries, and how many there are until it is looked again whether a daemon lives.
const SOCKET_PAUSE: Duration = Duration::from_millis(1);
const SOCKET_TRIES: u32 = 25;

/// As [`open`], as long as there is a daemon to be reached.
async fn open_patiently(path: &Path) -> io::Result<UnixStream> {
    let deadline = Instant::now() + SOCKET_PATIENCE;
    let mut tries = 0;
    loop {
        let absent = match open(path).await {
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
                ) =>
            {
                error
            }
            done => return done,
        };
        let is_over = Instant::now() >= deadline;
        if is_over || (tries % SOCKET_TRIES == 0 && !matches!(life::look(path), Ok(Life::Held(_))))
        {
            return Err(absent);
        }
        tries += 1;
        tokio::time::sleep(SOCKET_PAUSE).await;
    }
}

/// Opens the stream to a daemon of this user's: by the path, and where that does not lead to it, without it.
async fn open(path: &Path) -> io::Result<UnixStream> {
    let by_path = async {
        let stream = connect_stream(path).await?;
        must_be_ours(&stream, Proof::WhereTold)?;
        Ok(stream)
    };
    match by_path.await {
        Ok(stream) => Ok(stream),
        Err(error) => open_beside(path).await.ok_or(error),
    }
}

/// Opens the stream to a daemon that is served beside the path. None where none is proven to be.
async fn open_beside(path: &Path) -> Option<UnixStream> {
    let names = abstract_socket::names(path);
    if names.is_empty() {
        return None;
    }
    let holders = platform::lock_holders(&life::life_lock(path));
    let deadline = Instant::now() + CONNECT_TIMEOUT;
    let mut other = None;
    loop {
        let mut is_full = false;
        for name in &names {
            let stream = match abstract_socket::connect(name).and_then(UnixStream::from_std) {
                Ok(stream) => stream,
                Err(error) => {
                    is_full |= error.kind() == io::ErrorKind::WouldBlock;
                    continue;
                }
            };
            let Ok(server) = must_be_ours(&stream, Proof::Always) else {
                continue;
            };
            // Anybody can take that lock away from its place, but whoever holds it there is preferred.
            if holders.is_empty() || server.is_some_and(|pid| holders.contains(&pid)) {
                return Some(stream);
            }
            other.get_or_insert(stream);
        }
        if other.is_some() || !is_full || Instant::now() >= deadline {
            return other;
        }
        tokio::time::sleep(SOCKET_PAUSE).await;
    }
}

/// Opens the stream. Where the daemon's queue of connections is full the system is asked to wait for
/// a place in it: it lets those that wait in by turns, and whoever only tries again and again would
/// always find the place taken.
async fn connect_stream(path: &Path) -> io::Result<UnixStream> {
    match UnixStream::connect(path).await {
        Err(cause) if cause.kind() == io::ErrorKind::WouldBlock => {}
        tried => return tried,
    }
    // It may not be the daemon's own.
    if let Some(stream) = open_beside(path).await {
        return Ok(stream);
    }
    let path = path.to_owned();
    let waited = tokio::task::spawn_blocking(move || wait_for_place(&path)).await;
    let stream = waited.map_err(io::Error::other)??;
    stream.set_nonblocking(true)?;
    UnixStream::from_std(stream)
}

/// Connects, waiting for at most [`CONNECT_TIMEOUT`].
fn wait_for_place(path: &Path) -> io::Result<std::os::unix::net::UnixStream> {
    use rustix::net::sockopt::{Timeout, set_socket_timeout};
    use rustix::net::{AddressFamily, SocketAddrUnix, SocketType};
    let socket = rustix::net::socket(AddressFamily::UNIX, SocketType::STREAM, None)?;
    rustix::io::fcntl_setfd(&socket, rustix::io::FdFlags::CLOEXEC)?;
    set_socket_timeout(&socket, Timeout::Send, Some(CONNECT_TIMEOUT))?;
    match rustix::net::connect(&socket, &SocketAddrUnix::new(path)?) {
        Ok(()) => {}
        Err(rustix::io::Errno::AGAIN) => {
            return Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "the daemon accepts no connection",
            ));
        }
        Err(cause) => return Err(cause.into()),
    }
    set_socket_timeout(&socket, Timeout::Send, None)?;
    Ok(socket.into())
}

/// What is done where the system does not show who serves a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Proof {
    /// It is believed: where the socket lies nobody else can put one.
    WhereTold,
    /// It is not.
    Always,
}

/// Whoever serves the socket is this user, or root: another user's program shows an inbox of its own. And no daemon runs
/// below a session's runner or another daemon, as what agents start does: it could show other requests than there are,
/// and answer agents in a person's name. Gives which process it is, where that is told.
fn must_be_ours(stream: &UnixStream, proof: Proof) -> io::Result<Option<u32>> {
    let peer = stream.peer_cred()?;
    let server = peer.uid();
    let user = platform::user_id();
    if user != 0 && server != user && server != 0 {
        return Err(no_daemon(format!(
            "it is served by another user (uid {server}), not by your daemon"
        )));
    }
    // Of a process outside of this container the number is 0.
    let pid = peer.pid().and_then(|pid| u32::try_from(pid).ok());
    let Some(pid) = pid.filter(|pid| *pid != 0) else {
        return match proof {
            Proof::WhereTold => Ok(None),
            Proof::Always => Err(no_daemon("it is not told who serves it".to_owned())),
        };
    };
    // Who let it listen and ended can have left it to anybody.
    let lives = match ProcessHandle::of_peer(stream.as_fd()) {
        Ok(Some(handle)) => handle.is_alive(),
        Ok(None) => platform::process_start_time(pid).is_some(),
        Err(_) => false,
    };
    if !lives {
        return Err(no_daemon(format!(
            "the process that began to listen there (process {pid}) has ended, so it is not your daemon; \
             remove the socket, then run `humanlayer daemon restart`"
        )));
    }
    match platform::walk(pid) {
        Ok(steps) if is_of_an_agent(&steps) => Err(no_daemon(format!(
            "what answers there (process {pid}) was started by an agent, so it is not your daemon; \
             remove the socket, then run `humanlayer daemon restart`"
        ))),
        Ok(_) => Ok(Some(pid)),
        // Not all of the way up can be looked at from everywhere.
        Err(_) if proof == Proof::WhereTold => Ok(Some(pid)),
        Err(error) => Err(no_daemon(error.to_string())),
    }
}

fn no_daemon(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, why)
}

/// Whether a process was started by an agent: below a runner, or below a daemon, to which agents' processes go whose
/// parents are gone.
fn is_of_an_agent(steps: &[Step]) -> bool {
    let above = steps.iter().skip(1);
    platform::has_a_runner(steps)
        || above.into_iter().any(|step| {
            // The parent of a daemon has its command line, and one thread.
            step.name == PROGRAM
                && step
                    .arguments
                    .iter()
                    .any(|word| DAEMONS.contains(&word.as_str()))
                && platform::thread_count(step.pid).is_some_and(|threads| threads > 1)
        })
}

/// What a daemon's process is called, and words of its command line, which nobody else can change.
const PROGRAM: &str = "humanlayer";
const DAEMONS: [&str; 3] = ["--headless", "--detached-child", "--restarted-child"];

struct Sender {
    lines: LineWriter<OwnedWriteHalf>,
}

impl TransportSenderT for Sender {
    type Error = TransportError;

    async fn send(&mut self, request: String) -> Result<(), TransportError> {
        if request.len() > REQUEST_BYTES {
            return Err(TransportError::TooLong {
                bytes: request.len(),
            });
        }
        let failed = |source| TransportError::Io {
            doing: "writing to",
            source,
        };
        self.lines.line(&request).await.map_err(failed)?;
        self.lines.flush().await.map_err(failed)
    }

    async fn close(&mut self) -> Result<(), TransportError> {
        self.lines
            .close()
            .await
            .map_err(|source| TransportError::Io {
                doing: "closing the connection to",
                source,
            })
    }
}

struct Receiver {
    lines: FramedRead<OwnedReadHalf, LineCodec>,
}

impl TransportReceiverT for Receiver {
    type Error = TransportError;

    async fn receive(&mut self) -> Result<ReceivedMessage, TransportError> {
        match self.lines.next().await {
            Some(Ok(Item::Line(line))) => match refusal(&line) {
                None => Ok(ReceivedMessage::Text(line)),
                Some(why) => Err(TransportError::Refused(why)),
            },
            Some(Ok(Item::TooLong { limit })) => Err(TransportError::Protocol(format!(
                "a line over the limit of {limit} bytes"
            ))),
            Some(Ok(Item::NotUtf8)) => Err(TransportError::Protocol(
                "a line that is not UTF-8".to_owned(),
            )),
            Some(Ok(Item::Unfinished { .. })) | None => Err(TransportError::Closed),
            Some(Err(source)) => Err(TransportError::Io {
                doing: "reading from",
                source,
            }),
        }
    }
}

/// The reason in an error that answers no call of ours. The JSON-RPC library
/// would report only that it has no id.
fn refusal(line: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Refusal {
        error: ErrorObjectOwned,
    }
    if !line.starts_with(r#"{"jsonrpc":"2.0","id":null,"error":"#) {
        return None;
    }
    let refusal: Refusal = serde_json::from_str(line).ok()?;
    Some(refusal.error.message().to_owned())
}
