//! A stand-in for Claude Code that plays scripts: for tests and benches, which hand it to the daemon as the
//! agent's program. `cargo test` builds it, `cargo install` does not install it.

mod agent;

use std::process::ExitCode;

fn main() -> ExitCode {
    agent::run(
        std::env::args_os()
            .skip(1)
            .map(|word| word.to_string_lossy().into_owned()),
    )
}
