//! The accept loop and the end of it.
//!
//! Owns who is let in and how serving stops. It must not know requests; each
//! connection runs on a task of its own. The daemon calls
//! [`Server::serve`] once, with a token that its signal handlers cancel.

use std::io;
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use jsonrpsee::types::Id;
use jsonrpsee::{BoundedSubscriptions, ConnectionId, Extensions, Methods};
use tokio::net::UnixStream;
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::abstract_socket::AbstractListener;
use super::budget::{Account, Budget};
use super::connection::{Connection, End};
use super::directory::DirectoryWatch;
use super::dispatch::Context;
use super::error::{self, Kind};
use super::limits::{Limits, OUTGOING_OF_OTHERS, REFUSAL, SUBSCRIPTIONS_OF_OTHERS};
use super::listener::Listener;
use super::peer::{Credentials, Peer, peer_credentials, peer_process};
use super::slots::{Holder, Slots, Taken};
use super::takeover::Takeover;
use super::writer::LineWriter;
use crate::backoff::Backoff;

/// First and longest wait after a failed accept. A failure such as running
/// out of descriptors passes, and spinning on it would only make it worse.
const BACKOFF: Backoff = Backoff::new(Duration::from_millis(5), Duration::from_secs(1));
/// Refused clients that are told why at once; beyond them, they are only closed.
const REFUSALS: usize = 64;

/// What the daemon says of a new connection.
pub struct Accepted {
    /// What every call of it sees.
    pub extensions: Extensions,
    /// For whom it is.
    pub holder: Holder,
}

/// What became of the socket's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SocketChange {
    /// It was gone, or another one was in its place, and it was bound again.
    BoundAgain,
    /// It cannot be bound again now; why. It is tried again.
    Lost(String),
    /// It is back, without our doing.
    Back,
}

/// Told when the socket's file has changed.
pub type OnSocketChange = Arc<dyn Fn(SocketChange) + Send + Sync>;

/// How often it is looked whether the socket's path still leads to the socket, where nothing tells that it does not; and
/// once it did not, for a while.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const LOOK_OFTEN: Duration = Duration::from_millis(2);
const DISTURBED_FOR: Duration = Duration::from_secs(30);
/// How often it is told that it was bound again.
const TELL_EVERY: Duration = Duration::from_secs(1);
/// The pause after somebody who is not served on the abstract socket, to which everybody on the machine can connect.
const TURNED_AWAY: Duration = Duration::from_millis(1);

/// Looks at a new connection.
pub type OnAccept = Arc<dyn Fn(Credentials, Peer) -> Accepted + Send + Sync>;

/// A JSON-RPC server for one socket.
pub struct Server {
    /// What can be called.
    pub methods: Methods,
    /// The bounds clients are held to.
    pub limits: Limits,
    /// The method, if any, that takes its connection over.
    pub takeover: Option<Arc<dyn Takeover>>,
    /// Called once a connection, before it is let in. [`Credentials`]
    /// and the connection's [`ConnectionId`] are added to its extensions.
    pub on_accept: OnAccept,
    /// Told when the socket's file was deleted or replaced. None leaves it as it is.
    pub on_socket_change: Option<OnSocketChange>,
}

/// What the accept loop shares with its connections.
struct Shared {
    server: Server,
    uid: u32,
    next_id: AtomicU64,
    slots: Arc<Slots>,
    budget: Arc<Budget>,
    refusals: Arc<Semaphore>,
    connections: TaskTracker,
    calls: TaskTracker,
    shutdown: CancellationToken,
    cut_off: CancellationToken,
}

impl Server {
    /// Serves until `shutdown` is cancelled: then the socket is closed and
    /// its file removed at once, each connection finishes and answers the
    /// call it is running, and the rest is closed. Returns when all that is
    /// done. After [`Limits::drain`] the connections that are left are cut off;
    /// calls that run even then are logged and end with the runtime. Failures
    /// to accept never end it.
    ///
    /// The user's own programs are served on `beside`, too, where there is one.
    pub async fn serve(
        self,
        listener: Listener,
        beside: Option<AbstractListener>,
        shutdown: CancellationToken,
    ) {
        let shared = Arc::new(Shared {
            uid: rustix::process::geteuid().as_raw(),
            next_id: AtomicU64::new(1),
            slots: Arc::new(Slots::new(&self.limits)),
            budget: Arc::new(Budget::new(&self.limits)),
            refusals: Arc::new(Semaphore::new(REFUSALS)),
            connections: TaskTracker::new(),
            calls: TaskTracker::new(),
            cut_off: CancellationToken::new(),
            shutdown,
            server: self,
        });
        let mut listener = listener;
        let beside = async {
            if let Some(beside) = beside {
                accept_beside(&shared, beside).await;
            }
        };
        tokio::join!(accept_all(&shared, &mut listener), beside);
        drop(listener);
        drain(&shared).await;
    }
}

async fn accept_all(shared: &Arc<Shared>, listener: &mut Listener) {
    let mut failures = 0;
    let looks = tokio::time::sleep(LOOK_EVERY);
    tokio::pin!(looks);
    let mut place = Place::default();
    let mut directory = DirectoryWatch::of(listener.path());
    let is_kept = shared.server.on_socket_change.is_some();
    loop {
        let accepted = tokio::select! {
            () = shared.shutdown.cancelled() => return,
            accepted = listener.accept() => accepted,
            // While somebody disturbs it, looking often costs less than hearing of all that is done.
            () = directory.changed(), if is_kept && !place.is_disturbed() => {
                looks.as_mut().reset(tokio::time::Instant::now());
                continue;
            }
            () = &mut looks => {
                if let Some(told) = &shared.server.on_socket_change
                    && let Some(again) = place.keep(listener, told)
                {
                    let before = std::mem::replace(listener, again);
                    directory = DirectoryWatch::of(listener.path());
                    // Who has connected to it already is served.
                    while let Some(Ok(stream)) = before.accept().now_or_never() {
                        if let Ok(peer) = peer_credentials(&stream) {
                            admit(shared, stream, peer);
                        }
                    }
                }
                looks.as_mut().reset(tokio::time::Instant::now() + place.next_look());
                continue;
            }
        };
        match accepted.and_then(|stream| Ok((peer_credentials(&stream)?, stream))) {
            Ok((peer, stream)) => {
                failures = 0;
                admit(shared, stream, peer);
            }
            Err(cause) => {
                failures += 1;
                let wait = BACKOFF.after(failures);
                tracing::warn!(%cause, ?wait, "accepting a connection failed");
                tokio::select! {
                    () = shared.shutdown.cancelled() => return,
                    () = tokio::time::sleep(wait) => {}
                }
            }
        }
    }
}

/// Serves the user's own programs on the abstract socket. No other one has to find it, and one that is
/// isolated is not to get anywhere by it.
async fn accept_beside(shared: &Arc<Shared>, beside: AbstractListener) {
    loop {
        let accepted = tokio::select! {
            () = shared.shutdown.cancelled() => return,
            accepted = beside.socket.accept() => accepted,
        };
        let is_served =
            match accepted.and_then(|(stream, _)| Ok((peer_credentials(&stream)?, stream))) {
                Ok((peer, stream)) => admit_the_user(shared, stream, peer),
                Err(cause) => {
                    tracing::debug!(%cause, "accepting a connection on the abstract socket failed");
                    false
                }
            };
        if !is_served {
            tokio::time::sleep(TURNED_AWAY).await;
        }
    }
}

/// Starts serving a connection of the user's, and closes all others.
fn admit_the_user(shared: &Arc<Shared>, stream: UnixStream, peer: Credentials) -> bool {
    if is_stranger(peer, shared.uid) {
        return false;
    }
    if is_over(&stream) {
        return true;
    }
    let accepted = (shared.server.on_accept)(peer, peer_process(&stream));
    if accepted.holder != Holder::User {
        tracing::debug!(
            pid = peer.pid,
            "not the user's program: not served on the abstract socket"
        );
        return false;
    }
    admit_as(shared, stream, peer, accepted);
    true
}

/// Whether the socket's path leads to it, and what was told of that.
#[derive(Default)]
struct Place {
    is_lost: bool,
    /// When it was bound again last, or was to be.
    disturbed: Option<Instant>,
    /// When it was told last that it was bound again, and whether it was since.
    told: Option<Instant>,
    is_untold: bool,
}

impl Place {
    /// Binds the socket again where its path leads to it no more.
    fn keep(&mut self, listener: &Listener, tell: &OnSocketChange) -> Option<Listener> {
        let again = if listener.is_in_place() {
            if std::mem::take(&mut self.is_lost) {
                tell(SocketChange::Back);
            }
            None
        } else {
            self.disturbed = Some(Instant::now());
            match listener.rebind() {
                Ok(again) => {
                    self.is_untold = true;
                    Some(again)
                }
                Err(error) => {
                    if !std::mem::replace(&mut self.is_lost, true) {
                        tell(SocketChange::Lost(error.to_string()));
                    }
                    None
                }
            }
        };
        let may_tell = self.is_lost || self.told.is_none_or(|at| at.elapsed() >= TELL_EVERY);
        if self.is_untold && (again.is_some() || listener.is_in_place()) && may_tell {
            self.is_untold = false;
            self.is_lost = false;
            self.told = Some(Instant::now());
            tell(SocketChange::BoundAgain);
        }
        again
    }

    /// How long until the next look. Whoever deletes it again and again is not given a second each time.
    fn next_look(&self) -> Duration {
        if self.is_disturbed() {
            LOOK_OFTEN
        } else {
            LOOK_EVERY
        }
    }

    fn is_disturbed(&self) -> bool {
        self.disturbed
            .is_some_and(|at| at.elapsed() < DISTURBED_FOR)
    }
}

/// Starts serving a new connection, or turns it away.
fn admit(shared: &Arc<Shared>, stream: UnixStream, peer: Credentials) {
    if is_stranger(peer, shared.uid) {
        tracing::warn!(
            uid = peer.uid,
            pid = peer.pid,
            "another user's connection was refused"
        );
        let why = format!("This daemon serves user {} only", shared.uid);
        return refuse(shared, stream, Kind::NotPermitted, why);
    }
    if is_over(&stream) {
        return;
    }
    let accepted = (shared.server.on_accept)(peer, peer_process(&stream));
    admit_as(shared, stream, peer, accepted);
}

/// Whether a connection was closed before anything came over it, as by who only looked whether somebody listens: it
/// takes no place.
fn is_over(stream: &UnixStream) -> bool {
    use rustix::net::{RecvFlags, recv};
    let mut first = [0_u8; 1];
    let peeked = recv(
        stream.as_fd(),
        &mut first,
        RecvFlags::PEEK | RecvFlags::DONTWAIT,
    );
    matches!(peeked, Ok((0, _)))
}

fn admit_as(shared: &Arc<Shared>, stream: UnixStream, peer: Credentials, accepted: Accepted) {
    let account = shared.budget.open(&accepted.holder);
    let slot = match shared.slots.take(accepted.holder) {
        Ok(slot) => slot,
        Err(taken) => {
            tracing::warn!(
                pid = peer.pid,
                ?taken,
                "a connection over the limit was refused"
            );
            return refuse(shared, stream, Kind::TooManyConnections, no_room(taken));
        }
    };
    let extensions = accepted.extensions;
    let shared = Arc::clone(shared);
    let tracker = shared.connections.clone();
    tracker.spawn(async move {
        let id = shared.next_id.fetch_add(1, Ordering::Relaxed);
        let connection = open(&shared, stream, account, peer, extensions, id);
        let end = tokio::select! {
            end = connection.run() => end,
            () = shared.cut_off.cancelled() => End::Shutdown,
        };
        report(id, &end);
        drop(slot);
    });
}

fn no_room(taken: Taken) -> String {
    match taken {
        Taken::All(limit) => {
            format!("This daemon serves {limit} connections, the most it may; close one first")
        }
        Taken::Others(limit) => format!(
            "Agents and other programs that are not proven to be a person's hold {limit} connections, the most they may; close one first"
        ),
        Taken::Holders(limit) => format!(
            "The programs of this session, or this program, hold {limit} connections, the most they may; close one first"
        ),
    }
}

/// Whether the peer is another user. Root could do anything to us anyway.
fn is_stranger(peer: Credentials, uid: u32) -> bool {
    peer.uid != uid && peer.uid != 0
}

fn open(
    shared: &Shared,
    stream: UnixStream,
    account: Account,
    peer: Credentials,
    accepted: Extensions,
    id: u64,
) -> Connection {
    let mut limits = shared.server.limits.clone();
    if !account.is_the_users() {
        // Each may hold an event that nobody reads.
        limits.outgoing = limits.outgoing.min(OUTGOING_OF_OTHERS);
        limits.subscriptions = limits.subscriptions.min(SUBSCRIPTIONS_OF_OTHERS);
    }
    // Only its being unlike every other one matters.
    let connection = ConnectionId(usize::try_from(id).unwrap_or(usize::MAX));
    let mut methods = shared.server.methods.clone();
    let mut extensions = methods.extensions().clone();
    extensions.extend(accepted);
    extensions.insert(peer);
    extensions.insert(connection);
    let (sender, notifications) = mpsc::channel(limits.outgoing);
    let context = Context {
        methods,
        takeover: shared.server.takeover.clone(),
        extensions,
        connection,
        subscriptions: BoundedSubscriptions::new(limits.subscriptions),
        notifications: sender,
        limits,
    };
    Connection::new(
        stream,
        account,
        notifications,
        context,
        shared.calls.clone(),
        shared.shutdown.clone(),
    )
}

fn report(connection: u64, end: &End) {
    match end {
        End::ClientLeft | End::Shutdown | End::TakeoverDone => {
            tracing::debug!(connection, ?end, "a connection ended");
        }
        End::Io(cause) => match cause.kind() {
            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => {
                tracing::debug!(connection, %cause, "a client left");
            }
            _ => tracing::warn!(connection, %cause, "a connection failed"),
        },
        End::Overdrawn(why) => {
            tracing::warn!(connection, %why, "a connection was closed");
        }
        End::OversizedNotification => {
            tracing::error!(
                connection,
                "a notification over the limit ended its connection"
            );
        }
    }
}

/// Says why in one line and closes.
fn refuse(shared: &Shared, stream: UnixStream, kind: Kind, why: String) {
    let Ok(slot) = Arc::clone(&shared.refusals).try_acquire_owned() else {
        return;
    };
    shared.connections.spawn(async move {
        let answer = error::reply(Id::Null, error::CONNECTION_REFUSED, kind, why);
        let mut out = LineWriter::new(stream);
        let say = async {
            out.line(answer.get()).await?;
            out.close().await
        };
        // Whether the client still listens makes no difference to us.
        if let Ok(Err(cause)) = tokio::time::timeout(REFUSAL, say).await {
            tracing::debug!(%cause, "a refused client did not wait for the reason");
        }
        drop(slot);
    });
}

async fn drain(shared: &Shared) {
    shared.connections.close();
    shared.calls.close();
    let all = async {
        shared.connections.wait().await;
        shared.calls.wait().await;
    };
    if tokio::time::timeout(shared.server.limits.drain, all)
        .await
        .is_err()
    {
        tracing::warn!(
            connections = shared.connections.len(),
            calls = shared.calls.len(),
            "stopping without waiting any longer"
        );
        shared.cut_off.cancel();
        shared.connections.wait().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_user_and_root_are_let_in() {
        let stranger = |peer, own| {
            is_stranger(
                Credentials {
                    pid: None,
                    uid: peer,
                },
                own,
            )
        };
        assert!(!stranger(1000, 1000));
        assert!(!stranger(0, 1000));
        assert!(stranger(1001, 1000));
        assert!(stranger(1000, 0));
    }
}
