//! The agent's stderr: the newest of it on disk, the very end in memory.
//!
//! Owns `stderr.log` and its rotation, so that an agent that never stops
//! complaining fills no disk. A disk that refuses costs log lines and nothing
//! else: the pipe is always read on, as an agent blocked on a full pipe would
//! be the worse loss. Called by `start`.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::dir::SessionDir;
use super::{STDERR_LOG_SIZE, STDERR_TAIL, lock, spawn_thread};

/// How much is read at once, in bytes.
const CHUNK: usize = 8 * 1024;

/// The thread that reads stderr, as its owner sees it.
pub(super) struct Stderr {
    tail: Arc<Mutex<Vec<u8>>>,
    ended: Receiver<()>,
}

impl Stderr {
    /// Starts reading `pipe`.
    pub(super) fn start(
        mut pipe: impl Read + Send + 'static,
        dir: &SessionDir,
    ) -> std::io::Result<Self> {
        let tail = Arc::new(Mutex::new(Vec::new()));
        let (end, ended) = sync_channel(1);
        let mut log = Log::new(dir.stderr_log(), dir.stderr_log_old(), STDERR_LOG_SIZE);
        let kept = Arc::clone(&tail);
        spawn_thread("stderr", move || {
            let mut chunk = vec![0; CHUNK];
            loop {
                let read = match pipe.read(&mut chunk) {
                    Ok(0) => break,
                    Ok(read) => read,
                    Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                    Err(_) => break,
                };
                let bytes = chunk.get(..read).unwrap_or_default();
                keep_tail(&mut lock(&kept), bytes);
                log.append(bytes);
            }
            let _ = end.send(());
        })?;
        Ok(Self { tail, ended })
    }

    /// The end of what was said, once all of it was read or the time is up.
    pub(super) fn finish(&self, at_most: Duration) -> String {
        let _ = self.ended.recv_timeout(at_most);
        String::from_utf8_lossy(&lock(&self.tail)).into_owned()
    }
}

fn keep_tail(tail: &mut Vec<u8>, bytes: &[u8]) {
    tail.extend_from_slice(bytes);
    let surplus = tail.len().saturating_sub(STDERR_TAIL);
    tail.drain(..surplus);
}

/// Two files that together hold between one and two times `limit` of the
/// newest bytes.
struct Log {
    path: PathBuf,
    old: PathBuf,
    limit: u64,
    file: Option<File>,
    size: u64,
}

impl Log {
    fn new(path: PathBuf, old: PathBuf, limit: u64) -> Self {
        Self {
            path,
            old,
            limit,
            file: None,
            size: 0,
        }
    }

    /// Appends, or drops what cannot be written.
    fn append(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.file.is_none() && self.open().is_err() {
                return;
            }
            if self.size >= self.limit {
                // Growing on would break the bound.
                if self.rotate().is_err() {
                    return;
                }
                continue;
            }
            let room = usize::try_from(self.limit - self.size).unwrap_or(usize::MAX);
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            let written = self.file.as_mut().map(|file| file.write_all(now));
            if !matches!(written, Some(Ok(()))) {
                // Perhaps a part was: the size is asked for at the next chunk.
                self.file = None;
                return;
            }
            self.size += now.len() as u64;
            bytes = later;
        }
    }

    fn open(&mut self) -> std::io::Result<()> {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&self.path)?;
        self.size = file.metadata()?.len();
        self.file = Some(file);
        Ok(())
    }

    fn rotate(&mut self) -> std::io::Result<()> {
        self.file = None;
        fs::rename(&self.path, &self.old).or_else(|_| fs::remove_file(&self.path))
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
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_newest_bytes_are_kept_within_the_bound(
            chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..50), 0..20)
        ) {
            let temp = tempfile::tempdir().unwrap();
            let (path, old) = (temp.path().join("log"), temp.path().join("log.1"));
            let mut log = Log::new(path.clone(), old.clone(), 64);
            for chunk in &chunks {
                log.append(chunk);
            }
            let all = chunks.concat();
            let mut kept = fs::read(&old).unwrap_or_default();
            kept.extend(fs::read(&path).unwrap_or_default());
            prop_assert!(kept.len() <= 128);
            prop_assert!(kept.len() >= all.len().min(64));
            prop_assert!(all.ends_with(&kept));
        }
    }

    #[test]
    fn a_disk_that_refuses_costs_only_the_log() {
        let temp = tempfile::tempdir().unwrap();
        let gone = temp.path().join("gone");
        let (path, old) = (gone.join("log"), gone.join("log.1"));
        let mut log = Log::new(path.clone(), old.clone(), 8);
        log.append(b"lost");
        fs::create_dir(&gone).unwrap();
        log.append(b"it is back");
        assert_eq!(fs::read(&old).unwrap(), b"it is ba");
        assert_eq!(fs::read(&path).unwrap(), b"ck");
    }

    #[test]
    fn the_tail_is_the_end() {
        let mut tail = Vec::new();
        keep_tail(&mut tail, &[b'a'; STDERR_TAIL]);
        keep_tail(&mut tail, b"end");
        assert_eq!(tail.len(), STDERR_TAIL);
        assert!(tail.ends_with(b"aend"));
    }
}
