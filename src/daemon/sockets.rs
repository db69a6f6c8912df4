//! The daemon's two sockets: who connects to which, and what is said when one of their files is taken away.
//!
//! All methods are served on the first. The second is the one that isolated agents see. Beside the first there is, where
//! the system has such, one without a file for the user's own programs.

use std::collections::HashSet;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jsonrpsee::Extensions;
use jsonrpsee::core::RegisterMethodError;
use tokio_util::sync::CancellationToken;

use super::callers::AlarmKind;
use super::conditions::Part;
use super::open_files::{self, OpenFiles};
use super::{Daemon, rpc};
use crate::ipc::{self, AbstractListener, Credentials, Limits, Peer, Server};
use crate::platform;

/// How often it is looked whether others listen on names like that of the abstract socket.
const LOOK_AT_NAMES_EVERY: Duration = Duration::from_secs(5);

/// Serves all methods, on the socket of this life lock; without one those that an agent may call.
pub fn server(daemon: &Arc<Daemon>, lock: Option<PathBuf>) -> Result<Server, RegisterMethodError> {
    let agents_only = lock.is_none();
    let module = rpc::module(Arc::clone(daemon))?;
    let sessions = daemon.sessions.clone();
    let on_accept = move |peer: Credentials, process: Peer| {
        let mut extensions = Extensions::new();
        let callers = &sessions.context().callers;
        let caller = Arc::new(callers.accept(peer, process));
        let holder = caller.holder();
        extensions.insert(caller);
        if agents_only {
            extensions.insert(rpc::AgentsOnly);
        }
        ipc::Accepted { extensions, holder }
    };
    Ok(Server {
        methods: module.into(),
        limits: open_files::fitting(Limits::default(), OpenFiles::now()),
        takeover: Some(Arc::new(rpc::Subscribe(Arc::clone(daemon)))),
        on_accept: Arc::new(on_accept),
        on_socket_change: Some(Arc::new(on_socket_change(Arc::clone(daemon), lock))),
    })
}

/// Says what became of a socket's file, and records that it was taken away.
fn on_socket_change(
    daemon: Arc<Daemon>,
    lock: Option<PathBuf>,
) -> impl Fn(ipc::SocketChange) + Send + Sync {
    let (part, socket) = match lock {
        Some(_) => (
            Part::Socket,
            format!("the socket {}", daemon.socket.display()),
        ),
        // Those agents cannot do that themselves.
        None => (
            Part::AgentsSocket,
            "the socket for isolated agents".to_owned(),
        ),
    };
    move |change| {
        let problem = match &change {
            ipc::SocketChange::BoundAgain | ipc::SocketChange::Back => None,
            ipc::SocketChange::Lost(why) => Some(format!(
                "{socket} was taken away and cannot be bound again: {why}"
            )),
        };
        daemon.conditions.set(part.clone(), problem.clone());
        // Whoever starts another daemon takes the lock that is there.
        let lock_too = match &lock {
            Some(lock) if !lock.exists() => ", and so was its lock",
            _ => "",
        };
        let detail = match (change, problem) {
            (ipc::SocketChange::Back, _) => return,
            (_, Some(problem)) => problem,
            (_, None) => {
                format!("{socket} was deleted or replaced{lock_too}; it was bound again")
            }
        };
        tracing::error!(detail);
        let store = daemon.store.clone();
        tokio::spawn(async move {
            let kind = AlarmKind::SocketTaken;
            if let Err(error) = store.raise_about_daemon(kind, detail).await {
                tracing::warn!(%error, "cannot record that a socket was taken away");
            }
        });
    }
}

/// The socket without a file beside the one at a path; without it there is one way in less.
pub fn abstract_listener(socket: &Path) -> Option<AbstractListener> {
    AbstractListener::bind(socket)
        .inspect_err(|error| tracing::debug!(%error, "there is no abstract socket"))
        .ok()
}

/// Looks whether others listen on names that clients of this daemon look at. They get no client by that, which all look who
/// serves them; but a person is to know.
pub async fn watch_names(daemon: Arc<Daemon>, own: Option<Vec<u8>>, stop: CancellationToken) {
    let Some(own) = own else {
        return;
    };
    let mut told = HashSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK_AT_NAMES_EVERY) => {}
        }
        let names = ipc::abstract_socket::names(&daemon.socket);
        for name in names.iter().filter(|name| **name != own) {
            let Some(pid) = listener_of(name) else {
                continue;
            };
            // One alarm for each process, and not for each of its sockets.
            let process = (pid, platform::process_start_time(pid));
            if process.1.is_none() || told.len() >= MAX_TOLD || !told.insert(process) {
                continue;
            }
            let detail = format!(
                "another program listens on a name like that of this daemon's abstract socket, to be taken for it: {}",
                platform::describe_process(pid)
            );
            tracing::error!(detail);
            let kind = AlarmKind::SocketTaken;
            if let Err(error) = daemon.store.raise_about_daemon(kind, detail).await {
                tracing::warn!(%error, "cannot record that another program listens on such a name");
            }
        }
    }
}

/// Most processes of which it is told that they listen on such names.
const MAX_TOLD: usize = 16;

/// Which process listens on a name.
fn listener_of(name: &[u8]) -> Option<u32> {
    let stream = ipc::abstract_socket::connect(name).ok()?;
    platform::peer_pid(stream.as_fd())
}
