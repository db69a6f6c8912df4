//! The `humanlayer` binary: which of its four lives this process leads.
//!
//! A runner, an isolated program, an agent of the demonstration or a command. The first three are started by
//! programs and must not pay for, or fail in, the parsing of a command line;
//! everything else is in the library.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use clap_complete::CompleteEnv;
use humanlayer::commands::exit::Exit;
use humanlayer::commands::{self, cli, demo};

fn main() -> ExitCode {
    let mut arguments = std::env::args_os();
    let name = arguments.next().unwrap_or_default();
    if let Some(home) = demo::agent::home_of(Path::new(&name)) {
        return demo::agent::run(home, arguments);
    }
    let first = arguments.next().unwrap_or_default();
    match first.to_str() {
        Some(humanlayer::runner::SUBCOMMAND) => run_runner(arguments.next()),
        Some(humanlayer::platform::isolation::SUBCOMMAND) => {
            humanlayer::platform::isolation::run(arguments)
        }
        _ => run_command(),
    }
}

/// One session's runner.
fn run_runner(directory: Option<OsString>) -> ExitCode {
    match directory {
        Some(directory) => humanlayer::runner::run(Path::new(&directory)),
        None => ExitCode::FAILURE,
    }
}

/// Ends as a tool does: one whose reader has gone dies of the signal that the system has for that.
fn end(exit: Exit) -> ExitCode {
    if exit == Exit::PipeClosed {
        // Where the signal is blocked, the code that a shell makes of it stands for it.
        let _ = signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGPIPE);
    }
    exit.into()
}

/// What the command line says.
fn run_command() -> ExitCode {
    // A shell that completes a line asks this way; it exits then.
    CompleteEnv::with_factory(cli::command)
        .var(commands::complete::VARIABLE)
        .complete();
    // Who could take a person's connection or type into this process would decide as that person. Where
    // the system refuses, the daemon's judgement is all there is.
    let _ = humanlayer::platform::hide_from_others();
    match cli::parse(std::env::args_os()) {
        // A mistake of ours has been told by then, and is a failure like any other.
        Ok(cli) => end(std::panic::catch_unwind(|| commands::run(cli)).unwrap_or(Exit::Failed)),
        Err(message) => end(commands::not_understood(&message, std::env::args_os())),
    }
}
