//! Whatever befalls the lines of an agent on their way, no request is lost and every turn ends: see
//! `stream.rs`.

#![no_main]

#[path = "../stream.rs"]
mod stream;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use stream::Choices;

/// Choices that follow from bytes; zeros when they are used up.
struct Bytes<'a>(&'a [u8]);

impl Choices for Bytes<'_> {
    fn below(&mut self, limit: usize) -> usize {
        let (now, rest) = self.0.split_at(self.0.len().min(2));
        self.0 = rest;
        let number = now
            .iter()
            .fold(0, |number, byte| number << 8 | usize::from(*byte));
        number % limit.max(1)
    }
}

static RECORDINGS: OnceLock<Vec<(PathBuf, Vec<Value>)>> = OnceLock::new();

fuzz_target!(|data: &[u8]| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let recordings = RECORDINGS.get_or_init(|| stream::recordings(&root));
    let mut choices = Bytes(data);
    let (_, lines) = &recordings[choices.below(recordings.len())];
    stream::play(lines, &mut choices);
});
