//! `restore`: put a backup in the place of the database.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::Context;
use super::daemon;
use super::exit::Failure;
use super::in_process::restore_at_rest;
use crate::client::{Client, ClientError, ensure_daemon};
use crate::domain::text::sanitize_line;
use crate::protocol::upkeep::RestoreDatabaseParams;

/// Arguments of `restore`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n  \
    humanlayer restore ~/backups/humanlayer.db\n\n\
    Checks the backup first. The daemon is restarted, or started; sessions keep running, and those that the\n\
    backup does not know are adopted from their directories. The present database is kept beside it. No\n\
    standing permission, grant or key applies until you have looked at what is in force and acknowledged the\n\
    alarm (`humanlayer alarms`); requests can be decided one by one at once. Refused to agents.")]
pub struct Args {
    /// The backup
    pub path: PathBuf,
}

/// Puts it back.
pub async fn run(args: Args, mut context: Context) -> Result<(), Failure> {
    let path = std::fs::canonicalize(&args.path)
        .map_err(|cause| Failure::failed(format!("looking at {}: {cause}", args.path.display())))?;
    let config = &context.config;
    let (contents, kept) = match Client::connect(&config.daemon_socket.value).await {
        Ok(client) => {
            let params = RestoreDatabaseParams {
                path: path.to_string_lossy().into_owned(),
            };
            let answer = client.restore_database(&params).await?;
            drop(client);
            daemon::stop(config).await?;
            if !Path::new(&answer.kept).exists() {
                ensure_daemon(config).await?;
                return Err(Failure::failed(
                    "the backup was not put in place; the database is as it was",
                )
                .with_hint("`humanlayer daemon logs` says why"));
            }
            (answer.contents, answer.kept)
        }
        Err(ClientError::NotRunning { .. }) => {
            let database = &config.database_path.value;
            let restored = restore_at_rest(&path, database)
                .map_err(|cause| Failure::failed(cause.to_string()))?;
            let kept = restored.kept;
            let kept = if kept.exists() {
                kept.display().to_string()
            } else {
                String::new()
            };
            (restored.contents, kept)
        }
        Err(error) => return Err(error.into()),
    };
    let path = path.to_string_lossy();
    let out = &mut context.out;
    if !out.is_json() {
        out.line(format!(
            "restored {} ({})",
            sanitize_line(&path),
            sanitize_line(&contents)
        ))?;
        if !kept.is_empty() {
            out.line(format!(
                "the database that was in use is {}",
                sanitize_line(&kept)
            ))?;
        }
    }
    let client = ensure_daemon(config).await?;
    let health = client.health().await?;
    let adopted = health
        .alarms
        .iter()
        .filter(|alarm| alarm.kind == "session_adopted");
    let adopted = adopted.count();
    let restored = json!({
        "path": path,
        "contents": contents,
        "kept": (!kept.is_empty()).then_some(kept),
        "adopted_sessions": adopted,
    });
    out.result(&restored, |out| {
        if adopted > 0 {
            out.line(format!(
                "{adopted} sessions that it did not know were adopted from their directories"
            ))?;
        }
        out.line("no standing permission, grant or key applies until you acknowledge the alarm: humanlayer alarms")
    })
}
