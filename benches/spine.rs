//! What the product costs, measured with real processes: the release binary as daemon and runner,
//! this program as the agents and clients. Every figure stands beside a reference from the same run
//! on the same machine, because a figure alone says more about the machine than about the code.
//!
//! `cargo bench` prints one table; `cargo bench -- NAME…` runs only those; `--list` names them.
//! Nothing here decides whether a build is good: a missed aim is shown, not an error.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    missing_docs,
    reason = "a benchmark talks to whoever runs it, and stops when something is wrong"
)]

mod spine {
    pub mod agent;
    pub mod approval;
    pub mod daemon;
    pub mod fleet;
    pub mod history;
    pub mod hung;
    #[path = "../../tests/it/support/hung_directory.rs"]
    pub mod hung_directory;
    pub mod idle;
    pub mod ingest;
    pub mod local_api;
    pub mod plain_inserts;
    pub mod process;
    pub mod recorded;
    pub mod start;
    pub mod table;
}

use std::time::Instant;

use spine::table::{self, Row};
use spine::{agent, approval, fleet, history, hung, idle, ingest, local_api, start};

/// A benchmark, under its name.
type Bench = (&'static str, fn() -> Vec<Row>);

/// All of them, in the order in which they run: the quiet ones first.
const ALL: [Bench; 8] = [
    ("start", start::run),
    ("idle", idle::run),
    ("approval", approval::run),
    ("hung", hung::run),
    ("local_api", local_api::run),
    ("history", history::run),
    ("fleet", fleet::run),
    ("ingest", ingest::run),
];

fn main() -> std::process::ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.first().is_some_and(|word| word == agent::WORD) {
        return agent::run();
    }
    if words.first().is_some_and(|word| word == approval::ECHO) {
        return approval::echo();
    }
    if words.first().is_some_and(|word| word == hung::INSIDE) {
        return hung::inside();
    }
    if words.first().is_some_and(|word| word == local_api::BARE) {
        return local_api::bare();
    }
    if words.iter().any(|word| word == "--list") {
        ALL.iter()
            .for_each(|(name, _)| println!("{name}: benchmark"));
        return std::process::ExitCode::SUCCESS;
    }
    let wanted: Vec<&String> = words.iter().filter(|word| !word.starts_with('-')).collect();
    let begun = Instant::now();
    let mut rows = Vec::new();
    for (name, bench) in ALL {
        if wanted.is_empty() || wanted.iter().any(|word| name.contains(word.as_str())) {
            eprintln!("{name} …");
            rows.extend(bench());
        }
    }
    println!("\n{}\n", spine::process::machine());
    println!("{}", table::render(&rows));
    println!("({:.0} s in all)", begun.elapsed().as_secs_f64());
    std::process::ExitCode::SUCCESS
}
