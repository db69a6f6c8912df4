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
    // Most pieces of a long line hold none, and `contains` looks at many bytes
    // at once where `position` goes one by one.
    if !bytes.contains(&b'\n') {
        return None;
    }
    bytes.iter().position(|byte| *byte == b'\n')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use proptest::prelude::*;

    use super::*;

    /// Feeds `bytes` in pieces that end where `cuts` say, then ends the stream.
    fn items(limit: usize, bytes: &[u8], cuts: &[usize]) -> Vec<Item> {
        let mut codec = LineCodec::new(limit);
        let mut buffer = BytesMut::new();
        let mut found = Vec::new();
        let mut ends: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
        ends.push(bytes.len());
        ends.sort_unstable();
        let mut start = 0;
        for end in ends {
            buffer.extend_from_slice(&bytes[start..end]);
            start = end;
            while let Some(item) = codec.decode(&mut buffer).unwrap() {
                found.push(item);
            }
            assert!(buffer.len() <= limit, "more than one line is held");
        }
        while let Some(item) = codec.decode_eof(&mut buffer).unwrap() {
            found.push(item);
        }
        found
    }

    fn line(text: &str) -> Item {
        Item::Line(text.to_owned())
    }

    #[test]
    fn lines_come_out_without_their_newlines_and_blank_ones_not_at_all() {
        assert_eq!(
            items(9, b"a\n\n \r\nbc\r\n", &[]),
            [line("a"), line("bc\r")]
        );
    }

    #[test]
    fn a_line_of_exactly_the_limit_passes_and_one_more_byte_does_not() {
        assert_eq!(
            items(3, b"abc\nabcd\nx\n", &[]),
            [line("abc"), Item::TooLong { limit: 3 }, line("x")]
        );
    }

    #[test]
    fn a_line_that_is_much_too_long_is_reported_once_and_skipped() {
        let cuts: Vec<usize> = (0..100).collect();
        let bytes = [vec![b'a'; 100], b"\nb\n".to_vec()].concat();
        assert_eq!(
            items(8, &bytes, &cuts),
            [Item::TooLong { limit: 8 }, line("b")]
        );
    }

    #[test]
    fn bytes_that_are_not_utf8_spoil_their_own_line_only() {
        assert_eq!(
            items(9, b"\xff\xfe\nok\n", &[]),
            [Item::NotUtf8, line("ok")]
        );
    }

    #[test]
    fn a_line_without_an_end_is_reported_and_not_handed_out() {
        assert_eq!(
            items(9, b"a\nhalf", &[]),
            [line("a"), Item::Unfinished { bytes: 4 }]
        );
        assert_eq!(items(3, b"far too long", &[]), [Item::TooLong { limit: 3 }]);
    }

    #[test]
    fn a_long_line_leaves_no_large_buffer_behind() {
        let mut codec = LineCodec::new(KEPT_BUFFER * 4);
        let mut buffer = BytesMut::from(
            [vec![b'a'; KEPT_BUFFER * 2], b"\n".to_vec()]
                .concat()
                .as_slice(),
        );
        assert!(codec.decode(&mut buffer).unwrap().is_some());
        assert!(buffer.capacity() <= KEPT_BUFFER);
    }

    proptest! {
        #[test]
        fn how_the_bytes_are_cut_changes_nothing(
            bytes in proptest::collection::vec(
                prop_oneof![3 => Just(b'\n'), 6 => b'a'..=b'c', 1 => Just(b' '), 1 => Just(0xff), 1 => Just(0xc3), 1 => Just(0xa4)],
                0..80,
            ),
            cuts in proptest::collection::vec(any::<usize>(), 0..12),
            limit in 0_usize..12,
        ) {
            let whole = items(limit, &bytes, &[]);
            prop_assert_eq!(&items(limit, &bytes, &cuts), &whole);
            let each: Vec<usize> = (0..bytes.len()).collect();
            prop_assert_eq!(&items(limit, &bytes, &each), &whole);
        }
    }
}
