//! The daemon's two sockets: who connects to which, and what is said when one of their files is taken away.
//!
//! All methods are served on the first. The second is the one that isolated agents see.

use std::path::PathBuf;
use std::sync::Arc;

use jsonrpsee::Extensions;
use jsonrpsee::core::RegisterMethodError;

use super::callers::AlarmKind;
use super::conditions::Part;
use super::{Daemon, rpc};
use crate::ipc::{self, Credentials, Limits, Peer, Server};

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
        limits: Limits::default(),
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
        daemon.conditions.set(part.clone(), problem);
        if change != ipc::SocketChange::BoundAgain {
            return;
        }
        // Whoever starts another daemon takes the lock that is there.
        let lock_too = match &lock {
            Some(lock) if !lock.exists() => ", and so was its lock",
            _ => "",
        };
        let detail = format!("{socket} was deleted or replaced{lock_too}; it was bound again");
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
