//! The agent's stdout: read here, appended to the journal, lost to no disk.
//!
//! Owns the journal's file and what the disk does not take yet. A disk that is full, read-only, failing or
//! slow costs nothing of what the agent says: up to [`HELD`] bytes of it are kept in memory and tried again
//! until they are written, in order and once; beyond that the agent is read no further, so that it waits in
//! its own writing. Clients are told while it lasts. Called by `start`.
//!
//! Why the runner stands between the agent and its journal (`benches/journal.c` measures all ways in one
//! run; the figures are in `benches/README.md`): an agent whose output *is* the file meets every failing
//! write itself, and drops the line. Space reserved ahead helps against a full disk alone, only as long as
//! the agent writes less than what is reserved between two looks, and costs as much as a copy if it is
//! renewed at each line. Stopping the agent by a signal comes after the line is gone. A copy costs some
//! fifteen microseconds of processor time a line, as long again until the daemon sees it, and is faster than
//! the file when much is written, as what comes at once is written at once. A socket rather than a pipe:
//! nobody can open its reading end through `/proc` and take away what the agent says.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Instant;

use super::dir::SessionDir;
use super::frame::JournalProblem;
use super::hub::Hub;
use super::{HELD, JOURNAL_RETRY, STDOUT_DRAIN_WAIT, spawn_thread};

/// How much is read at once, in bytes.
const CHUNK: usize = 64 * 1024;

/// The thread that reads stdout, as its owner sees it.
pub(super) struct Stdout {
    socket: Arc<UnixStream>,
    ended: Receiver<()>,
}

impl Stdout {
    /// Starts copying what comes out of `socket` into `journal`, the journal of `dir`.
    pub(super) fn start(
        socket: UnixStream,
        journal: File,
        dir: &SessionDir,
        hub: Arc<Hub>,
    ) -> io::Result<Self> {
        let socket = Arc::new(socket);
        let (end, ended) = sync_channel(1);
        let (source, place) = (Arc::clone(&socket), dir.path().to_owned());
        spawn_thread("stdout", move || {
            let mut copy = Copy::new(journal, place, move |problem| hub.tell_of_journal(problem));
            copy.run(&source);
            let _ = end.send(());
        })?;
        Ok(Self { socket, ended })
    }

    /// Waits until all that the agent has written, which is gone, is in its journal; however long the disk
    /// does not take it. Only if there is no journal any more it is given up.
    pub(super) fn finish(&self) {
        if self.ended.recv_timeout(STDOUT_DRAIN_WAIT).is_err() {
            // A process that escaped us holds the other end, or the disk refuses. What is in the socket can
            // still be read then, and its end is.
            let _ = self.socket.shutdown(Shutdown::Read);
            let _ = self.ended.recv();
        }
    }
}

/// What is between the agent and its journal.
struct Copy<W, T> {
    journal: W,
    /// The session's directory.
    place: PathBuf,
    /// What the disk has not taken yet, oldest first.
    held: Vec<u8>,
    /// When that was tried last.
    tried: Instant,
    /// Whether nothing more comes.
    ended: bool,
    problem: Option<JournalProblem>,
    tell: T,
}

impl<W: Write, T: FnMut(Option<JournalProblem>)> Copy<W, T> {
    fn new(journal: W, place: PathBuf, tell: T) -> Self {
        Self {
            journal,
            place,
            held: Vec::new(),
            tried: Instant::now(),
            ended: false,
            problem: None,
            tell,
        }
    }

    /// Copies until the other end is closed and everything is written.
    fn run(&mut self, source: &UnixStream) {
        let mut chunk = vec![0; CHUNK];
        let mut is_patient = true;
        loop {
            let is_stuck = !self.held.is_empty();
            if is_stuck == is_patient {
                // While something is held it is tried again in between.
                let limit = is_stuck.then_some(JOURNAL_RETRY);
                if source.set_read_timeout(limit).is_ok() {
                    is_patient = !is_stuck;
                }
            }
            if is_stuck && (self.ended || self.held.len() >= HELD) {
                std::thread::sleep(JOURNAL_RETRY);
            } else if !self.take(&mut &*source, &mut chunk) {
                self.ended = true;
            }
            if is_stuck && self.tried.elapsed() >= JOURNAL_RETRY && !self.try_again() {
                return;
            }
            if self.ended && self.held.is_empty() {
                return;
            }
        }
    }

    /// Takes what has come; says whether more may come.
    fn take(&mut self, source: &mut impl Read, chunk: &mut [u8]) -> bool {
        let read = match source.read(chunk) {
            Ok(0) => return false,
            Ok(read) => read,
            Err(error) => {
                return matches!(
                    error.kind(),
                    ErrorKind::Interrupted | ErrorKind::WouldBlock | ErrorKind::TimedOut
                );
            }
        };
        let bytes = chunk.get(..read).unwrap_or_default();
        if self.held.is_empty() {
            let (written, failure) = write(&mut self.journal, bytes);
            if let Some(failure) = failure {
                self.held
                    .extend_from_slice(bytes.get(written..).unwrap_or_default());
                self.failed(&failure);
            }
        } else {
            self.held.extend_from_slice(bytes);
            self.tell_if_it_waits();
        }
        true
    }

    /// Tries to write what is held; says whether that makes sense any more.
    fn try_again(&mut self) -> bool {
        let (written, failure) = write(&mut self.journal, &self.held);
        self.held.drain(..written);
        match failure {
            None => {
                self.held = Vec::new();
                self.problem = None;
                (self.tell)(None);
                true
            }
            Some(failure) => {
                self.failed(&failure);
                !(is_gone(&self.place) || self.ended && may_write_no_files())
            }
        }
    }

    fn failed(&mut self, failure: &io::Error) {
        self.tried = Instant::now();
        let waits = self.held.len() >= HELD;
        let problem = JournalProblem {
            error: failure.to_string(),
            waits,
        };
        if self.problem.as_ref() != Some(&problem) {
            self.problem = Some(problem.clone());
            (self.tell)(Some(problem));
        }
    }

    fn tell_if_it_waits(&mut self) {
        let waits = self.held.len() >= HELD;
        if let Some(problem) = self.problem.as_mut().filter(|known| known.waits != waits) {
            problem.waits = waits;
            let problem = problem.clone();
            (self.tell)(Some(problem));
        }
    }
}

/// Writes as much as goes; says how much that was, and why not all.
fn write(journal: &mut impl Write, bytes: &[u8]) -> (usize, Option<io::Error>) {
    let mut written = 0;
    while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
        match journal.write(rest) {
            Ok(0) => return (written, Some(ErrorKind::WriteZero.into())),
            Ok(more) => written += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return (written, Some(error)),
        }
    }
    (written, None)
}

/// Whether a directory is there no more, or something else is. One that cannot be looked at may be there.
pub(super) fn is_gone(place: &Path) -> bool {
    match place.metadata() {
        Ok(about) => !about.is_dir(),
        Err(error) => matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory),
    }
}

/// Whether another program has taken this one's right to write files, for good: no disk gives that back, and waiting for
/// it would keep the session from ending.
pub(super) fn may_write_no_files() -> bool {
    /// What a report and the last lines need at most.
    const ENOUGH: u64 = 64 * 1024 * 1024;
    let limit = rustix::process::getrlimit(rustix::process::Resource::Fsize);
    limit.maximum.is_some_and(|most| most < ENOUGH)
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        reason = "a test says what went wrong by failing"
    )]
    use std::sync::Mutex;

    use proptest::prelude::*;

    use super::*;

    /// A disk that takes so many bytes at a time, by turns; nothing where that is 0.
    struct Moody {
        takes: Vec<usize>,
        turn: usize,
        written: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Moody {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let takes = self.takes.get(self.turn % self.takes.len().max(1));
            self.turn += 1;
            match takes.copied().unwrap_or(usize::MAX) {
                0 => Err(ErrorKind::StorageFull.into()),
                takes => {
                    let taken = takes.min(bytes.len());
                    self.written
                        .lock()
                        .unwrap()
                        .extend_from_slice(&bytes[..taken]);
                    Ok(taken)
                }
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    proptest! {
        #[test]
        fn whatever_the_disk_takes_when_all_is_written_once_and_in_order(
            mut takes in proptest::collection::vec(0_usize..50, 0..12),
            chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..80), 0..20),
        ) {
            takes.push(7);
            let written = Arc::new(Mutex::new(Vec::new()));
            let disk = Moody { takes, turn: 0, written: Arc::clone(&written) };
            let mut last = None;
            let mut copy = Copy::new(disk, PathBuf::from("/"), |problem| last = Some(problem));
            for chunk in &chunks {
                prop_assert!(copy.take(&mut chunk.as_slice(), &mut [0; 100]));
                if !copy.held.is_empty() {
                    copy.try_again();
                }
            }
            while !copy.held.is_empty() {
                prop_assert!(copy.try_again());
            }
            drop(copy);
            prop_assert!(matches!(last, None | Some(None)), "it is not told any more: {:?}", last);
            prop_assert_eq!(&*written.lock().unwrap(), &chunks.concat());
        }
    }

    #[test]
    fn all_of_it_is_there_when_the_disk_takes_it_again_and_the_agent_waits_meanwhile() {
        let (agent, ours) = UnixStream::pair().unwrap();
        let written = Arc::new(Mutex::new(Vec::new()));
        let disk = Moody {
            takes: vec![1000, 0, 0, 0, 0, 0, usize::MAX],
            turn: 0,
            written: Arc::clone(&written),
        };
        let bytes = HELD + 3 * 1024 * 1024;
        let writing = std::thread::spawn(move || {
            let mut agent = agent;
            let line = [b"x".repeat(1023), b"\n".to_vec()].concat();
            for _ in 0..bytes / 1024 {
                agent.write_all(&line).unwrap();
            }
        });
        let told = Arc::new(Mutex::new(Vec::new()));
        let tell = Arc::clone(&told);
        let mut copy = Copy::new(disk, PathBuf::from("/"), move |problem| {
            tell.lock().unwrap().push(problem);
        });
        copy.run(&ours);
        writing.join().unwrap();
        assert_eq!(written.lock().unwrap().len(), bytes);
        assert_eq!(copy.held.capacity(), 0);
        let told = told.lock().unwrap();
        assert!(
            told.iter().flatten().any(|problem| problem.waits),
            "{told:?}"
        );
        assert_eq!(told.last(), Some(&None));
    }

    #[test]
    fn without_its_directory_it_is_given_up() {
        let (agent, ours) = UnixStream::pair().unwrap();
        drop(agent);
        let disk = Moody {
            takes: vec![0],
            turn: 0,
            written: Arc::default(),
        };
        let mut copy = Copy::new(disk, PathBuf::from("/nowhere/at/all"), drop);
        copy.held.push(0);
        copy.run(&ours);
        assert_eq!(copy.held, [0]);
    }
}
