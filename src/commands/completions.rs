//! `completions`: a script that completes this program's words in a shell.
//!
//! The script asks this program at each press of the key, so what it offers (verbs, options, ids
//! of sessions and approvals) is always that of the program that is installed.

use clap_complete::env::Shells;
use serde_json::json;

use super::complete;
use super::exit::Failure;
use super::output::Output;

/// Arguments of `completions`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n  \
    humanlayer completions bash > ~/.local/share/bash-completion/completions/humanlayer\n  \
    humanlayer completions zsh > ~/.zfunc/_humanlayer     # with fpath+=~/.zfunc before compinit\n  \
    humanlayer completions fish > ~/.config/fish/completions/humanlayer.fish\n\n\
    Ids of sessions and approvals are completed too, with their titles as descriptions\n\
    where the shell shows them. A daemon is asked if one runs, and never started.")]
pub struct Args {
    /// The shell
    #[arg(value_parser = ["bash", "elvish", "fish", "powershell", "zsh"])]
    pub shell: String,
}

/// Prints the script.
pub fn run(args: &Args, mut out: Output) -> Result<(), Failure> {
    let shells = Shells::builtins();
    let Some(shell) = shells.completer(&args.shell) else {
        return Err(Failure::usage(format!("unknown shell {}", args.shell)));
    };
    let mut script = Vec::new();
    shell.write_registration(
        complete::VARIABLE,
        "humanlayer",
        "humanlayer",
        "humanlayer",
        &mut script,
    )?;
    let script = String::from_utf8_lossy(&script);
    let printed = json!({"shell": args.shell, "script": script});
    out.result(&printed, |out| out.line(script.trim_end()))
}
