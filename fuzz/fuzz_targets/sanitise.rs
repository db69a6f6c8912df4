//! Whatever a text holds, nothing deceptive is left when it was made safe to draw, what was safe is
//! unchanged, and a summary keeps its length.

#![no_main]

#[path = "../seeds.rs"]
mod seeds;

use humanlayer::domain::text::{
    Level, find_deceptive, is_deceptive, sanitize, sanitize_line, summary,
};
use libfuzzer_sys::fuzz_target;

/// A length, and a text.
fn seeds() -> impl Iterator<Item = Vec<u8>> {
    let texts = seeds::recorded_lines().into_iter().chain(seeds::commands());
    texts.map(|text| [&[40], text.as_bytes()].concat())
}

fuzz_target!(init: seeds::put("sanitise", seeds()), |input: (u8, &str)| {
    let (max, text) = input;
    let safe = sanitize(text);
    assert!(!safe.chars().any(|c| is_deceptive(c) && c != '\n' && c != '\t'));
    // Whether a letter imitates another depends on what is around it, so a second time may show more of
    // it; but it hides nothing again.
    assert!(!sanitize(&safe).chars().any(|c| is_deceptive(c) && c != '\n' && c != '\t'));
    let line = sanitize_line(text);
    assert!(!line.chars().any(is_deceptive));
    let is_safe = find_deceptive(text, 0, Level::Strict).is_none();
    assert_eq!(line == text, is_safe);
    let max = usize::from(max).max(1);
    assert!(summary(text, max).chars().count() <= max);
});
