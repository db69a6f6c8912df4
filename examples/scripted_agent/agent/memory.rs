//! What a session leaves behind for the process that resumes it.
//!
//! Owns one small file per session, in the folder that `HUMANLAYER_SCRIPTED_AGENT_STATE`
//! names; without that variable nothing is kept and every id may be resumed. As the real
//! one does: an id that is in use is refused, an unknown one cannot be resumed, and a
//! message whose turn was completed is not run again, also by a later process.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::options::Options;

/// Why a session cannot begin.
#[derive(Debug, thiserror::Error)]
pub(super) enum MemoryError {
    /// `--session-id` names a session that exists.
    #[error("Error: Session ID {0} is already in use.")]
    InUse(String),
    /// `--resume` names none.
    #[error("No conversation found with session ID: {0}")]
    Unknown(String),
    /// The file cannot be read or written.
    #[error("cannot keep the session in {}: {cause}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
}

/// One session's file, if sessions are kept.
#[derive(Debug)]
pub(super) struct Memory {
    file: Option<PathBuf>,
    /// Ids of the user's messages whose turns were completed before.
    pub(super) completed: Vec<String>,
}

impl Memory {
    /// Finds out what is known of the session that the command line names; `id` is the one
    /// that it will have.
    pub(super) fn open(
        folder: Option<&Path>,
        options: &Options,
        id: &str,
    ) -> Result<Self, MemoryError> {
        let Some(folder) = folder else {
            return Ok(Self {
                file: None,
                completed: Vec::new(),
            });
        };
        let file_of = |id: &str| folder.join(format!("{id}.session"));
        let file = file_of(id);
        let completed = match &options.resume {
            Some(resumed) => {
                let old = file_of(resumed);
                if !old.exists() {
                    return Err(MemoryError::Unknown(resumed.clone()));
                }
                let read = if options.fork_session {
                    fs::copy(&old, &file).and_then(|_| fs::read_to_string(&file))
                } else {
                    fs::read_to_string(&old)
                };
                let text = read.map_err(|cause| MemoryError::File { path: old, cause })?;
                let completed: Vec<String> = text
                    .lines()
                    .filter_map(|line| line.strip_prefix("completed "))
                    .map(str::to_owned)
                    .collect();
                completed
            }
            None if file.exists() => return Err(MemoryError::InUse(id.to_owned())),
            None => Vec::new(),
        };
        Ok(Self {
            file: Some(file),
            completed,
        })
    }

    /// Notes how far a message has come: `started` or `completed`.
    pub(super) fn note(&self, state: &str, uuid: &str) -> Result<(), MemoryError> {
        let Some(path) = &self.file else {
            return Ok(());
        };
        let written = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .and_then(|mut file| file.write_all(format!("{state} {uuid}\n").as_bytes()));
        written.map_err(|cause| MemoryError::File {
            path: path.clone(),
            cause,
        })
    }
}
