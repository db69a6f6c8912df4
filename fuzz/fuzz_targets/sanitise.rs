//! Whatever a text holds, nothing deceptive is left when it was made safe to draw, what was safe is
//! unchanged, and a summary keeps its length.

#![no_main]

use humanlayer::domain::text::{is_deceptive, sanitize, sanitize_line, summary};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, &str)| {
    let (max, text) = input;
    let safe = sanitize(text);
    assert!(!safe.chars().any(|c| is_deceptive(c) && c != '\n' && c != '\t'));
    assert_eq!(sanitize(&safe), safe);
    let line = sanitize_line(text);
    assert!(!line.chars().any(is_deceptive));
    if !text.chars().any(is_deceptive) {
        assert_eq!(line, text);
    }
    let max = usize::from(max).max(1);
    assert!(summary(text, max).chars().count() <= max);
});
