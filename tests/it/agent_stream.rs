//! Recordings of real agents, damaged in ten fixed ways: the fuzz target `agent_stream`, whose
//! damage is chosen by seeds here.

#[path = "../../fuzz/stream.rs"]
mod stream;

use std::path::Path;

use rstest::rstest;

#[rstest]
fn no_request_is_lost_and_every_turn_ends_whatever_befalls_the_lines(
    #[values(1, 2, 3, 5, 8, 13, 21, 34, 55, 89)] seed: u64,
) {
    let recordings = stream::recordings(Path::new(env!("CARGO_MANIFEST_DIR")));
    assert!(recordings.len() > 40, "{} recordings", recordings.len());
    for (number, (path, lines)) in recordings.iter().enumerate() {
        assert!(!lines.is_empty(), "{}", path.display());
        for round in 0..8 {
            let mut choices = stream::Seeded(seed << 32 | (number as u64) << 8 | round);
            stream::play(lines, &mut choices);
        }
    }
}
