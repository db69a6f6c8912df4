//! The agent's stdin: whole lines, in order, each id once.
//!
//! Owns the bounded queue, the thread that writes, and the memory of what was
//! delivered. Clients hear of a line only after all of it was written. Must
//! not parse lines or know why they are sent. Called by `serve` (offer, close)
//! and `start` (finish).

use std::collections::{HashMap, HashSet, VecDeque};
use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use super::frame::{MAX_ID, NackReason, Reply};
use super::hub::{ClientId, Hub};
use super::{REPORTED_LINES, STDIN_QUEUE_BYTES, STDIN_QUEUE_LINES, lock, spawn_thread};

/// How many frames of one id are answered when its line is delivered; a
/// client that sends it more often meanwhile gets no more answers than that.
const WAITING_PER_ID: usize = 64;

struct Line {
    id: String,
    text: String,
}

struct State {
    open: bool,
    queue: VecDeque<Line>,
    /// Bytes of the queued lines and of the one being written.
    bytes: usize,
    /// Who waits for each line that is queued or being written; first the one
    /// that sent it first.
    waiting: HashMap<String, Vec<ClientId>>,
    /// All that were ever delivered. An id is typically a uuid, with its entry
    /// about 100 bytes: even 100,000 lines to one agent, years of them, take
    /// 10 MB. Forgetting any would mean trusting that no client sends again
    /// what it failed to note as acknowledged.
    delivered: HashSet<Box<str>>,
    /// The last of them, oldest first; at most [`REPORTED_LINES`].
    last: VecDeque<Box<str>>,
}

/// The queue in front of the agent's stdin.
pub(super) struct Stdin {
    state: Mutex<State>,
    changed: Condvar,
    hub: Arc<Hub>,
}

impl Stdin {
    /// Starts the thread that writes to `pipe`.
    pub(super) fn start(
        pipe: impl Write + Send + 'static,
        hub: Arc<Hub>,
    ) -> std::io::Result<Arc<Self>> {
        let stdin = Arc::new(Self {
            state: Mutex::new(State {
                open: true,
                queue: VecDeque::new(),
                bytes: 0,
                waiting: HashMap::new(),
                delivered: HashSet::new(),
                last: VecDeque::new(),
            }),
            changed: Condvar::new(),
            hub,
        });
        let writer = Arc::clone(&stdin);
        spawn_thread("stdin", move || writer.write_lines(pipe))?;
        Ok(stdin)
    }

    /// Takes a line for the agent. Returns the answer if there is one now;
    /// else the answer comes when the line is delivered or given up.
    pub(super) fn offer(&self, client: ClientId, id: String, text: String) -> Option<Reply> {
        if id.is_empty() || id.len() > MAX_ID {
            let mut end = id.len().min(MAX_ID);
            while !id.is_char_boundary(end) {
                end -= 1;
            }
            let id = id.get(..end).unwrap_or_default().to_owned();
            let reason = NackReason::BadId;
            return Some(Reply::Nack { id, reason });
        }
        let mut state = lock(&self.state);
        if state.delivered.contains(id.as_str()) {
            let duplicate = true;
            return Some(Reply::Ack { id, duplicate });
        }
        if let Some(waiting) = state.waiting.get_mut(&id) {
            if waiting.len() < WAITING_PER_ID {
                waiting.push(client);
            }
            return None;
        }
        let refused = if !state.open {
            Some(NackReason::Closed)
        } else if text.contains(['\n', '\r']) {
            Some(NackReason::NotOneLine)
        } else if state.waiting.len() >= STDIN_QUEUE_LINES
            || (!state.waiting.is_empty() && state.bytes + text.len() > STDIN_QUEUE_BYTES)
        {
            Some(NackReason::Full)
        } else {
            None
        };
        if let Some(reason) = refused {
            return Some(Reply::Nack { id, reason });
        }
        state.bytes += text.len();
        state.waiting.insert(id.clone(), vec![client]);
        state.queue.push_back(Line { id, text });
        self.changed.notify_one();
        None
    }

    /// Takes no more lines, and closes the pipe behind those it has.
    pub(super) fn close(&self) {
        lock(&self.state).open = false;
        self.changed.notify_one();
    }

    /// The agent is gone: what was not delivered never will be. The writing
    /// thread may still hang in the pipe of a process that escaped us, so it
    /// is not waited for.
    pub(super) fn finish(&self) {
        self.give_up();
        self.changed.notify_one();
    }

    /// The ids of the last lines that were delivered, oldest first.
    pub(super) fn last_delivered(&self) -> Vec<String> {
        let state = lock(&self.state);
        state.last.iter().map(ToString::to_string).collect()
    }

    fn give_up(&self) {
        let waiting = {
            let mut state = lock(&self.state);
            state.open = false;
            state.queue.clear();
            state.bytes = 0;
            std::mem::take(&mut state.waiting)
        };
        for (id, clients) in waiting {
            for client in clients {
                let reason = NackReason::Closed;
                let id = id.clone();
                self.hub.push(client, Reply::Nack { id, reason });
            }
        }
    }

    fn write_lines(&self, mut pipe: impl Write) {
        while let Some(Line { id, mut text }) = self.next_line() {
            let size = text.len();
            text.push('\n');
            if pipe.write_all(text.as_bytes()).is_err() {
                self.give_up();
                return;
            }
            drop(text);
            self.delivered(id, size);
        }
    }

    /// Waits for a line; `None` once stdin is closed and nothing is left.
    fn next_line(&self) -> Option<Line> {
        let mut state = self
            .changed
            .wait_while(lock(&self.state), |state| {
                state.open && state.queue.is_empty()
            })
            .unwrap_or_else(PoisonError::into_inner);
        state.queue.pop_front()
    }

    fn delivered(&self, id: String, size: usize) {
        let clients = {
            let mut state = lock(&self.state);
            // Absent if the agent's end was seen first; then it was refused.
            let Some(clients) = state.waiting.remove(&id) else {
                return;
            };
            state.bytes = state.bytes.saturating_sub(size);
            state.delivered.insert(id.as_str().into());
            if state.last.len() == REPORTED_LINES {
                state.last.pop_front();
            }
            state.last.push_back(id.as_str().into());
            clients
        };
        for (index, client) in clients.into_iter().enumerate() {
            let id = id.clone();
            let duplicate = index > 0;
            self.hub.push(client, Reply::Ack { id, duplicate });
        }
    }
}
