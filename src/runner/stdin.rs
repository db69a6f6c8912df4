//! The agent's stdin: whole lines, in order, each id once.
//!
//! Owns the bounded queue, the thread that writes, and the memory of what was
//! delivered. Clients hear of a line only after all of it was written. Must
//! not parse lines or know why they are sent. Called by `serve` (offer, close)
//! and `start` (finish).

use std::collections::{HashMap, HashSet, VecDeque};
use std::io::Write;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::frame::{MAX_ID, NackReason, Reply};
use super::hub::{ClientId, Hub};
use super::{REPORTED_LINES, STDIN_QUEUE_BYTES, STDIN_QUEUE_LINES, lock, spawn_thread};

/// How many frames of one id are answered when its line is delivered; a
/// client that sends it more often meanwhile gets no more answers than that.
const WAITING_PER_ID: usize = 64;

/// How long the line that is being written is waited for once the agent is gone. The write itself
/// cannot take any time then: this is for a machine that does not let its thread run.
const LAST_LINE_WAIT: Duration = Duration::from_secs(10);

struct Line {
    id: String,
    text: String,
}

struct State {
    open: bool,
    /// Whether a line has left the queue and is not answered yet.
    writing: bool,
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
    pipe: UnixStream,
    hub: Arc<Hub>,
}

impl Stdin {
    /// Starts the thread that writes to `pipe`.
    pub(super) fn start(pipe: UnixStream, hub: Arc<Hub>) -> std::io::Result<Arc<Self>> {
        let stdin = Arc::new(Self {
            state: Mutex::new(State {
                open: true,
                writing: false,
                queue: VecDeque::new(),
                bytes: 0,
                waiting: HashMap::new(),
                delivered: HashSet::new(),
                last: VecDeque::new(),
            }),
            changed: Condvar::new(),
            pipe,
            hub,
        });
        let writer = Arc::clone(&stdin);
        spawn_thread("stdin", move || writer.write_lines())?;
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

    /// The agent is gone: what was not delivered never will be. The line that
    /// is being written is waited for, as the agent may have acted on it: who
    /// heard that it was refused would send it again.
    pub(super) fn finish(&self) {
        {
            let mut state = lock(&self.state);
            state.open = false;
            // A write that hangs, because a process that escaped us holds the other end, fails now.
            let _ = self.pipe.shutdown(Shutdown::Both);
            if state.writing {
                drop(
                    self.changed
                        .wait_timeout_while(state, LAST_LINE_WAIT, |state| state.writing),
                );
            }
        }
        self.give_up();
        self.changed.notify_all();
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

    fn write_lines(&self) {
        let mut pipe = &self.pipe;
        while let Some(Line { id, mut text }) = self.next_line() {
            let size = text.len();
            text.push('\n');
            let written = pipe.write_all(text.as_bytes());
            drop(text);
            match written {
                Ok(()) => self.delivered(id, size),
                Err(_) => self.give_up(),
            }
            lock(&self.state).writing = false;
            self.changed.notify_all();
        }
        // The agent reads the end of its input.
        let _ = pipe.shutdown(Shutdown::Both);
    }

    /// Waits for a line; `None` once stdin is closed and nothing is left.
    fn next_line(&self) -> Option<Line> {
        let mut state = self
            .changed
            .wait_while(lock(&self.state), |state| {
                state.open && state.queue.is_empty()
            })
            .unwrap_or_else(PoisonError::into_inner);
        let line = state.queue.pop_front();
        state.writing = line.is_some();
        self.changed.notify_all();
        line
    }

    fn delivered(&self, id: String, size: usize) {
        let clients = {
            let mut state = lock(&self.state);
            // Absent only if it was given up as this took too long.
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]
    use std::io::{BufRead, BufReader};

    use super::*;

    /// An agent that ends at once after its line is gone before the thread that wrote the line is
    /// back from the system, now and then.
    #[test]
    fn what_the_agent_read_before_it_ended_is_acknowledged_never_refused() {
        for _ in 0..2_000 {
            let (ours, agents) = UnixStream::pair().unwrap();
            let (socket, _client) = UnixStream::pair().unwrap();
            let hub = Arc::new(Hub::default());
            let (client, replies) = hub.join(Arc::new(socket)).unwrap();
            let stdin = Stdin::start(ours, Arc::clone(&hub)).unwrap();
            assert_eq!(stdin.offer(client, "1".to_owned(), "go".to_owned()), None);
            let mut line = String::new();
            BufReader::new(agents).read_line(&mut line).unwrap();
            stdin.finish();
            let duplicate = false;
            let id = "1".to_owned();
            assert_eq!(line, "go\n");
            assert_eq!(replies.try_recv(), Ok(Reply::Ack { id, duplicate }));
            assert_eq!(stdin.last_delivered(), ["1"]);
        }
    }

    /// A process that escaped us may hold the other end for ever, and read nothing.
    #[test]
    fn a_line_that_nobody_reads_holds_up_no_end() {
        let (ours, _held) = UnixStream::pair().unwrap();
        let (socket, _client) = UnixStream::pair().unwrap();
        let hub = Arc::new(Hub::default());
        let (client, replies) = hub.join(Arc::new(socket)).unwrap();
        let stdin = Stdin::start(ours, Arc::clone(&hub)).unwrap();
        assert_eq!(
            stdin.offer(client, "1".to_owned(), "x".repeat(8 << 20)),
            None
        );
        drop(
            stdin
                .changed
                .wait_while(lock(&stdin.state), |state| !state.writing)
                .unwrap(),
        );
        stdin.finish();
        let reason = NackReason::Closed;
        let id = "1".to_owned();
        assert_eq!(replies.try_recv(), Ok(Reply::Nack { id, reason }));
    }
}
