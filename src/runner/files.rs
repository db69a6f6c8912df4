//! What the files of a session directory say: the spec (daemon to runner), the
//! runner's state and the exit report (runner to daemon).
//!
//! Owns these types and their JSON. A session outlives upgrades, so fields may
//! be added but never change; unknown fields are ignored. Must not know of
//! sockets or processes. Called by the runner and by the daemon.

#[cfg(test)]
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::FORMAT;
use super::dir::SessionDir;
use super::identity::{Identity, PublicKey, Purpose};
use crate::platform::isolation::Isolation;
use crate::platform::{Links, read_regular, write_atomically};

/// What can go wrong with a file of a session directory.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The system refused to read it.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// The system refused to write it.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// It is not the JSON it should be.
    #[error("cannot understand {}: {source}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// Somebody else wrote it.
    #[error("{} is not the runner's: its signature does not fit", path.display())]
    NotSigned {
        /// The file.
        path: PathBuf,
    },
    /// It was written by a program of another age.
    #[error("cannot use {}: it has format {found}, this program knows {FORMAT}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
}

/// What to run. Holds the agent's whole environment and so its secrets: mode
/// 0600, deleted by the runner as soon as it was used, never logged.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    /// [`FORMAT`]
    pub format: u32,
    /// The session, for people who read the file.
    pub session_id: String,
    /// The agent's program: an absolute path, or a name looked up in the
    /// `PATH` of `env`.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// Its complete environment: the runner's own is not passed on.
    pub env: Vec<(String, String)>,
    /// The directory it starts in.
    pub cwd: PathBuf,
    /// Milliseconds to use for each stage of ending the agent and what it left
    /// behind, in place of [`STAGE_WAIT`](super::STAGE_WAIT) and
    /// [`LEFTOVER_WAIT`](super::LEFTOVER_WAIT).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace_ms: Option<u64>,
    /// A file that the daemon holds locked: only who does may speak to the runner. None where the system
    /// does not show who has locked what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub daemon_lock: Option<PathBuf>,
    /// What the agent sees of the machine, if it is isolated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub isolation: Option<Isolation>,
    /// The mask of its user with which the agent makes files; the daemon's and the runner's own are for
    /// this user alone. None leaves it the runner's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub umask: Option<u32>,
}

impl std::fmt::Debug for Spec {
    /// Shows the names of the environment, never its values.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self.env.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Spec")
            .field("format", &self.format)
            .field("session_id", &self.session_id)
            .field("program", &self.program)
            .field("args", &self.args)
            .field("env", &names)
            .field("cwd", &self.cwd)
            .field("grace_ms", &self.grace_ms)
            .field("daemon_lock", &self.daemon_lock)
            .field("isolation", &self.isolation)
            .field("umask", &self.umask)
            .finish()
    }
}

impl Spec {
    /// Writes the spec, atomically and synced, readable by the owner only.
    ///
    /// # Errors
    /// [`FileError::Write`]
    pub fn write(&self, dir: &SessionDir) -> Result<(), FileError> {
        write_json(&dir.spec(), self)
    }

    /// Reads the spec.
    ///
    /// # Errors
    /// It is missing, unreadable, broken, or of another format.
    pub fn read(dir: &SessionDir) -> Result<Self, FileError> {
        let path = dir.spec();
        match read_json(&path)? {
            Some(spec) => Ok(spec),
            None => Err(FileError::Read {
                path,
                source: io::ErrorKind::NotFound.into(),
            }),
        }
    }
}

/// Who runs the session. Written before the agent is spawned, without its
/// pid, and again once it has one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunnerState {
    /// [`FORMAT`]
    pub format: u32,
    /// The version of the program that runs the session.
    pub version: String,
    /// The runner's process.
    pub runner_pid: u32,
    /// Its [`process_start_time`](crate::platform::process_start_time).
    pub runner_start_time: Option<u64>,
    /// The agent's process, which is also its process group.
    pub agent_pid: Option<u32>,
    /// Its [`process_start_time`](crate::platform::process_start_time).
    pub agent_start_time: Option<u64>,
    /// The [`boot_id`](crate::platform::boot_id) under which the pids mean
    /// something.
    pub boot_id: Option<String>,
    /// When the runner started.
    pub started_at: Timestamp,
}

impl RunnerState {
    /// Reads the state; `None` if no runner ever started here.
    ///
    /// # Errors
    /// It is unreadable, broken, or of another format.
    pub fn read(dir: &SessionDir) -> Result<Option<Self>, FileError> {
        read_json(&dir.state())
    }

    pub(super) fn write(&self, dir: &SessionDir) -> Result<(), FileError> {
        write_json(&dir.state(), self)
    }
}

/// How the session ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExitReport {
    /// [`FORMAT`]
    pub format: u32,
    /// The agent's exit code, if it exited by itself.
    pub code: Option<i32>,
    /// The number of the signal that ended it, if one did.
    pub signal: Option<i32>,
    /// When its end was seen.
    pub at: Timestamp,
    /// Why there never was an agent; then `code` and `signal` are null.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The last of its stderr, at most
    /// [`STDERR_TAIL`](super::STDERR_TAIL) bytes before lossy decoding.
    pub stderr_tail: String,
    /// The ids of the last lines that were delivered, oldest first, at most
    /// [`REPORTED_LINES`](super::REPORTED_LINES): a daemon that died before it
    /// noted an acknowledgement cannot ask for it any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub delivered: Vec<String>,
    /// Something that the agent left behind could not be ended yet. The report is written again once it is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub leftovers: bool,
    /// It was killed by nobody known while the kernel killed processes for want of memory.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub for_memory: bool,
}

impl ExitReport {
    /// Reads the report; `None` if the session has not ended, or its runner
    /// was killed ([`is_alive`](super::is_alive) tells which).
    ///
    /// # Errors
    /// It is unreadable, broken, or of another format.
    pub fn read(dir: &SessionDir) -> Result<Option<Self>, FileError> {
        read_json(&dir.exit())
    }

    /// Reads the report, if the runner that owns one of these keys has signed it. Without any key, of a
    /// runner of an earlier release, every report is taken.
    ///
    /// # Errors
    /// As for [`ExitReport::read`], and if somebody else wrote it.
    pub fn read_signed(dir: &SessionDir, keys: &[PublicKey]) -> Result<Option<Self>, FileError> {
        let path = dir.exit();
        if keys.is_empty() {
            return Self::read(dir);
        }
        let Some(bytes) = read_bytes(&path)? else {
            return Ok(None);
        };
        let is_signed = without_signature(&bytes).is_some_and(|(message, signature)| {
            keys.iter()
                .any(|key| key.has_signed(dir, Purpose::Report, message, signature))
        });
        if !is_signed {
            return Err(FileError::NotSigned { path });
        }
        parse(&path, &bytes).map(Some)
    }

    /// The signature is over everything before it.
    pub(super) fn write(
        &self,
        dir: &SessionDir,
        identity: Option<&Identity>,
    ) -> Result<(), FileError> {
        let Some(identity) = identity else {
            return write_json(&dir.exit(), self);
        };
        let path = dir.exit();
        let failed = |source| FileError::Write {
            path: path.clone(),
            source,
        };
        let mut bytes = serde_json::to_vec(self).map_err(|error| failed(error.into()))?;
        // The object goes on with its signature.
        bytes.pop();
        let signature = identity.sign(Purpose::Report, &bytes);
        bytes.extend(SIGNATURE.as_bytes());
        bytes.extend(signature.as_bytes());
        bytes.extend(b"\"}\n");
        write_atomically(&path, &bytes).map_err(failed)
    }
}

/// What is between a report and its signature.
const SIGNATURE: &str = ",\"signature\":\"";

/// The part of a report that is signed, and the signature.
fn without_signature(bytes: &[u8]) -> Option<(&[u8], &str)> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (message, signature) = text.strip_suffix("\"}\n")?.rsplit_once(SIGNATURE)?;
    Some((message.as_bytes(), signature))
}

fn write_json(path: &Path, value: &impl Serialize) -> Result<(), FileError> {
    let failed = |source| FileError::Write {
        path: path.to_owned(),
        source,
    };
    let mut bytes = serde_json::to_vec(value).map_err(|error| failed(error.into()))?;
    bytes.push(b'\n');
    write_atomically(path, &bytes).map_err(failed)
}

/// Only the format is looked at before the rest is trusted to have its shape.
#[derive(Deserialize)]
struct Formatted {
    format: u32,
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, FileError> {
    match read_bytes(path)? {
        Some(bytes) => parse(path, &bytes).map(Some),
        None => Ok(None),
    }
}

/// The whole file; none if there is none. What somebody put in its place, a pipe or a device, is an error, and
/// holds nobody up.
fn read_bytes(path: &Path) -> Result<Option<Vec<u8>>, FileError> {
    match read_regular(path, Links::Refuse, MAX_FILE) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(FileError::Read {
            path: path.to_owned(),
            source,
        }),
    }
}

fn parse<T: DeserializeOwned>(path: &Path, bytes: &[u8]) -> Result<T, FileError> {
    let parse = |source| FileError::Parse {
        path: path.to_owned(),
        source,
    };
    let Formatted { format } = serde_json::from_slice(bytes).map_err(parse)?;
    if format != FORMAT {
        return Err(FileError::Format {
            path: path.to_owned(),
            found: format,
        });
    }
    serde_json::from_slice(bytes).map_err(parse)
}

/// The largest file that is read: a spec with all that an environment can hold is smaller.
const MAX_FILE: u64 = 64 * 1024 * 1024;

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        reason = "a test says what went wrong by failing"
    )]
    use std::os::unix::fs::PermissionsExt;

    use super::super::identity;
    use super::*;

    fn spec() -> Spec {
        Spec {
            format: FORMAT,
            session_id: "s1".into(),
            program: "/bin/true".into(),
            args: vec!["-x".into()],
            env: vec![("KEY".into(), "very secret".into())],
            cwd: "/".into(),
            grace_ms: None,
            daemon_lock: None,
            isolation: None,
            umask: None,
        }
    }

    #[test]
    fn a_spec_is_private_and_comes_back() {
        let temp = tempfile::tempdir().unwrap();
        let dir = SessionDir::new(temp.path());
        spec().write(&dir).unwrap();
        let mode = fs::metadata(dir.spec()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(Spec::read(&dir).unwrap(), spec());
        assert_eq!(
            fs::read_dir(temp.path()).unwrap().count(),
            1,
            "nothing is left beside it"
        );
        assert!(!format!("{:?}", spec()).contains("very secret"));
    }

    fn report() -> ExitReport {
        ExitReport {
            format: FORMAT,
            code: Some(0),
            signal: None,
            at: Timestamp::UNIX_EPOCH,
            error: None,
            stderr_tail: "\",\"signature\":\"".into(),
            delivered: vec!["1".into()],
            leftovers: false,
            for_memory: false,
        }
    }

    #[test]
    fn a_signed_report_is_taken_as_it_is_and_no_other_one() {
        let temp = tempfile::tempdir().unwrap();
        let dir = SessionDir::new(temp.path());
        let (identity, key) = identity::tests::of(&dir);
        let keys = [key];
        assert_eq!(ExitReport::read_signed(&dir, &keys).unwrap(), None);
        let refused = || {
            let read = ExitReport::read_signed(&dir, &keys);
            assert!(matches!(read, Err(FileError::NotSigned { .. })), "{read:?}");
        };
        report().write(&dir, None).unwrap();
        refused();
        assert_eq!(
            ExitReport::read_signed(&dir, &[]).unwrap(),
            Some(report()),
            "an earlier release's"
        );
        report().write(&dir, Some(&identity)).unwrap();
        assert_eq!(
            ExitReport::read_signed(&dir, &keys).unwrap(),
            Some(report())
        );
        assert_eq!(ExitReport::read(&dir).unwrap(), Some(report()));
        let text = fs::read_to_string(dir.exit()).unwrap();
        for (from, to) in [
            ("\"code\":0", "\"code\":1"),
            ("[\"1\"]", "[\"2\"]"),
            ("}\n", ",\"code\":1}\n"),
        ] {
            assert!(text.contains(from), "{text}");
            fs::write(dir.exit(), text.replacen(from, to, 1)).unwrap();
            refused();
        }
    }

    #[test]
    fn what_is_no_file_is_not_waited_for() {
        let temp = tempfile::tempdir().unwrap();
        let dir = SessionDir::new(temp.path());
        std::os::unix::fs::symlink("/dev/zero", dir.exit()).unwrap();
        assert!(matches!(
            ExitReport::read(&dir),
            Err(FileError::Read { .. })
        ));
        let made = std::process::Command::new("mkfifo")
            .arg(dir.state())
            .status();
        assert!(made.unwrap().success());
        assert!(matches!(
            RunnerState::read(&dir),
            Err(FileError::Read { .. })
        ));
    }

    #[test]
    fn absent_broken_and_foreign_files_are_told_apart() {
        let temp = tempfile::tempdir().unwrap();
        let dir = SessionDir::new(temp.path());
        assert!(RunnerState::read(&dir).unwrap().is_none());
        assert!(matches!(Spec::read(&dir), Err(FileError::Read { .. })));
        fs::write(dir.exit(), "{").unwrap();
        assert!(matches!(
            ExitReport::read(&dir),
            Err(FileError::Parse { .. })
        ));
        fs::write(dir.exit(), r#"{"format":2,"outcome":"?"}"#).unwrap();
        assert!(matches!(
            ExitReport::read(&dir),
            Err(FileError::Format { found: 2, .. })
        ));
    }
}
