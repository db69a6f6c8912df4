//! `doctor`: examine everything that must work.

use super::exit::Failure;
use crate::config::Flags;

/// Arguments of `doctor`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n  \
    humanlayer doctor\n  \
    humanlayer doctor --json\n\n\
    Starts no daemon. Exits with 1 if something cannot work.")]
pub struct Args {
    /// Print the findings as JSON
    #[arg(long)]
    pub json: bool,
}

/// Examines.
pub async fn run(_args: Args, _flags: Flags) -> Result<(), Failure> {
    Ok(())
}
