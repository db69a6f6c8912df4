//! What the dashboard costs a person: the release binary in a real terminal over a real daemon, and
//! the drawing of a long conversation by itself. Every time stands beside a reference of the same run.
//!
//! `cargo bench --bench dashboard` prints one table; `-- NAME…` runs only those; `--list` names them.
//! Nothing here decides whether a build is good: a missed aim is shown, not an error.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    dead_code,
    missing_docs,
    reason = "a benchmark talks to whoever runs it, and uses a part of what the other one has"
)]

#[path = "spine/agent.rs"]
mod agent;
#[path = "spine/daemon.rs"]
mod daemon;
#[path = "dashboard/decisions.rs"]
mod decisions;
#[path = "dashboard/first_frame.rs"]
mod first_frame;
#[path = "spine/history.rs"]
mod history;
#[path = "dashboard/keys.rs"]
mod keys;
#[path = "dashboard/long.rs"]
mod long;
#[path = "dashboard/many.rs"]
mod many;
#[path = "spine/process.rs"]
mod process;
#[path = "dashboard/rest.rs"]
mod rest;
#[path = "dashboard/scrolling.rs"]
mod scrolling;
#[path = "spine/table.rs"]
mod table;
#[path = "dashboard/terminal.rs"]
mod terminal;

use std::time::Instant;

use table::Row;

/// A benchmark, under its name.
type Bench = (&'static str, fn() -> Vec<Row>);

/// All of them, in the order in which they run: the quiet ones first.
const ALL: [Bench; 9] = [
    ("first_frame", first_frame::run),
    ("idle", rest::idle),
    ("memory", rest::memory),
    ("scrolling", scrolling::run),
    ("keys", keys::run),
    ("decisions", decisions::run),
    ("long", long::run),
    ("pending", many::approvals),
    ("listed", many::sessions),
];

fn main() -> std::process::ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.first().is_some_and(|word| word == agent::WORD) {
        return agent::run();
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
    println!("\n{}\n", process::machine());
    println!("{}", table::render(&rows));
    println!("({:.0} s in all)", begun.elapsed().as_secs_f64());
    std::process::ExitCode::SUCCESS
}
