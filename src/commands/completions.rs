//! `completions`: a script that completes this program's words in a shell.

use clap::CommandFactory;
use clap_complete::Shell;

use super::exit::Failure;
use crate::cli::Cli;

/// Arguments of `completions`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n  \
    humanlayer completions bash > ~/.local/share/bash-completion/completions/humanlayer\n  \
    humanlayer completions fish > ~/.config/fish/completions/humanlayer.fish")]
pub struct Args {
    /// The shell
    pub shell: Shell,
}

/// Prints the script.
pub fn run(args: &Args) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "humanlayer", &mut script);
    let mut out = super::output::Output::new();
    out.line(String::from_utf8_lossy(&script).trim_end())?;
    Ok(())
}
