//! `terminals`: confirming one that began while an agent ran.

use super::Context;
use super::exit::Failure;
use crate::format;
use crate::protocol::terminals::{ConfirmTerminalParams, ListTerminalsParams, TerminalInfo};

/// Arguments of `terminals`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n  \
    humanlayer terminals confirm 4711\n  \
    humanlayer terminals list\n\n\
    A tmux or screen server, or a terminal emulator that the desktop started, could be an agent's if it\n\
    began while one ran. What you do in it decides only once you have confirmed it from an older terminal,\n\
    or over a new login.")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// List confirmed terminals
    List,
    /// Confirm a terminal
    Confirm {
        /// Its process id, or that of a process in it
        pid: u32,
    },
}

/// Lists or confirms.
pub async fn run(args: Args, mut context: Context) -> Result<(), Failure> {
    let client = context.client().await?;
    match args.verb {
        Verb::List => {
            let listed = client.list_terminals(&ListTerminalsParams {}).await?;
            list(&mut context, listed.terminals)
        }
        Verb::Confirm { pid } => {
            let confirmed = client
                .confirm_terminal(&ConfirmTerminalParams { pid })
                .await?;
            context
                .out
                .result(&confirmed.terminals, |out| out.line("confirmed"))
        }
    }
}

fn list(context: &mut Context, terminals: Vec<TerminalInfo>) -> Result<(), Failure> {
    let terminal = context.out.is_terminal();
    let none = "No terminals had to be confirmed.";
    let header = ["PID", "PROGRAM", "CONFIRMED BY", "CONFIRMED"];
    let columns = (header, &["PROGRAM"][..]);
    context.out.list(terminals, none, columns, |info| {
        [
            info.pid.to_string(),
            info.program,
            info.confirmed_by,
            format::time(info.confirmed_at, terminal),
        ]
    })
}
