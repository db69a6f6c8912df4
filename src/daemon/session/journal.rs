//! Reading a journal: whole lines from a file that grows, from a given offset.
//!
//! Owns the cutting into lines and into batches. Knows nothing of what lines say but whether one
//! is a live delta, because a batch is shaped so that deltas come before what is stored. Reading
//! is blocking and short: the file was just written, so it is in memory.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use crate::daemon::claude::line::{self, AgentLine};
use crate::daemon::store::RawLine;
use crate::platform;

/// Longest line that is understood, in bytes. A longer one is kept as a note of its length; what
/// comes after it is read as usual.
pub const MAX_LINE: usize = 64 * 1024 * 1024;

/// Bytes after which a batch ends, so that one transaction stays short.
const BATCH_BYTES: usize = 256 * 1024;

/// Lines that are few enough to share a commit with other sessions.
const FEW: usize = 8;

/// Bytes that are in the store before their blocks are given back to the disk.
const FREE_BYTES: u64 = 16 * 1024 * 1024;

/// Bytes read at once while there is much to read.
const CHUNK: usize = 128 * 1024;

/// Bytes read at first: mostly a line or two were just written, and a large buffer for each of them
/// would cost more than they do.
const FIRST_CHUNK: usize = 8 * 1024;

/// One line, understood.
pub struct Line {
    /// Where it begins.
    pub offset: u64,
    /// What it says.
    pub parsed: AgentLine,
    /// As it was written; none for a live delta.
    pub raw: Option<String>,
}

/// Some lines: first live deltas, then lines to be stored.
#[derive(Default)]
pub struct Batch {
    /// Live deltas.
    pub deltas: Vec<Box<serde_json::value::RawValue>>,
    /// Lines to be stored, as written.
    pub raw: Vec<RawLine>,
    /// The same lines, understood.
    pub parsed: Vec<AgentLine>,
    /// The offset after the last of them.
    pub to: u64,
}

impl Batch {
    /// Whether its commit may wait some milliseconds: a few words may; a question may not, and much
    /// of anything is worth a commit of its own.
    #[must_use]
    pub fn can_wait(&self) -> bool {
        self.parsed.len() <= FEW && self.parsed.iter().all(AgentLine::is_talk)
    }
}

/// A place in a journal.
pub struct Journal {
    file: File,
    /// The offset in the file of the first byte of `buffer`.
    base: u64,
    buffer: Vec<u8>,
    /// Where in `buffer` the next line begins.
    next: usize,
    /// Up to where in `buffer` no newline was found.
    scanned: usize,
    /// A line that was cut off a batch because it belongs into the next.
    ahead: Option<(Line, u64)>,
    /// Bytes of an over-long line that were dropped so far.
    dropped: u64,
    /// Bytes to read next.
    chunk: usize,
    /// Up to where the disk's blocks have been given back.
    freed: u64,
}

impl Journal {
    /// Opens a journal at an offset.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn open(path: &Path, offset: u64) -> io::Result<Self> {
        Ok(Self {
            file: File::options().read(true).write(true).open(path)?,
            base: offset,
            buffer: Vec::new(),
            next: 0,
            scanned: 0,
            ahead: None,
            dropped: 0,
            chunk: FIRST_CHUNK,
            freed: offset,
        })
    }

    /// Gives back the disk's blocks before `offset`, which is in the store, so that the journal of a
    /// long session does not take the disk twice. Where the system cannot, the journal just stays
    /// until its session ends.
    pub fn free(&mut self, offset: u64) {
        if offset >= self.freed + FREE_BYTES {
            self.freed = offset;
            if let Err(error) = platform::punch_hole(&self.file, offset) {
                tracing::debug!(%error, "a journal keeps its blocks");
            }
        }
    }

    /// The next batch of whole lines; none when there is no further whole line now.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn next_batch(&mut self) -> io::Result<Option<Batch>> {
        let mut batch = Batch::default();
        let mut bytes = 0;
        while let Some((line, end)) = self.next_line()? {
            if matches!(line.parsed, AgentLine::Delta(_)) && !batch.raw.is_empty() {
                self.ahead = Some((line, end));
                break;
            }
            batch.to = end;
            let Line {
                offset,
                parsed,
                raw,
            } = line;
            match (parsed, raw) {
                (AgentLine::Delta(delta), _) => {
                    bytes += delta.get().len();
                    batch.deltas.push(delta);
                }
                (parsed, raw) => {
                    let text = raw.unwrap_or_default();
                    bytes += text.len();
                    batch.raw.push(RawLine { offset, text });
                    batch.parsed.push(parsed);
                }
            }
            if bytes >= BATCH_BYTES {
                break;
            }
        }
        Ok((!batch.raw.is_empty() || !batch.deltas.is_empty()).then_some(batch))
    }

    /// What stands behind the last newline: half a line that its writer never finished.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn unfinished(&mut self) -> io::Result<Option<(u64, String)>> {
        while self.fill()? {}
        let rest = &self.buffer[self.next..];
        Ok((!rest.is_empty()).then(|| {
            (
                self.base + self.next as u64,
                String::from_utf8_lossy(rest).into_owned(),
            )
        }))
    }

    fn next_line(&mut self) -> io::Result<Option<(Line, u64)>> {
        if let Some(ahead) = self.ahead.take() {
            return Ok(Some(ahead));
        }
        loop {
            if let Some(at) = self.buffer[self.scanned..]
                .iter()
                .position(|byte| *byte == b'\n')
            {
                let end = self.scanned + at;
                let (offset, after) = (self.base + self.next as u64, self.base + end as u64 + 1);
                let line = match std::mem::take(&mut self.dropped) {
                    0 => understand(offset, &self.buffer[self.next..end]),
                    dropped => Some(too_long(offset, dropped + (end - self.next) as u64)),
                };
                self.next = end + 1;
                self.scanned = self.next;
                match line {
                    Some(line) => return Ok(Some((line, after))),
                    None => continue,
                }
            }
            self.scanned = self.buffer.len();
            if self.scanned - self.next > MAX_LINE {
                self.dropped += (self.scanned - self.next) as u64;
                self.next = self.scanned;
            }
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// Reads on, letting go of what was consumed; says whether there was anything.
    fn fill(&mut self) -> io::Result<bool> {
        self.buffer.drain(..self.next);
        self.base += self.next as u64;
        self.scanned -= self.next;
        self.next = 0;
        let old = self.buffer.len();
        self.buffer.resize(old + self.chunk, 0);
        let read = self
            .file
            .read_at(&mut self.buffer[old..], self.base + old as u64);
        let found = *read.as_ref().unwrap_or(&0);
        self.buffer.truncate(old + found);
        self.chunk = if found == self.chunk {
            CHUNK
        } else {
            FIRST_CHUNK
        };
        if old == 0 && matches!(read, Ok(0)) {
            // Nothing is waiting: an idle session keeps no buffer.
            self.buffer = Vec::new();
        }
        read.map(|bytes| bytes > 0)
    }
}

fn too_long(offset: u64, bytes: u64) -> Line {
    Line {
        offset,
        parsed: AgentLine::Malformed,
        raw: Some(format!(
            "[a line of {bytes} bytes, beyond the limit of {MAX_LINE}, was not kept]"
        )),
    }
}

/// Empty lines are nothing.
fn understand(offset: u64, bytes: &[u8]) -> Option<Line> {
    let text = String::from_utf8_lossy(bytes);
    let text = text.strip_suffix('\r').unwrap_or(&text);
    if text.is_empty() {
        return None;
    }
    let parsed = line::parse(text);
    let raw = (!matches!(parsed, AgentLine::Delta(_))).then(|| text.to_owned());
    Some(Line {
        offset,
        parsed,
        raw,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use std::io::Write as _;

    fn journal(text: &str) -> (tempfile::NamedTempFile, Journal) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let journal = Journal::open(file.path(), 0).unwrap();
        (file, journal)
    }

    fn texts(batch: &Batch) -> Vec<(u64, &str)> {
        batch
            .raw
            .iter()
            .map(|line| (line.offset, line.text.as_str()))
            .collect()
    }

    #[test]
    fn only_whole_lines_are_read_and_the_rest_later() {
        let (mut file, mut journal) = journal("{\"a\":1}\nnot json\n\n{\"half\"");
        let batch = journal.next_batch().unwrap().unwrap();
        assert_eq!(texts(&batch), [(0, "{\"a\":1}"), (8, "not json")]);
        assert_eq!(batch.to, 17);
        assert!(journal.next_batch().unwrap().is_none());
        file.write_all(b":2}\n").unwrap();
        let batch = journal.next_batch().unwrap().unwrap();
        assert_eq!(texts(&batch), [(18, "{\"half\":2}")]);
        assert_eq!(batch.to, 29);
    }

    #[test]
    fn deltas_come_before_what_is_stored() {
        let delta = r#"{"type":"stream_event","event":{}}"#;
        let (_file, mut journal) = journal(&format!("{delta}\n{{\"x\":1}}\n{delta}\n"));
        let first = journal.next_batch().unwrap().unwrap();
        assert_eq!((first.deltas.len(), first.raw.len()), (1, 1));
        let second = journal.next_batch().unwrap().unwrap();
        assert_eq!((second.deltas.len(), second.raw.len()), (1, 0));
    }

    #[test]
    fn an_unfinished_line_is_found_at_the_end() {
        let (_file, mut journal) = journal("x\nhalf");
        journal.next_batch().unwrap();
        assert_eq!(journal.unfinished().unwrap(), Some((2, "half".to_owned())));
    }
}
