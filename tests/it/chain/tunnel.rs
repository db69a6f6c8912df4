//! A tunnel, as SSH makes one: a port here that leads there.
//!
//! It can be cut and mended, and it counts the answers that go through it.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// How the head of a request that brings an answer goes on after its path.
const ANSWER: &[u8] = b"/respond HTTP/1.1\r\n";

/// The tunnel; open at first. Ends with the test's process.
pub struct Tunnel {
    address: SocketAddr,
    state: Arc<State>,
}

struct State {
    /// The connections through it; none while it is cut.
    streams: Mutex<Option<Vec<TcpStream>>>,
    answers: AtomicUsize,
}

impl Tunnel {
    pub fn to(there: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            streams: Mutex::new(Some(Vec::new())),
            answers: AtomicUsize::new(0),
        });
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for here in listener.incoming().flatten() {
                shared.lead(here, there);
            }
        });
        Self { address, state }
    }

    /// Where it begins.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many answers have gone through.
    pub fn answers(&self) -> usize {
        self.state.answers.load(Ordering::SeqCst)
    }

    /// Cuts every connection; new ones lead nowhere.
    pub fn cut(&self) {
        let streams = self.state.streams.lock().unwrap().take();
        for stream in streams.into_iter().flatten() {
            // It may have ended already.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    pub fn mend(&self) {
        *self.state.streams.lock().unwrap() = Some(Vec::new());
    }
}

impl State {
    fn lead(self: &Arc<Self>, here: TcpStream, there: SocketAddr) {
        let mut streams = self.streams.lock().unwrap();
        // Dropped, the connection is closed.
        let Some(streams) = streams.as_mut() else {
            return;
        };
        let Ok(there) = TcpStream::connect(there) else {
            return;
        };
        let copy = |stream: &TcpStream| stream.try_clone().unwrap();
        streams.extend([copy(&here), copy(&there)]);
        let (back, forth) = ((copy(&there), copy(&here)), (here, there));
        let state = Arc::clone(self);
        thread::spawn(move || {
            let mut head = Vec::new();
            pass(forth.0, forth.1, |bytes| state.count(&mut head, bytes));
        });
        thread::spawn(move || pass(back.0, back.1, |_| {}));
    }

    /// Counts the answers in what goes there, also those that come in pieces.
    fn count(&self, seen: &mut Vec<u8>, bytes: &[u8]) {
        seen.extend_from_slice(bytes);
        let found = seen.windows(ANSWER.len()).filter(|it| *it == ANSWER);
        self.answers.fetch_add(found.count(), Ordering::SeqCst);
        let done = seen.len().saturating_sub(ANSWER.len() - 1);
        seen.drain(..done);
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, mut look: impl FnMut(&[u8])) {
    let mut bytes = [0; 16 * 1024];
    while let Ok(read) = from.read(&mut bytes) {
        look(&bytes[..read]);
        if read == 0 || to.write_all(&bytes[..read]).is_err() {
            break;
        }
    }
    for stream in [from, to] {
        // The other direction may have done so already.
        let _ = stream.shutdown(Shutdown::Both);
    }
}
