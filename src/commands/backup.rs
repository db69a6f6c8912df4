//! `backup`: copy the database while it is used.

use std::path::PathBuf;

use serde_json::json;

use super::Context;
use super::exit::Failure;
use super::in_process::{self, BackupError};

/// Arguments of `backup`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n  \
    humanlayer backup ~/backups/humanlayer.db\n  \
    humanlayer backup --force ~/backups/humanlayer.db\n\n\
    Copies what the database holds at one moment, whether or not the daemon runs: all sessions, conversations,\n\
    approvals, keys and permissions. The key that encrypts what sessions were launched with is copied beside\n\
    it, as PATH.key. Both are for you alone. Not in it: what agents that run have said since then (that is in\n\
    ~/.humanlayer/sessions), the configuration, and Claude Code's own files. `humanlayer restore` puts it back.")]
pub struct Args {
    /// The file to be made
    pub path: PathBuf,

    /// Overwrite what is there
    #[arg(short, long)]
    pub force: bool,
}

/// Makes the copy.
pub fn run(args: Args, mut context: Context) -> Result<(), Failure> {
    let path = std::path::absolute(&args.path)?;
    let contents = in_process::back_up(&context.config.database_path.value, &path, args.force)
        .map_err(told)?;
    let key = in_process::key_of_backup(&path);
    let made = json!({"path": path, "key": key, "contents": contents.to_string()});
    context.out.result(&made, |out| {
        out.line(format!(
            "{} ({contents}), {}",
            path.display(),
            key.display()
        ))
    })
}

fn told(error: BackupError) -> Failure {
    let failure = Failure::failed(error.to_string());
    match error {
        BackupError::Exists(_) => failure.with_hint("`--force` overwrites it"),
        BackupError::Itself(_) => failure.with_hint("name another file"),
        BackupError::Store(_) | BackupError::Damaged { .. } | BackupError::File { .. } => failure,
    }
}
