//! Where the daemon's log goes.
//!
//! Owns the setup of the log and the report of panics in it. Only the daemon
//! and the MCP servers log; the commands print what they have to say and set
//! nothing up, which also keeps them fast. Called once, by whoever is about to
//! run one of those. What a log may grow to is bounded in [`limit`].

pub mod limit;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tracing::level_filters::LevelFilter;
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use self::limit::{Bounded, Capped, Counting, Limiter};
use crate::config::LogLevel;

/// Log files kept; the oldest is removed when a new day begins.
pub const FILES_KEPT: usize = 5;
/// First part of a log file's name; the day follows.
pub const FILE_PREFIX: &str = "daemon";
/// Last part of a log file's name.
pub const FILE_SUFFIX: &str = "log";

/// Where to log.
#[derive(Clone, Copy, Debug)]
pub enum Destination<'a> {
    /// Into one file a day in this directory, of which [`FILES_KEPT`] are kept.
    Directory(&'a Path),
    /// To standard error, for a terminal or a service manager.
    Stderr {
        /// Whether a terminal gets colours.
        color: bool,
    },
}

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    /// The file cannot be created.
    #[error("opening a log file in {directory}: {source}", directory = directory.display())]
    Open {
        /// Where.
        directory: PathBuf,
        /// What the system said.
        source: tracing_appender::rolling::InitError,
    },
    /// This process logs already.
    #[error("setting the log up: {0}")]
    Twice(Box<dyn std::error::Error + Send + Sync>),
}

/// Sets the log up for the rest of this process's life.
///
/// Lines are written by whoever logs them: none waits in a queue, so none is
/// lost when the process is killed.
///
/// # Errors
/// When a log file cannot be created, or a log was set up before.
pub fn init(destination: Destination<'_>, level: LogLevel) -> Result<(), LoggingError> {
    // A line that cannot be written, as the disk is full, is dropped. The library would say so on
    // stderr, and panic when that cannot be written either: the daemon would die of its log.
    let limiter = Arc::new(Limiter::default());
    let bounded = Bounded::new(filter(level), Arc::clone(&limiter));
    let builder = tracing_subscriber::fmt()
        .with_max_level(filter(level))
        .log_internal_errors(false);
    match destination {
        Destination::Directory(directory) => {
            let files = RollingFileAppender::builder()
                .rotation(Rotation::DAILY)
                .filename_prefix(FILE_PREFIX)
                .filename_suffix(FILE_SUFFIX)
                .max_log_files(FILES_KEPT)
                .build(directory)
                .map_err(|source| LoggingError::Open {
                    directory: directory.to_owned(),
                    source,
                })?;
            builder
                .with_ansi(false)
                .event_format(Counting::new(limiter))
                .with_writer(Capped::new(files))
                .finish()
                .with(targets())
                .with(bounded)
                .try_init()
        }
        Destination::Stderr { color } => builder
            .with_ansi(color && std::io::stderr().is_terminal())
            .event_format(Counting::new(limiter))
            .with_writer(Capped::new(std::io::stderr))
            .finish()
            .with(targets())
            .with(bounded)
            .try_init(),
    }
    .map_err(|cause| LoggingError::Twice(Box::new(cause)))?;
    std::panic::set_hook(Box::new(|panic| {
        tracing::error!(%panic, "a task panicked");
    }));
    Ok(())
}

/// The MCP library tells of every message, with what is in it: that is the user's.
fn targets() -> Targets {
    Targets::new()
        .with_default(LevelFilter::TRACE)
        .with_target("rmcp", LevelFilter::WARN)
}

fn filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    }
}

/// The newest log file in a directory, by the day in its name.
#[must_use]
pub fn newest_file(directory: &Path) -> Option<PathBuf> {
    std::fs::read_dir(directory)
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| is_log_file(name))
        .max()
        .map(|name| directory.join(name))
}

fn is_log_file(name: &str) -> bool {
    name.strip_prefix(FILE_PREFIX)
        .and_then(|rest| rest.strip_suffix(FILE_SUFFIX))
        .and_then(|rest| rest.strip_prefix('.')?.strip_suffix('.'))
        .is_some_and(|day| day.len() == 10 && day.bytes().all(|b| b.is_ascii_digit() || b == b'-'))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn the_newest_log_is_the_last_days() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(newest_file(directory.path()), None);
        for name in [
            "daemon.2026-01-31.log",
            "daemon.2026-02-01.log",
            "daemon.zzz.log",
            "daemon.db",
        ] {
            std::fs::write(directory.path().join(name), "").unwrap();
        }
        assert_eq!(
            newest_file(directory.path()),
            Some(directory.path().join("daemon.2026-02-01.log"))
        );
    }
}
