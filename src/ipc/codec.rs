//! Bytes to lines, with a bound.
//!
//! Owns the framing only: one item a line, whatever the chunks it came in.
//! It must not look into a line and never holds more than the limit plus one
//! read. Both ends of the socket use it.

use std::io;

use tokio_util::bytes::{Buf, BytesMut};
use tokio_util::codec::Decoder;

/// A buffer that grew past this is given back once it is empty, so that one
/// long line does not cost its connection memory for ever.
const KEPT_BUFFER: usize = 64 * 1024;

/// One thing found in the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A whole line without its newline; never blank.
    Line(String),
    /// A line longer than the limit. Reported once, as soon as it is known to
    /// be too long; its bytes are dropped up to and including its newline.
    TooLong {
        /// The limit in bytes that the line broke.
        limit: usize,
    },
    /// A whole line that is not UTF-8, so cannot be JSON.
    NotUtf8,
    /// The stream ended inside a line. It is not executed: what is missing
    /// could have changed its meaning.
    Unfinished {
        /// How many bytes of the line had come.
        bytes: usize,
    },
}

/// Splits a byte stream into [`Item`]s. Blank lines are skipped.
#[derive(Debug)]
pub struct LineCodec {
    limit: usize,
    /// How much of the buffer is known to hold no newline.
    scanned: usize,
    discarding: bool,
}

impl LineCodec {
    /// A codec for lines of at most `limit` bytes, their newline not counted.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            scanned: 0,
            discarding: false,
        }
    }

    /// Drops what is in the buffer up to the end of the over-long line.
    /// Answers whether the line has ended.
    fn discard(&mut self, src: &mut BytesMut) -> bool {
        match find_newline(src) {
            Some(at) => {
                src.advance(at + 1);
                self.discarding = false;
                true
            }
            None => {
                src.clear();
                false
            }
        }
    }

    fn too_long(&self) -> Item {
        Item::TooLong { limit: self.limit }
    }
}

impl Decoder for LineCodec {
    type Item = Item;
    type Error = io::Error;

    fn decode(&mut self, src: &mut BytesMut) -> io::Result<Option<Item>> {
        let item = loop {
            if self.discarding && !self.discard(src) {
                break None;
            }
            let Some(at) = src
                .get(self.scanned..)
                .and_then(find_newline)
                .map(|found| found + self.scanned)
            else {
                self.scanned = src.len();
                if src.len() <= self.limit {
                    break None;
                }
                self.scanned = 0;
                self.discarding = true;
                src.clear();
                break Some(self.too_long());
            };
            self.scanned = 0;
            let line = src.split_to(at);
            src.advance(1);
            if line.len() > self.limit {
                break Some(self.too_long());
            }
            if line.trim_ascii().is_empty() {
                continue;
            }
            break Some(match std::str::from_utf8(&line) {
                Ok(text) => Item::Line(text.to_owned()),
                Err(_) => Item::NotUtf8,
            });
        };
        if src.is_empty() && src.capacity() > KEPT_BUFFER {
            *src = BytesMut::new();
        }
        Ok(item)
    }

    fn decode_eof(&mut self, src: &mut BytesMut) -> io::Result<Option<Item>> {
        if let Some(item) = self.decode(src)? {
            return Ok(Some(item));
        }
        let bytes = src.len();
        let blank = src.trim_ascii().is_empty();
        src.clear();
        self.scanned = 0;
        Ok((!blank).then_some(Item::Unfinished { bytes }))
    }
}

fn find_newline(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|byte| *byte == b'\n')
}
