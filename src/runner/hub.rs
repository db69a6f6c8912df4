//! The open connections and what is still to be sent to each of them.
//!
//! Owns one bounded queue of replies per client and the news of the agent's
//! end, which every client gets, early or late. Must never block a thread that
//! works for more than one client. Called by `serve` (join, answer, leave),
//! `stdin` (acknowledgements) and `start` (the end).

use std::collections::BTreeMap;
use std::io::Write;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::frame::{JournalProblem, Reply};
use super::{CLIENT_QUEUE, MAX_CLIENTS, lock};

/// Names a connection; never used twice.
pub(super) type ClientId = u64;

struct Client {
    queue: SyncSender<Reply>,
    socket: Arc<UnixStream>,
    /// The news of the end is queued but not yet in the socket.
    untold: bool,
}

#[derive(Default)]
struct State {
    clients: BTreeMap<ClientId, Client>,
    joined: ClientId,
    exited: Option<Reply>,
    journal: Option<JournalProblem>,
}

#[derive(Default)]
pub(super) struct Hub {
    state: Mutex<State>,
    told: Condvar,
}

impl Hub {
    /// Takes a connection in; `None` when there are too many. What is to be
    /// sent comes out of the receiver, the end first if it has come already.
    pub(super) fn join(&self, socket: Arc<UnixStream>) -> Option<(ClientId, Receiver<Reply>)> {
        let mut state = lock(&self.state);
        if state.clients.len() >= MAX_CLIENTS {
            return None;
        }
        state.joined += 1;
        let id = state.joined;
        let (queue, replies) = sync_channel(CLIENT_QUEUE);
        let exited = state.exited.clone();
        let untold = exited.is_some_and(|exited| queue.try_send(exited).is_ok());
        let client = Client {
            queue,
            socket,
            untold,
        };
        state.clients.insert(id, client);
        Some((id, replies))
    }

    /// Forgets a connection; what is queued for it is still sent.
    pub(super) fn leave(&self, id: ClientId) {
        lock(&self.state).clients.remove(&id);
        self.told.notify_all();
    }

    /// Queues a reply from the thread that reads this client alone: it waits
    /// while the queue is full, so a client that does not read is not read.
    /// False once the connection is gone.
    pub(super) fn answer(&self, id: ClientId, reply: Reply) -> bool {
        let queue = match lock(&self.state).clients.get(&id) {
            Some(client) => client.queue.clone(),
            None => return false,
        };
        queue.send(reply).is_ok()
    }

    /// Queues a reply from a thread that serves everyone: it never waits, a
    /// client whose queue is full is disconnected.
    pub(super) fn push(&self, id: ClientId, reply: Reply) {
        let mut state = lock(&self.state);
        let Some(client) = state.clients.get(&id) else {
            return;
        };
        if client.queue.try_send(reply).is_err() {
            // Its reader sees the end of the stream and tidies up.
            let _ = client.socket.shutdown(Shutdown::Both);
            state.clients.remove(&id);
        }
    }

    /// Queues an answer that says how the journal is, so that it and the news of that come in their order. A
    /// client whose queue is full is disconnected.
    pub(super) fn answer_hello(
        &self,
        id: ClientId,
        hello: impl FnOnce(Option<JournalProblem>) -> Reply,
    ) {
        let mut state = lock(&self.state);
        let reply = hello(state.journal.clone());
        let Some(client) = state.clients.get(&id) else {
            return;
        };
        if client.queue.try_send(reply).is_err() {
            let _ = client.socket.shutdown(Shutdown::Both);
            state.clients.remove(&id);
        }
    }

    /// Tells every client, and each that says hello later, how the journal is.
    pub(super) fn tell_of_journal(&self, problem: Option<JournalProblem>) {
        let mut state = lock(&self.state);
        if state.journal == problem {
            return;
        }
        state.journal.clone_from(&problem);
        state.clients.retain(|_, client| {
            let reply = Reply::Journal {
                problem: problem.clone(),
            };
            let is_queued = client.queue.try_send(reply).is_ok();
            if !is_queued {
                let _ = client.socket.shutdown(Shutdown::Both);
            }
            is_queued
        });
    }

    /// Whether the end was announced.
    pub(super) fn has_exited(&self) -> bool {
        lock(&self.state).exited.is_some()
    }

    /// Tells every client, and each that joins later, that the agent is gone.
    pub(super) fn announce_exit(&self, exited: &Reply) {
        let mut state = lock(&self.state);
        state.exited = Some(exited.clone());
        state.clients.retain(|_, client| {
            client.untold = client.queue.try_send(exited.clone()).is_ok();
            if !client.untold {
                let _ = client.socket.shutdown(Shutdown::Both);
            }
            client.untold
        });
    }

    /// Waits until the end is in the socket of every client that is there.
    pub(super) fn linger(&self, at_most: Duration) {
        let state = lock(&self.state);
        let untold = |state: &mut State| state.clients.values().any(|client| client.untold);
        drop(
            self.told
                .wait_timeout_while(state, at_most, untold)
                .unwrap_or_else(PoisonError::into_inner),
        );
    }

    /// Sends what is queued for one client until it or the queue is gone.
    pub(super) fn send_all(&self, id: ClientId, mut socket: &UnixStream, replies: Receiver<Reply>) {
        for reply in replies {
            if socket.write_all(reply.encode().as_bytes()).is_err() {
                // Wakes the reader of this connection as well.
                let _ = socket.shutdown(Shutdown::Both);
                break;
            }
            if matches!(reply, Reply::Exited { .. }) {
                if let Some(client) = lock(&self.state).clients.get_mut(&id) {
                    client.untold = false;
                }
                self.told.notify_all();
            }
        }
    }
}
