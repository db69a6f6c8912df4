//! What working with a HumanLayer API costs, measured with the release binary as the daemon.
//!
//! `cargo bench --bench api` prints one table, in the form of the `spine` benchmark, whose tools it
//! uses. Nothing here decides whether a build is good.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    missing_docs,
    reason = "a benchmark talks to whoever runs it, and stops when something is wrong"
)]

#[path = "api/poll.rs"]
mod poll;
#[path = "api/spine.rs"]
mod spine;
#[path = "api/stand_in.rs"]
mod stand_in;

use spine::table::{self, Row};

/// A benchmark, under its name.
type Bench = (&'static str, fn() -> Vec<Row>);

const ALL: [Bench; 1] = [("poll", poll::run)];

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.iter().any(|word| word == "--list") {
        ALL.iter()
            .for_each(|(name, _)| println!("{name}: benchmark"));
        return;
    }
    let wanted: Vec<&String> = words.iter().filter(|word| !word.starts_with('-')).collect();
    let mut rows = Vec::new();
    for (name, bench) in ALL {
        if wanted.is_empty() || wanted.iter().any(|word| name.contains(word.as_str())) {
            eprintln!("{name} …");
            rows.extend(bench());
        }
    }
    println!("\n{}\n", spine::process::machine());
    println!("{}", table::render(&rows));
}
