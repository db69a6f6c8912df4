//! `config`: show or edit the configuration.
//!
//! Works without a daemon, and `edit` even with a broken file.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::process::Command;

use super::dashboard;
use super::exit::Failure;
use super::output::Output;
use crate::config::{Config, Flags, check, locate};
use crate::domain::text::sanitize_line;

/// Arguments of `config`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n  \
    humanlayer config show\n  \
    humanlayer config edit\n\n\
    A flag beats the environment, which beats the file, which beats the default.")]
pub struct Args {
    /// What to do
    #[command(subcommand)]
    pub what: What,
}

/// What to do with the configuration.
#[derive(Debug, clap::Subcommand)]
pub enum What {
    /// Show every value and where it comes from
    Show {
        /// Print them as JSON
        #[arg(long)]
        json: bool,
    },
    /// Open the file in $VISUAL or $EDITOR, and check it afterwards
    Edit,
}

/// Shows or edits.
pub fn run(args: &Args, flags: &Flags, out: Output) -> Result<(), Failure> {
    match args.what {
        What::Show { json } => show(&Config::load(flags)?, json, out),
        What::Edit => edit(&locate(flags)?),
    }
}

fn show(config: &Config, json: bool, mut out: Output) -> Result<(), Failure> {
    let entries = config.entries();
    if json {
        return out.json(&entries);
    }
    out.rows(
        ["KEY", "VALUE", "SOURCE"],
        &[],
        entries.into_iter().map(|entry| {
            let value = match entry.value {
                serde_json::Value::String(text) => text,
                serde_json::Value::Null => String::new(),
                other => other.to_string(),
            };
            [entry.key.to_owned(), value, entry.source]
        }),
    )?;
    Ok(())
}

fn edit(file: &Path) -> Result<(), Failure> {
    let named = sanitize_line(&file.to_string_lossy()).into_owned();
    create(file).map_err(|cause| Failure::failed(format!("creating {named}: {cause}")))?;
    let editor = ["VISUAL", "EDITOR"]
        .into_iter()
        .filter_map(std::env::var_os)
        .find(|editor| !editor.is_empty())
        .unwrap_or_else(|| "vi".into());
    // An editor may be given with arguments, so a shell takes it apart, as git does.
    let status = Command::new("sh")
        .arg("-c")
        .arg("eval \"$0\" '\"$1\"'")
        .arg(&editor)
        .arg(file)
        .status()
        .map_err(|cause| Failure::failed(format!("running the editor: {cause}")))?;
    if !status.success() {
        return Err(Failure::failed(format!(
            "the editor ended with {status}; {named} is as it left it"
        ))
        .with_hint("set VISUAL or EDITOR to your editor"));
    }
    let home = std::env::home_dir().unwrap_or_default();
    let config = check(file, &home).map_err(|error| Failure::failed(error.to_string()))?;
    match dashboard::problem(&config) {
        Some(problem) => Err(Failure::failed(problem).with_hint(dashboard::MEND)),
        None => Ok(()),
    }
}

/// Creates the file, with nothing in it that means anything, unless it is there.
fn create(file: &Path) -> io::Result<()> {
    if let Some(directory) = file.parent() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)?;
    }
    let created = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file);
    match created {
        Ok(mut file) => file.write_all(b"{}\n"),
        Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(cause) => Err(cause),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_new_file_is_private_and_an_old_one_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a/humanlayer.json");
        create(&file).unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "{}\n");
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::write(&file, "{\"x\": 1}").unwrap();
        create(&file).unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "{\"x\": 1}");
    }
}
