//! The runner's socket: accepting connections, reading frames, answering them.
//!
//! Owns the listener's thread and two threads per connection, one that reads
//! and one that sends. Holds no state of the session. Called by `start`.

use std::io::{self, BufRead, BufReader};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustix::process::Signal as UnixSignal;

use super::agent::Agent;
use super::frame::{MAX_FRAME, Reply, Request, Signal};
use super::hub::{ClientId, Hub};
use super::identity::{Identity, Purpose};
use super::listener::Listener;
use super::peer::may_speak;
use super::stdin::Stdin;
use super::terminate::Terminator;
use super::{FORMAT, spawn_thread};

/// The pause after a connection could not be accepted, so that a process out
/// of file descriptors does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What the buffer of a connection keeps of its memory after a long frame, in
/// bytes.
const BUFFER_KEPT: usize = 64 * 1024;

/// All that a frame can act on.
pub(super) struct Session {
    pub(super) agent: Arc<Agent>,
    pub(super) hub: Arc<Hub>,
    pub(super) stdin: Arc<Stdin>,
    pub(super) terminator: Arc<Terminator>,
    /// What shows that an answer is this runner's.
    pub(super) identity: Option<Arc<Identity>>,
    /// What the daemon has locked, where the system shows who has.
    pub(super) daemon_lock: Option<PathBuf>,
}

/// Serves the listener from threads of its own.
pub(super) fn start(mut listener: Listener, session: Arc<Session>) -> io::Result<()> {
    spawn_thread("accept", move || {
        loop {
            match listener.accept(|| session.hub.has_exited()) {
                Ok(socket) if may_speak(&socket, session.daemon_lock.as_deref()) => {
                    welcome(Arc::new(socket), &session);
                }
                Ok(_) => {}
                Err(_) => thread::sleep(ACCEPT_PAUSE),
            }
        }
    })
}

/// Starts a connection's threads; one that cannot be served is closed.
fn welcome(socket: Arc<UnixStream>, session: &Arc<Session>) {
    let Some((id, replies)) = session.hub.join(Arc::clone(&socket)) else {
        return;
    };
    let (sending, hub) = (Arc::clone(&socket), Arc::clone(&session.hub));
    let sender = spawn_thread("send", move || hub.send_all(id, &sending, replies));
    let serving = Arc::clone(session);
    let reader = sender.and_then(|()| {
        spawn_thread("read", move || {
            serving.read_all(id, &socket);
            serving.hub.leave(id);
        })
    });
    if reader.is_err() {
        session.hub.leave(id);
    }
}

impl Session {
    /// Reads frames until the client is gone.
    fn read_all(&self, id: ClientId, socket: &UnixStream) {
        let mut reader = BufReader::new(socket);
        let mut line = Vec::new();
        loop {
            let reply = match read_line(&mut reader, &mut line) {
                Ok(Read::Line) => match Request::decode(&line) {
                    Ok(request) => self.handle(id, request),
                    Err(error) => Some(Reply::Error {
                        message: error.to_string(),
                    }),
                },
                Ok(Read::TooLong) => Some(Reply::Error {
                    message: format!("frame longer than {MAX_FRAME} bytes"),
                }),
                // Half a frame at the end was cut off and means nothing.
                Ok(Read::End) | Err(_) => return,
            };
            if let Some(reply) = reply
                && !self.hub.answer(id, reply)
            {
                return;
            }
            line.clear();
            line.shrink_to(BUFFER_KEPT);
        }
    }

    fn handle(&self, client: ClientId, request: Request) -> Option<Reply> {
        match request {
            Request::Hello { challenge } => {
                let exited = self.hub.has_exited();
                let signature = challenge
                    .zip(self.identity.as_ref())
                    .map(|(challenge, own)| own.sign(Purpose::Hello, challenge.as_bytes()));
                self.hub.answer_hello(client, |journal| Reply::Hello {
                    format: FORMAT,
                    version: env!("CARGO_PKG_VERSION").to_owned(),
                    runner_pid: std::process::id(),
                    agent_pid: Some(self.agent.pid()),
                    exited,
                    signature,
                    journal,
                });
                None
            }
            Request::Stdin { id, line } => self.stdin.offer(client, id, line),
            Request::CloseStdin {} => {
                self.stdin.close();
                None
            }
            Request::Signal { signal } => {
                self.agent.signal_group(match signal {
                    Signal::Int => UnixSignal::INT,
                    Signal::Term => UnixSignal::TERM,
                    Signal::Kill => UnixSignal::KILL,
                });
                None
            }
            Request::Stop {} => {
                self.agent.hold();
                None
            }
            Request::Continue {} => {
                self.agent.let_go_on();
                None
            }
            Request::Terminate { from } => {
                // What is held meets no other signal.
                let first = match self.agent.is_held() {
                    true => Signal::Kill,
                    false => from.unwrap_or(Signal::Int),
                };
                self.terminator.request(first);
                None
            }
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Read {
    Line,
    TooLong,
    End,
}

/// Reads up to a newline into `line`, without it. Of a line that is too long
/// the rest is skipped, so that the next one is found.
fn read_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Read> {
    let mut too_long = false;
    loop {
        let buffer = match reader.fill_buf() {
            Ok(buffer) => buffer,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if buffer.is_empty() {
            return Ok(Read::End);
        }
        let newline = buffer.iter().position(|byte| *byte == b'\n');
        let part = buffer
            .get(..newline.unwrap_or(buffer.len()))
            .unwrap_or_default();
        too_long |= line.len() + part.len() > MAX_FRAME;
        if too_long {
            line.clear();
        } else {
            line.extend_from_slice(part);
        }
        let used = part.len() + usize::from(newline.is_some());
        reader.consume(used);
        match newline {
            None => {}
            Some(_) if too_long => return Ok(Read::TooLong),
            Some(_) => return Ok(Read::Line),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        reason = "a test says what went wrong by failing"
    )]
    use super::*;

    #[test]
    fn a_long_frame_is_skipped_and_the_next_is_read() {
        let mut bytes = vec![b'x'; MAX_FRAME + 1];
        bytes.extend(b"\nshort\n\nhalf");
        let mut reader = BufReader::new(&bytes[..]);
        let mut line = Vec::new();
        let mut next = || {
            line.clear();
            let read = read_line(&mut reader, &mut line).unwrap();
            (read, line.clone())
        };
        assert_eq!(next().0, Read::TooLong);
        assert_eq!(next(), (Read::Line, b"short".to_vec()));
        assert_eq!(next(), (Read::Line, b"".to_vec()));
        assert_eq!(next().0, Read::End);
    }

    #[test]
    fn a_frame_may_be_as_long_as_stated() {
        let mut bytes = vec![b'x'; MAX_FRAME];
        bytes.push(b'\n');
        let mut line = Vec::new();
        let read = read_line(&mut &bytes[..], &mut line).unwrap();
        assert_eq!((read, line.len()), (Read::Line, MAX_FRAME));
    }
}
