//! The binary's entry: hidden subcommands first, everything else after.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    match words.next().as_deref() {
        Some("__runner") => match words.next() {
            Some(dir) => humanlayer::runner::run(Path::new(&dir)),
            None => ExitCode::FAILURE,
        },
        Some(humanlayer::scripted_agent::SUBCOMMAND) => humanlayer::scripted_agent::run(words),
        Some(_) | None => ExitCode::FAILURE,
    }
}
