//! Whatever befalls the lines of an agent on their way, no request is lost and every turn ends: see
//! `stream.rs`.

#![no_main]

#[path = "../seeds.rs"]
mod seeds;
#[path = "../stream.rs"]
mod stream;

use std::path::PathBuf;
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

fn recorded() -> &'static [(PathBuf, Vec<Value>)] {
    RECORDINGS.get_or_init(|| stream::recordings(&seeds::root()))
}

/// Each recording, with damage at random all the way.
fn seeds() -> impl Iterator<Item = Vec<u8>> {
    recorded().iter().enumerate().map(|(number, (_, lines))| {
        let mut random = stream::Seeded(number as u64);
        let mut bytes = u16::try_from(number).unwrap_or(0).to_be_bytes().to_vec();
        // About a dozen choices a line, of two bytes each.
        bytes.extend((0..lines.len() * 24).map(|_| random.below(256) as u8));
        bytes
    })
}

fuzz_target!(init: seeds::put("agent_stream", seeds()), |data: &[u8]| {
    let recordings = recorded();
    let mut choices = Bytes(data);
    let (_, lines) = &recordings[choices.below(recordings.len())];
    stream::play(lines, &mut choices);
});
