//! The binary's entry: hidden subcommands first, everything else after.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    match words.next().as_deref() {
        Some(humanlayer::scripted_agent::SUBCOMMAND) => humanlayer::scripted_agent::run(words),
        Some(_) | None => ExitCode::FAILURE,
    }
}
