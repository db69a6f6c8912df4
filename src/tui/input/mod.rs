//! What comes from the terminal: keys, the mouse, pastes, and answers to what it was asked.
//!
//! Bytes are read here and nowhere else, when the dashboard asks for them and never before: what is
//! not read stays in the terminal, for a program that borrows it too. An answer is an answer however
//! late it comes and wherever it is parted: no part of it is ever taken for keys. The end of the
//! terminal is an end, and not a thing to try again. Called by the runtime alone.

mod cut;
mod decode;

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use crossterm::event::Event;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::{Instant, Sleep};

use cut::{Cutter, Piece};
pub use decode::Input;

/// How long the rest of a sequence may take until its beginning is a key by itself.
const SOON: Duration = Duration::from_millis(50);
/// The same while the terminal owes an answer, which the network may have parted.
const NOT_SO_SOON: Duration = Duration::from_millis(500);
/// Bytes that are read at once.
const CHUNK: usize = 16 * 1024;
/// Inputs that are kept before more is read.
const QUEUE: usize = 1_024;

/// What comes from a terminal.
pub struct Terminal {
    file: AsyncFd<OwnedFd>,
    cutter: Cutter,
    queue: VecDeque<Input>,
    /// Set while what has come may or may not be a key.
    undecided: Option<Pin<Box<Sleep>>>,
    is_owed: bool,
    is_over: bool,
}

impl Terminal {
    /// Reads from this file.
    ///
    /// # Errors
    /// The system cannot say when something is to be read there.
    pub fn new(file: OwnedFd) -> io::Result<Self> {
        #[allow(
            deprecated,
            reason = "its successor is unsafe for the sake of types that may exchange their descriptor; an OwnedFd does not"
        )]
        let file = AsyncFd::with_interest(file, Interest::READABLE)?;
        Ok(Self {
            file,
            cutter: Cutter::default(),
            queue: VecDeque::new(),
            undecided: None,
            is_owed: false,
            is_over: false,
        })
    }

    /// Says whether the terminal owes an answer.
    pub fn owes_answer(&mut self, is_owed: bool) {
        self.is_owed = is_owed;
    }

    /// Puts inputs back that come before all others, the first one first.
    pub fn put_back(&mut self, inputs: Vec<Input>) {
        for input in inputs.into_iter().rev() {
            self.queue.push_front(input);
        }
    }

    /// The next input; none when the terminal is gone.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Input>> {
        loop {
            if let Some(input) = self.queue.pop_front() {
                return Poll::Ready(Some(input));
            }
            if self.is_over {
                return Poll::Ready(None);
            }
            if self.read_waiting() {
                continue;
            }
            if self.is_over {
                return Poll::Ready(None);
            }
            // Nothing is there. What is undecided has had its time, or gets it.
            if self.cutter.is_undecided() {
                let soon = if self.is_owed { NOT_SO_SOON } else { SOON };
                let sleep = self.undecided.get_or_insert_with(|| {
                    Box::pin(tokio::time::sleep_until(Instant::now() + soon))
                });
                if sleep.as_mut().poll(context).is_ready() {
                    self.undecided = None;
                    let queue = &mut self.queue;
                    self.cutter.decide(|piece| queue.extend(meaning(piece)));
                    continue;
                }
            }
            let Ok(mut ready) = ready!(self.file.poll_read_ready(context)) else {
                self.is_over = true;
                return Poll::Ready(None);
            };
            if !is_readable(self.file.get_ref()) {
                ready.clear_ready();
            }
        }
    }

    /// Takes what is there already, without waiting.
    fn read_waiting(&mut self) -> bool {
        let mut has_read = false;
        while !self.is_over && self.queue.len() < QUEUE && is_readable(self.file.get_ref()) {
            let mut chunk = [0; CHUNK];
            match rustix::io::read(self.file.get_ref(), &mut chunk) {
                Ok(0) => self.is_over = true,
                Ok(count) => {
                    has_read = true;
                    self.undecided = None;
                    let queue = &mut self.queue;
                    for byte in chunk.iter().take(count) {
                        self.cutter
                            .take(*byte, |piece| queue.extend(meaning(piece)));
                    }
                }
                Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => break,
                Err(_) => self.is_over = true,
            }
        }
        has_read
    }
}

fn meaning(piece: Piece) -> Option<Input> {
    match piece {
        Piece::Sequence(sequence) => decode::decode(&sequence),
        Piece::Paste(text) => Some(Input::Event(Event::Paste(text))),
    }
}

/// Whether reading would not wait. The file itself stays one that waits: others share it.
fn is_readable(file: &impl AsFd) -> bool {
    let mut files = [PollFd::new(file, PollFlags::IN)];
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // An end is readable, too.
    matches!(poll(&mut files, Some(&now)), Ok(1..))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use std::future::poll_fn;
    use std::io::Write as _;
    use std::os::unix::net::UnixStream;

    use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
    use proptest::prelude::*;

    use super::*;

    fn pressed(code: KeyCode) -> Input {
        Input::Event(Event::Key(KeyEvent::new(code, KeyModifiers::NONE)))
    }

    async fn next(terminal: &mut Terminal) -> Option<Input> {
        poll_fn(|context| terminal.poll_next(context)).await
    }

    /// Sends parts, each after the last one was taken in, and gives all that came of it.
    fn after(parts: &[&[u8]], is_owed: bool) -> Vec<Input> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let (mut hand, there) = UnixStream::pair().unwrap();
            let mut terminal = Terminal::new(there.into()).unwrap();
            terminal.owes_answer(is_owed);
            let mut all = Vec::new();
            for part in parts {
                hand.write_all(part).unwrap();
                while let Poll::Ready(input) =
                    poll_fn(|context| Poll::Ready(terminal.poll_next(context))).await
                {
                    all.extend(input);
                }
            }
            drop(hand);
            while let Some(input) = next(&mut terminal).await {
                all.push(input);
            }
            all
        })
    }

    #[tokio::test]
    async fn a_lone_esc_is_a_key_when_nothing_follows() {
        let (mut hand, there) = UnixStream::pair().unwrap();
        let mut terminal = Terminal::new(there.into()).unwrap();
        hand.write_all(b"\x1b").unwrap();
        assert_eq!(next(&mut terminal).await, Some(pressed(KeyCode::Esc)));
        hand.write_all(b"y").unwrap();
        assert_eq!(next(&mut terminal).await, Some(pressed(KeyCode::Char('y'))));
        drop(hand);
        assert_eq!(next(&mut terminal).await, None);
        assert_eq!(next(&mut terminal).await, None, "and it stays over");
    }

    #[test]
    fn an_answer_is_an_answer_wherever_it_is_parted() {
        let answer = b"\x1b]11;rgb:dada/eded/ecec\x1b\\\x1b[?64;1;9c";
        let whole = after(&[answer], true);
        assert_eq!(
            whole,
            [Input::Ground([0xda, 0xed, 0xec]), Input::Attributes]
        );
        for at in 1..answer.len() {
            let (one, two) = answer.split_at(at);
            assert_eq!(after(&[one, two], true), whole, "parted at {at}");
        }
        let bytes: Vec<&[u8]> = answer.chunks(1).collect();
        assert_eq!(after(&bytes, true), whole);
    }

    #[test]
    fn keys_around_an_answer_stay() {
        let all = after(&[b"y\x1b]11;rgb:1/2/3\x07n"], true);
        let ground = Input::Ground([0x11, 0x22, 0x33]);
        assert_eq!(
            all,
            [
                pressed(KeyCode::Char('y')),
                ground,
                pressed(KeyCode::Char('n'))
            ]
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn it_does_not_matter_how_bytes_are_parted(
            pieces in prop::collection::vec(prop::sample::select(vec![
                "y", "漢", "\x1b[A", "\x1b[1;5C", "\x1bx", "\x1b[200~y\n漢y\x1b[201~", "\x1b[<0;3;4M", "\x1b[I",
                "\x1b]11;rgb:ff/ff/ff\x07", "\x1b[?62;22c", "\x1bOP", "\r",
            ]), 1..12),
            cuts in prop::collection::vec(0_usize..200, 0..6),
        ) {
            let bytes = pieces.concat().into_bytes();
            let whole = after(&[&bytes], true);
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut % bytes.len()).collect();
            cuts.sort_unstable();
            let mut parts = Vec::new();
            let mut from = 0;
            for cut in cuts {
                parts.push(&bytes[from..cut]);
                from = cut;
            }
            parts.push(&bytes[from..]);
            prop_assert_eq!(after(&parts, true), whole);
        }
    }
}
