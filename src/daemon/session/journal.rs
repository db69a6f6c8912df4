//! Reading a journal: whole lines from a file that grows, from a given offset.
//!
//! Owns the cutting into lines and into batches. Knows nothing of what lines say but whether one
//! is a live delta, because a batch is shaped so that deltas come before what is stored. Reading
//! is blocking and short: the file was just written, so it is in memory.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;

use crate::claude::line::{self, AgentLine};
use crate::daemon::store::RawLines;
use crate::platform::{self, Links};

/// Longest line that is understood, in bytes. Of a longer one only the beginning and a note of its
/// length are kept; what comes after it is read as usual.
pub const MAX_LINE: usize = 64 * 1024 * 1024;

/// Bytes of a longer line that are kept: they say what it is.
const HEAD: usize = 64 * 1024;

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

/// Some lines: first live deltas, then lines to be stored.
#[derive(Default)]
pub struct Batch {
    /// Live deltas.
    pub deltas: Vec<Box<serde_json::value::RawValue>>,
    /// Lines to be stored, as written.
    pub raw: RawLines,
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

/// What was done to a journal while its agent writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// It is shorter than what was read of it. What the agent writes from now on stands at its new end.
    CutOff {
        /// By how many bytes.
        missing: u64,
    },
    /// Its path leads to it no more. What the agent writes is read as long as this daemon has it open.
    TakenAway,
}

/// A place in a journal.
pub struct Journal {
    file: File,
    /// The offset of the file's first byte. All offsets count from the session's first journal.
    begins: u64,
    /// The offset of the first byte of `buffer`.
    base: u64,
    buffer: Vec<u8>,
    /// Where in `buffer` the next line begins.
    next: usize,
    /// Up to where in `buffer` no newline was found.
    scanned: usize,
    /// A live delta that was cut off a batch because it belongs into the next, and where it ends.
    ahead: Option<(Box<serde_json::value::RawValue>, u64)>,
    /// Whether the last reading came to the end of the file.
    drained: bool,
    /// Bytes of an over-long line that were dropped so far.
    dropped: u64,
    /// How that line begins.
    head: Vec<u8>,
    /// Bytes to read next.
    chunk: usize,
    /// Up to where the disk's blocks have been given back.
    freed: u64,
    /// Whether anything was read since it was last looked for damage.
    has_grown: bool,
}

impl Journal {
    /// Opens a journal that begins at `begins` among all journals of its session, at an offset among
    /// them.
    ///
    /// # Errors
    /// When the file cannot be opened, or is not the runner's own any more: a link, a pipe, a device.
    pub fn open(path: &Path, begins: u64, offset: u64) -> io::Result<Self> {
        let mut options = File::options();
        options.read(true).write(true);
        let file = platform::open_regular_with(&mut options, path, Links::Refuse)?;
        platform::spare_access_time(&file);
        Ok(Self {
            begins,
            file,
            base: offset,
            buffer: Vec::new(),
            next: 0,
            scanned: 0,
            ahead: None,
            drained: false,
            dropped: 0,
            head: Vec::new(),
            chunk: FIRST_CHUNK,
            freed: offset,
            has_grown: false,
        })
    }

    /// Gives back the disk's blocks before `offset`, which is in the store, so that the journal of a
    /// long session does not take the disk twice. Where the system cannot, the journal just stays
    /// until its session ends.
    pub fn free(&mut self, offset: u64) {
        if offset >= self.freed + FREE_BYTES {
            self.freed = offset;
            if let Err(error) = platform::punch_hole(&self.file, offset.saturating_sub(self.begins))
            {
                tracing::debug!(%error, "a journal keeps its blocks");
            }
        }
    }

    /// The next batch of whole lines; none when there is no further whole line now. What is written
    /// after this has looked is found when it looks again, and never without that.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn next_batch(&mut self) -> io::Result<Option<Batch>> {
        let mut batch = Batch::default();
        let mut deltas = 0;
        if let Some((delta, end)) = self.ahead.take() {
            batch.to = end;
            batch.deltas.push(delta);
        }
        self.drained = false;
        while deltas + batch.raw.bytes() < BATCH_BYTES {
            let Some((line, end)) = self.next_line(&mut batch.raw)? else {
                break;
            };
            match line {
                AgentLine::Delta(delta) if !batch.raw.is_empty() => {
                    self.ahead = Some((delta, end));
                    break;
                }
                AgentLine::Delta(delta) => {
                    deltas += delta.get().len();
                    batch.deltas.push(delta);
                }
                line => batch.parsed.push(line),
            }
            batch.to = end;
        }
        Ok((!batch.raw.is_empty() || !batch.deltas.is_empty()).then_some(batch))
    }

    /// Whether the last batch ended for another reason than the end of the file.
    #[must_use]
    pub fn may_hold_more(&self) -> bool {
        !self.drained || self.ahead.is_some()
    }

    /// Whether the last reading found as much as it could hold, so that the next one may take long.
    #[must_use]
    pub fn is_far_behind(&self) -> bool {
        self.chunk == CHUNK
    }

    /// How the file is no more what its agent writes; none while it is. Where its path leads is looked at
    /// only where that is given. Without, a file in which there was something to read just now is as it was.
    ///
    /// # Errors
    /// When the file cannot be looked at.
    pub fn damage(&mut self, path: Option<&Path>) -> io::Result<Option<Damage>> {
        if std::mem::take(&mut self.has_grown) && path.is_none() {
            return Ok(None);
        }
        let open = self.file.metadata()?;
        let read = (self.base - self.begins).saturating_add(self.buffer.len() as u64);
        if open.len() < read {
            return Ok(Some(Damage::CutOff {
                missing: read - open.len(),
            }));
        }
        let Some(path) = path else {
            return Ok(None);
        };
        match std::fs::symlink_metadata(path) {
            Ok(found) if (found.dev(), found.ino()) == (open.dev(), open.ino()) => Ok(None),
            Ok(_) => Ok(Some(Damage::TakenAway)),
            Err(error) if is_taken_away(&error) => Ok(Some(Damage::TakenAway)),
            Err(error) => Err(error),
        }
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

    /// The next line and where it ends; its text goes to `keep` unless it comes again.
    fn next_line(&mut self, keep: &mut RawLines) -> io::Result<Option<(AgentLine, u64)>> {
        loop {
            if let Some(at) = newline(&self.buffer[self.scanned..]) {
                let end = self.scanned + at;
                let (offset, after) = (self.base + self.next as u64, self.base + end as u64 + 1);
                if keep.is_empty() {
                    // Most of what was read is about to be kept.
                    keep.reserve((self.buffer.len() - self.next).min(BATCH_BYTES));
                }
                let line = match std::mem::take(&mut self.dropped) {
                    0 => understand(offset, &self.buffer[self.next..end], keep),
                    dropped => {
                        let head = std::mem::take(&mut self.head);
                        let bytes = dropped + (end - self.next) as u64;
                        Some(understand_head(offset, &head, bytes, keep))
                    }
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
                if self.dropped == 0 {
                    let head = self.next..self.next + HEAD.min(self.scanned - self.next);
                    self.head = self.buffer[head].to_vec();
                }
                self.dropped += (self.scanned - self.next) as u64;
                self.next = self.scanned;
            }
            if self.drained || !self.fill()? {
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
        let from = self.base - self.begins + old as u64;
        // What was just written is mostly far smaller than the first chunk, and so is the buffer for it then.
        let mut first = [0; FIRST_CHUNK];
        let is_first = self.chunk == FIRST_CHUNK;
        let read = if is_first {
            self.file.read_at(&mut first, from)
        } else {
            self.buffer.resize(old + self.chunk, 0);
            self.file.read_at(&mut self.buffer[old..], from)
        };
        let found = *read.as_ref().unwrap_or(&0);
        if is_first {
            self.buffer.extend_from_slice(&first[..found]);
        } else {
            self.buffer.truncate(old + found);
        }
        self.has_grown |= found > 0;
        self.drained = found < self.chunk;
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

/// Whether an error says that somebody has put something else in a file's place, or in that of a directory on the way, or
/// has closed that: it does not pass by itself, other than a failing disk's.
pub fn is_taken_away(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    matches!(
        error.kind(),
        Kind::NotFound
            | Kind::NotADirectory
            | Kind::IsADirectory
            | Kind::PermissionDenied
            | Kind::InvalidInput
    ) || error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

/// Where the first newline is. The standard library searches fastest where it skips lines.
fn newline(mut bytes: &[u8]) -> Option<usize> {
    let all = bytes;
    let passed = bytes.skip_until(b'\n').unwrap_or(0);
    (all[..passed].last() == Some(&b'\n')).then(|| passed - 1)
}

fn too_long(bytes: u64) -> String {
    format!("[a line of {bytes} bytes, beyond the limit of {MAX_LINE}, was cut off here]")
}

/// Empty lines are nothing.
fn understand(offset: u64, bytes: &[u8], keep: &mut RawLines) -> Option<AgentLine> {
    // Nearly all lines are proper text, which is checked faster than repaired.
    let (text, damaged) = match std::str::from_utf8(bytes) {
        Ok(text) => (Cow::Borrowed(text), false),
        Err(_) => (String::from_utf8_lossy(bytes), true),
    };
    let text = text.strip_suffix('\r').unwrap_or(&text);
    if text.is_empty() {
        return None;
    }
    let line = if damaged {
        line::parse_damaged(text)
    } else {
        line::parse(text)
    };
    if let Some(kept) = line::kept(&line, text) {
        keep.push(offset, &kept, !damaged && line.is_understood());
    }
    Some(line)
}

/// What a line is that is too long to be read: whether something is asked or a turn ends shows at its
/// beginning.
fn understand_head(offset: u64, head: &[u8], bytes: u64, keep: &mut RawLines) -> AgentLine {
    let head = String::from_utf8_lossy(head);
    let note = too_long(bytes);
    keep.push(offset, &format!("{head}{note}"), false);
    match line::parse_damaged(&head) {
        line @ (AgentLine::Question(_) | AgentLine::Result(_)) => line,
        _ => AgentLine::Malformed(note),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use std::io::Write as _;

    fn journal(text: &str) -> (tempfile::NamedTempFile, Journal) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let journal = Journal::open(file.path(), 0, 0).unwrap();
        (file, journal)
    }

    fn texts(batch: &Batch) -> Vec<(u64, &str)> {
        let lines = batch.raw.iter();
        lines.map(|(offset, line, _)| (offset, line)).collect()
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
    fn what_was_written_after_a_look_is_found_by_the_next_one() {
        let (mut file, mut journal) = journal("{\"a\":1}\n");
        for number in 0..3 {
            assert_eq!(journal.next_batch().unwrap().unwrap().parsed.len(), 1);
            assert!(!journal.may_hold_more(), "it came to the end");
            // Between the last reading and the next look: no look comes to its end before it has read.
            writeln!(file, "{{\"b\":{number}}}").unwrap();
        }
        assert_eq!(journal.next_batch().unwrap().unwrap().parsed.len(), 1);
        assert!(journal.next_batch().unwrap().is_none());
    }

    #[test]
    fn a_long_journal_is_read_batch_by_batch_to_its_end() {
        let line = format!("{{\"x\":\"{}\"}}\n", "y".repeat(1000));
        let (_file, mut journal) = journal(&line.repeat(1000));
        let mut lines = 0;
        while let Some(batch) = journal.next_batch().unwrap() {
            assert!(batch.raw.bytes() < BATCH_BYTES + line.len());
            lines += batch.raw.iter().count();
            assert_eq!(batch.to, (lines * line.len()) as u64);
            assert!(journal.may_hold_more() || lines == 1000);
        }
        assert_eq!(lines, 1000);
    }

    #[test]
    fn deltas_come_before_what_is_stored() {
        let delta = r#"{"type":"stream_event","event":{}}"#;
        let (_file, mut journal) = journal(&format!("{delta}\n{{\"x\":1}}\n{delta}\n"));
        let first = journal.next_batch().unwrap().unwrap();
        assert_eq!((first.deltas.len(), first.parsed.len()), (1, 1));
        assert!(journal.may_hold_more());
        let second = journal.next_batch().unwrap().unwrap();
        assert_eq!((second.deltas.len(), second.parsed.len()), (1, 0));
    }

    #[test]
    fn a_later_journal_goes_on_counting_where_the_one_before_it_ended() {
        let (file, _) = journal("{\"x\":1}\n{\"x\":2}\nhalf");
        let mut journal = Journal::open(file.path(), 1000, 1008).unwrap();
        let batch = journal.next_batch().unwrap().unwrap();
        let lines: Vec<_> = batch.raw.iter().map(|(at, text, _)| (at, text)).collect();
        assert_eq!(lines, [(1008, "{\"x\":2}")]);
        assert_eq!(batch.to, 1016);
        journal.free(1016 + FREE_BYTES);
        assert_eq!(
            journal.unfinished().unwrap(),
            Some((1016, "half".to_owned()))
        );
    }

    #[test]
    fn an_unfinished_line_is_found_at_the_end() {
        let (_file, mut journal) = journal("x\nhalf");
        journal.next_batch().unwrap();
        assert_eq!(journal.unfinished().unwrap(), Some((2, "half".to_owned())));
    }
}
