//! Cuts what a terminal sends into keys, reports, answers and pastes.
//!
//! Only the borders are found here, by the grammar that all terminals share (ECMA-48, UTF-8), wherever
//! the bytes happen to be parted on their way. A sequence that is not known is one piece all the same:
//! no part of it is taken for keys. Pure; the time comes from the caller.
//!
//! Bounds: a sequence is kept to `MAX_SEQUENCE` bytes, and one that is longer is nothing; a paste is
//! given in parts of `MAX_PASTED`.

/// What begins a sequence, and is a key where nothing follows.
const ESC: u8 = 0x1b;
/// What ends a string, beside `ESC \`.
const BEL: u8 = 0x07;
/// Bytes of a sequence that are kept.
const MAX_SEQUENCE: usize = 1024;
/// Bytes of a paste that are kept before they are given.
const MAX_PASTED: usize = 8 * 1024 * 1024;
/// How a paste begins, and how it ends.
const PASTE_BEGINS: &[u8] = b"\x1b[200~";
const PASTE_ENDS: &[u8] = b"\x1b[201~";

/// A piece of what came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// A key, a report or an answer, whole.
    Sequence(Vec<u8>),
    /// Text that was pasted.
    Paste(String),
}

/// Where the cut stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    /// Between two pieces.
    #[default]
    Border,
    /// In a character of which so many bytes are missing.
    Character(usize),
    /// Behind an ESC.
    Escape,
    /// In `ESC [ …`.
    Control,
    /// In a sequence that ends after so many more bytes, whatever they are.
    Counted(usize),
    /// In `ESC ] …` and its like, which go on to `ESC \`.
    Words,
    /// There, behind an ESC.
    WordsEscape,
    /// In a paste.
    Paste,
}

/// Cuts bytes into pieces.
#[derive(Debug, Default)]
pub struct Cutter {
    at: At,
    pending: Vec<u8>,
}

impl Cutter {
    /// Takes a byte, and gives what it ends.
    pub fn take(&mut self, byte: u8, mut give: impl FnMut(Piece)) {
        match self.at {
            At::Border => self.begin(byte, &mut give),
            At::Character(missing) if (0x80..0xc0).contains(&byte) => {
                self.pending.push(byte);
                match missing {
                    1 => self.end(&mut give),
                    more => self.at = At::Character(more - 1),
                }
            }
            At::Escape => self.escaped(byte, &mut give),
            At::Control => self.control(byte, &mut give),
            At::Counted(more) if byte != ESC => {
                self.pending.push(byte);
                match more {
                    1 => self.end(&mut give),
                    more => self.at = At::Counted(more - 1),
                }
            }
            At::Words if byte == BEL => {
                self.keep(byte);
                self.end(&mut give);
            }
            At::Words if byte == ESC => self.at = At::WordsEscape,
            At::Words if byte >= b' ' => self.keep(byte),
            At::WordsEscape if byte == b'\\' => {
                self.keep(ESC);
                self.keep(byte);
                self.end(&mut give);
            }
            At::WordsEscape => {
                self.forget();
                self.begin(ESC, &mut give);
                self.take(byte, give);
            }
            At::Paste => self.pasted(byte, &mut give),
            // It was broken off.
            At::Character(_) | At::Counted(_) | At::Words => {
                self.forget();
                self.begin(byte, &mut give);
            }
        }
    }

    /// Whether what has come is a key if nothing follows soon, and the beginning of something if it
    /// does.
    #[must_use]
    pub fn is_undecided(&self) -> bool {
        match self.at {
            At::Escape => true,
            At::Control | At::Counted(_) | At::Words => self.pending.len() == 2,
            At::Border | At::Character(_) | At::WordsEscape | At::Paste => false,
        }
    }

    /// Nothing followed: gives that key.
    pub fn decide(&mut self, mut give: impl FnMut(Piece)) {
        if self.is_undecided() {
            self.end(&mut give);
        }
    }

    fn begin(&mut self, byte: u8, give: &mut impl FnMut(Piece)) {
        self.pending.push(byte);
        match byte {
            ESC => self.at = At::Escape,
            0xc2..=0xdf => self.at = At::Character(1),
            0xe0..=0xef => self.at = At::Character(2),
            0xf0..=0xf4 => self.at = At::Character(3),
            // No character begins so.
            0x80.. => self.forget(),
            _ => self.end(give),
        }
    }

    fn escaped(&mut self, byte: u8, give: &mut impl FnMut(Piece)) {
        if byte == ESC {
            self.end(give);
            self.begin(byte, give);
            return;
        }
        match byte {
            b'[' => self.at = At::Control,
            b'O' => self.at = At::Counted(1),
            b']' | b'P' | b'_' | b'^' => self.at = At::Words,
            // With alt; a character may be of several bytes.
            _ => return self.begin(byte, give),
        }
        self.pending.push(byte);
    }

    fn control(&mut self, byte: u8, give: &mut impl FnMut(Piece)) {
        match byte {
            b' '..=b'?' => self.keep(byte),
            // The keys of a Linux console, `ESC [ [ A`.
            b'[' if self.pending.len() == 2 => {
                self.keep(byte);
                self.at = At::Counted(1);
            }
            // A report of the mouse in the oldest form: three bytes more.
            b'M' if self.pending.len() == 2 => {
                self.keep(byte);
                self.at = At::Counted(3);
            }
            b'@'..=b'~' => {
                self.keep(byte);
                match self.pending.as_slice() {
                    PASTE_BEGINS => {
                        self.pending.clear();
                        self.at = At::Paste;
                    }
                    PASTE_ENDS => self.forget(),
                    _ => self.end(give),
                }
            }
            _ => {
                self.forget();
                self.begin(byte, give);
            }
        }
    }

    fn pasted(&mut self, byte: u8, give: &mut impl FnMut(Piece)) {
        self.pending.push(byte);
        if self.pending.ends_with(PASTE_ENDS) {
            let text = self.pending.len() - PASTE_ENDS.len();
            give(Piece::Paste(words(&self.pending[..text])));
            self.forget();
        } else if self.pending.len() >= MAX_PASTED {
            // The last bytes may be the beginning of its end, or of a character.
            let mut part = self.pending.len() - PASTE_ENDS.len();
            while part > 0 && self.pending[part] & 0xc0 == 0x80 {
                part -= 1;
            }
            give(Piece::Paste(words(&self.pending[..part])));
            self.pending.drain(..part);
        }
    }

    fn keep(&mut self, byte: u8) {
        // One more than is kept says that there were more.
        if self.pending.len() <= MAX_SEQUENCE {
            self.pending.push(byte);
        }
    }

    fn end(&mut self, give: &mut impl FnMut(Piece)) {
        let pending = std::mem::take(&mut self.pending);
        self.at = At::Border;
        if pending.len() <= MAX_SEQUENCE {
            give(Piece::Sequence(pending));
        }
    }

    fn forget(&mut self) {
        self.pending = Vec::new();
        self.at = At::Border;
    }
}

fn words(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cut(bytes: &[u8]) -> (Vec<Piece>, Cutter) {
        let mut cutter = Cutter::default();
        let mut pieces = Vec::new();
        for byte in bytes {
            cutter.take(*byte, |piece| pieces.push(piece));
        }
        (pieces, cutter)
    }

    fn sequences(bytes: &[u8]) -> Vec<String> {
        let (pieces, mut cutter) = cut(bytes);
        let mut all = pieces;
        cutter.decide(|piece| all.push(piece));
        all.into_iter()
            .map(|piece| match piece {
                Piece::Sequence(bytes) => words(&bytes),
                Piece::Paste(text) => format!("paste:{text}"),
            })
            .collect()
    }

    #[test]
    fn keys_reports_answers_and_pastes_are_told_apart() {
        for (bytes, pieces) in [
            (&b"ab\r"[..], &["a", "b", "\r"][..]),
            ("é漢🦀".as_bytes(), &["é", "漢", "🦀"]),
            (b"\x1b", &["\x1b"]),
            (b"\x1b\x1b", &["\x1b", "\x1b"]),
            (b"\x1bx\x1b\xc3\xa9", &["\x1bx", "\x1bé"]),
            (b"\x1b[Ay\x1b[1;5Cy", &["\x1b[A", "y", "\x1b[1;5C", "y"]),
            (b"\x1bOPy", &["\x1bOP", "y"]),
            (b"\x1b[[Ay", &["\x1b[[A", "y"]),
            (b"\x1b[<0;10;5My", &["\x1b[<0;10;5M", "y"]),
            (b"\x1b[M !!y", &["\x1b[M !!", "y"]),
            // A key with alt where nothing follows.
            (b"\x1b[", &["\x1b["]),
            (b"\x1b]", &["\x1b]"]),
            (b"\x1bO", &["\x1bO"]),
            (b"\x1b]11;rgb:1/2/3\x07y", &["\x1b]11;rgb:1/2/3\x07", "y"]),
            (
                b"\x1b]11;rgb:1/2/3\x1b\\y",
                &["\x1b]11;rgb:1/2/3\x1b\\", "y"],
            ),
            (b"\x1bP1$r0m\x1b\\y", &["\x1bP1$r0m\x1b\\", "y"]),
            // What is not known is one piece.
            (
                b"\x1b[?64;1;9cy\x1b[>0;276;0cy",
                &["\x1b[?64;1;9c", "y", "\x1b[>0;276;0c", "y"],
            ),
            // What is broken off is nothing.
            (b"\x1b]11;rgb:\x1b[Ay", &["\x1b[A", "y"]),
            (b"\x1b]11;rgb:\ry", &["\r", "y"]),
            (b"\x1b[1;\x1b[Ay", &["\x1b[A", "y"]),
            (b"\xe6\xbcy\x80\xffz", &["y", "z"]),
            (
                b"\x1b[200~y\ny\x1b[Ay\x1b[201~n",
                &["paste:y\ny\x1b[Ay", "n"],
            ),
            (b"\x1b[201~n", &["n"]),
        ] {
            assert_eq!(sequences(bytes), pieces, "{bytes:?}");
        }
    }

    #[test]
    fn what_is_too_long_is_nothing_and_ends_where_it_ends() {
        for begin in [&b"\x1b]11;"[..], b"\x1b["] {
            let mut bytes = begin.to_vec();
            bytes.extend([b'1'; 100_000]);
            let (_, cutter) = cut(&bytes);
            assert!(cutter.pending.len() <= MAX_SEQUENCE + 1);
            bytes.extend(b"m\x07y");
            assert_eq!(sequences(&bytes).last().map(String::as_str), Some("y"));
            assert!(sequences(&bytes).len() <= 2);
        }
    }

    #[test]
    fn a_very_long_paste_comes_in_parts_and_whole() {
        let text = "漢x".repeat(MAX_PASTED / 3);
        let bytes = format!("\x1b[200~{text}\x1b[201~y");
        let (pieces, _) = cut(bytes.as_bytes());
        let mut pasted = String::new();
        for piece in &pieces[..pieces.len() - 1] {
            if let Piece::Paste(part) = piece {
                pasted.push_str(part);
            }
        }
        assert!(pieces.len() > 2);
        assert!(pasted == text);
        assert_eq!(pieces.last(), Some(&Piece::Sequence(b"y".to_vec())));
    }

    proptest! {
        #[test]
        fn nothing_is_invented_and_an_end_is_always_found(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let (pieces, mut cutter) = cut(&bytes);
            let given: usize = pieces.iter().map(|piece| match piece {
                Piece::Sequence(bytes) => bytes.len(),
                Piece::Paste(_) => 0,
            }).sum();
            prop_assert!(given <= bytes.len());
            // A person who presses Esc and waits gets out of whatever was begun.
            if cutter.at != At::Paste {
                let mut after = Vec::new();
                cutter.take(ESC, |piece| after.push(piece));
                cutter.decide(|piece| after.push(piece));
                cutter.take(ESC, |piece| after.push(piece));
                cutter.decide(|piece| after.push(piece));
                cutter.take(b'y', |piece| after.push(piece));
                prop_assert_eq!(after.last(), Some(&Piece::Sequence(b"y".to_vec())));
            }
        }
    }
}
