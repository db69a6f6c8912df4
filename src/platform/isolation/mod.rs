//! Isolation: a program in namespaces of its own, in which most of the machine is read-only and some of it
//! is not there.
//!
//! Owns what an isolated program sees ([`Isolation`], a list of mounts in the order in which they are made)
//! and how it is started: a hidden subcommand ([`SUBCOMMAND`]) of this program makes the namespaces and
//! becomes their first process. Which paths those are is decided elsewhere. It either isolates or ends with
//! [`FAILED`]: nothing ever runs half isolated. Only Linux has it.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use serde::{Deserialize, Serialize};

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
mod mounts;
#[cfg(target_os = "linux")]
mod sys;

/// The hidden subcommand that isolates: followed by the [`Isolation`] as JSON and, unless it is only to be
/// tried, by a program and its arguments.
pub const SUBCOMMAND: &str = "__isolate";

/// The exit code that says that the program was not started because it could not be isolated.
pub const FAILED: u8 = 125;

/// The longest list of mounts, in bytes as JSON: the system takes 128 KiB for one argument.
const MAX_BYTES: usize = 120 * 1024;

/// What an isolated program sees.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Isolation {
    /// Where it starts.
    pub directory: PathBuf,
    /// The program that it must find, if that is known.
    pub program: Option<PathBuf>,
    /// What is mounted over the machine's files, in this order. Everything else is as it is, read-only.
    pub mounts: Vec<Mount>,
}

/// One place, and what is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// The place: an absolute path without symbolic links. What is missing of it is made, if the place
    /// above is one that was mounted empty or as a layer.
    pub at: PathBuf,
    /// What is there.
    pub what: Contents,
    /// Whether it can be written to. What is written into memory is gone with the program.
    pub writable: bool,
}

/// What is at a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Contents {
    /// A file or a directory of the machine, with all that is mounted in it.
    Bind(PathBuf),
    /// A directory of the machine as it is, without what is mounted in it, and without its sockets: they
    /// are shown, but cannot be connected to. Changes are kept in memory.
    Layer(PathBuf),
    /// An empty directory in memory, with these permissions.
    Empty(u32),
    /// A file with this text.
    Text(String),
    /// A copy of a file of the machine, in the directory that is mounted around it: it is not a mount, so
    /// another file can take its place, and it can always be written to.
    Copy(PathBuf),
}

/// Why nothing could be isolated.
#[derive(Debug, thiserror::Error)]
pub enum IsolationError {
    /// This system has no such thing.
    #[error("isolation needs Linux: this system has no mount and process namespaces")]
    NotThisSystem,
    /// There are more mounts than can be told.
    #[error("the list of what an isolated agent sees takes {0} bytes; {MAX_BYTES} are possible")]
    TooLong(usize),
    /// The helper could not be started, or did not end in time.
    #[error("cannot try isolation: {0}")]
    Try(#[source] io::Error),
    /// It could be started and failed; its own words.
    #[error("{0}")]
    Failed(String),
}

impl Isolation {
    /// The arguments by which this program isolates another one.
    ///
    /// # Errors
    /// [`IsolationError::TooLong`], and where the system has no isolation.
    pub fn arguments(&self) -> Result<[OsString; 2], IsolationError> {
        if !cfg!(target_os = "linux") {
            return Err(IsolationError::NotThisSystem);
        }
        let text =
            serde_json::to_string(self).map_err(|error| IsolationError::Try(error.into()))?;
        if text.len() > MAX_BYTES {
            return Err(IsolationError::TooLong(text.len()));
        }
        Ok([SUBCOMMAND.into(), text.into()])
    }

    /// Tries it: makes the namespaces and everything in them, and starts no program. Blocks for some
    /// milliseconds.
    ///
    /// # Errors
    /// Why a program could not be isolated like this.
    pub fn try_out(&self) -> Result<(), IsolationError> {
        let program = super::running_program().map_err(IsolationError::Try)?;
        let mut command = Command::new(program);
        #[cfg(unix)]
        std::os::unix::process::CommandExt::arg0(&mut command, "humanlayer");
        let tried = command
            .args(self.arguments()?)
            .env_clear()
            .current_dir("/")
            .stdin(std::process::Stdio::null())
            .output()
            .map_err(IsolationError::Try)?;
        if tried.status.success() {
            return Ok(());
        }
        let words = String::from_utf8_lossy(&tried.stderr).trim().to_owned();
        Err(IsolationError::Failed(match words.is_empty() {
            true => format!("the trial ended with {}", tried.status),
            false => words,
        }))
    }
}

/// Becomes an isolated program; comes back only with its end. The arguments are those of [`SUBCOMMAND`]. Must be called on
/// the main thread, before there is any other.
#[must_use]
pub fn run(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    #[cfg(target_os = "linux")]
    return linux::run(arguments);
    #[cfg(not(target_os = "linux"))]
    {
        let _ = arguments;
        ExitCode::from(FAILED)
    }
}
