//! Long texts in pieces of a bounded size, each of which can be laid out by itself.
//!
//! Owns where a text may be cut: at line ends; Markdown between its blocks, and a long block of code
//! between its lines. So a frame pays for what it shows, and a live word for the last piece.

use std::ops::Range;

/// Bytes after which a piece ends, at the next line's end. Highlighting costs a millisecond for each
/// thousand of them.
const BYTES: usize = 1024;

/// Bytes after which a piece ends within a line.
const MAX_BYTES: usize = 2 * 1024;

/// Bytes after which Markdown is cut at a line's end, whatever stands there.
const MAX_MARKDOWN_BYTES: usize = 64 * 1024;

/// Cuts a range of a text at line ends.
pub(crate) fn of_lines(text: &str, range: Range<usize>) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = range.start;
    while start < range.end {
        let most = text.floor_char_boundary((start + MAX_BYTES).min(range.end));
        let least = text.floor_char_boundary((start + BYTES).min(range.end));
        let end = if least == range.end {
            range.end
        } else {
            text[least..most]
                .find('\n')
                .map_or(most, |at| least + at + 1)
        };
        found.push(start..end);
        start = end;
    }
    found
}

/// A block of code that a piece is within.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fence {
    mark: &'static str,
    /// What its first line says that it is.
    pub language: String,
}

impl Fence {
    fn opened_by(line: &str) -> Option<Self> {
        let line = line.trim();
        let mark = ["```", "~~~"]
            .into_iter()
            .find(|mark| line.starts_with(mark))?;
        let language = line.trim_start_matches(['`', '~']).trim().to_owned();
        // Three backticks with a fourth word behind them on the line are code within it.
        (!language.contains('`')).then_some(Self { mark, language })
    }

    fn is_closed_by(&self, line: &str) -> bool {
        let line = line.trim();
        line.starts_with(self.mark) && line.trim_matches(['`', '~']).is_empty()
    }
}

/// A piece of Markdown.
#[derive(Debug, PartialEq)]
pub(crate) struct Piece {
    pub range: Range<usize>,
    /// The block of code that it is a part of; its first part, with the fence, is Markdown.
    pub within: Option<Fence>,
    /// Whether it stands apart from the piece before it.
    pub apart: bool,
}

/// Cuts a range of Markdown, which begins within a block of code if `within` says so: behind empty
/// lines and before what begins a new block, and within a block of code wherever it gets long.
pub(crate) fn of_markdown(text: &str, range: Range<usize>, within: Option<Fence>) -> Vec<Piece> {
    let mut cutter = Cutter {
        found: Vec::new(),
        start: range.start,
        within: within.clone(),
        apart: false,
    };
    // The block of code that we are in: whether it may be cut, and since where it is whole.
    let mut fence = within.map(|fence| (fence, true, range.start));
    let mut at = range.start;
    let mut after_empty = false;
    for line in text[range.clone()].split_inclusive('\n') {
        let size = at - cutter.start;
        let next = at + line.len();
        match &fence {
            Some((open, _, _)) if open.is_closed_by(line) => {
                if cutter.within.is_some() {
                    // The fence's last line is drawn by nobody.
                    cutter.cut(at, None, true);
                    cutter.start = next;
                }
                fence = None;
            }
            Some((open, true, since)) if at - since >= BYTES => {
                let open = open.clone();
                cutter.cut(at, Some(open.clone()), false);
                fence = Some((open, true, at));
            }
            Some(_) => {
                if size >= MAX_MARKDOWN_BYTES {
                    cutter.cut(at, None, after_empty);
                }
            }
            None => {
                let begins_block = after_empty
                    && !line.starts_with([' ', '\t', '-', '*', '+', '>', '|'])
                    && !line.starts_with(|c: char| c.is_ascii_digit());
                if (begins_block && size >= BYTES) || size >= MAX_MARKDOWN_BYTES {
                    cutter.cut(at, None, after_empty);
                }
                // One that is set in belongs to a list, and is cut with it only.
                fence =
                    Fence::opened_by(line).map(|fence| (fence, line.starts_with(['`', '~']), at));
            }
        }
        after_empty = line.trim().is_empty();
        at = next;
    }
    cutter.cut(range.end, None, false);
    cutter.found
}

struct Cutter {
    found: Vec<Piece>,
    start: usize,
    within: Option<Fence>,
    apart: bool,
}

impl Cutter {
    /// Ends a piece; the next one is within that block of code, and apart or not.
    fn cut(&mut self, at: usize, within: Option<Fence>, apart: bool) {
        let piece = Piece {
            range: self.start..at,
            within: std::mem::replace(&mut self.within, within),
            apart: std::mem::replace(&mut self.apart, apart),
        };
        if !piece.range.is_empty() {
            self.found.push(piece);
        }
        self.start = at;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn markdown_is_cut_between_blocks() {
        let block =
            "A paragraph of words.\n\n```text\ncode\n\nmore code\n```\n\n- item\n\n- item\n\n";
        let text = block.repeat(400);
        let pieces = of_markdown(&text, 0..text.len(), None);
        assert!(pieces.len() > 10);
        let mut at = 0;
        for piece in pieces {
            assert_eq!(piece.range.start, at);
            let said = &text[piece.range.clone()];
            assert!(said.starts_with("A paragraph") || said.starts_with("```text"));
            assert!(piece.range.len() < 2 * BYTES);
            assert_eq!(piece.apart, at > 0);
            assert_eq!(piece.within, None);
            at = piece.range.end;
        }
        assert_eq!(at, text.len());
    }

    #[test]
    fn long_code_is_cut_between_lines() {
        let code = "let a = 1;\n\n".repeat(1_000);
        let text = format!("Look:\n\n```rust\n{code}```\nAnd more.\n");
        let pieces = of_markdown(&text, 0..text.len(), None);
        let within: Vec<bool> = pieces.iter().map(|piece| piece.within.is_some()).collect();
        assert!(!within[0] && !within[within.len() - 1]);
        assert!(within[1..within.len() - 1].iter().all(|within| *within));
        assert!(pieces.iter().all(|piece| piece.range.len() < 2 * BYTES));
        let last = pieces
            .last()
            .map(|piece| (&text[piece.range.clone()], piece.apart));
        assert_eq!(last, Some(("And more.\n", true)));
        // Going on from within gives the same.
        let again = of_markdown(
            &text,
            pieces[3].range.start..text.len(),
            pieces[3].within.clone(),
        );
        assert_eq!(again[..], pieces[3..]);
    }

    proptest! {
        #[test]
        fn pieces_follow_each_other(text in "(- |\n|a b|```|~~~|`|  |漢){0,80}", long in 0usize..3) {
            let text = format!("{text}{}", "code\n".repeat(long * 800));
            let lines = of_lines(&text, 0..text.len());
            prop_assert_eq!(lines.iter().map(Range::len).sum::<usize>(), text.len());
            let mut at = 0;
            for piece in of_markdown(&text, 0..text.len(), None) {
                let skipped = text[at..piece.range.start].trim();
                prop_assert!(skipped.is_empty() || skipped.trim_matches(['`', '~']).is_empty());
                at = piece.range.end;
            }
        }
    }
}
