//! How a command ends: its exit code, and the message when it failed.
//!
//! Owns the exit codes, which scripts rely on, and the translation of every
//! error into one sentence and a next step. Prints nothing itself.

use std::io;
use std::process::ExitCode;

use crate::client::ClientError;
use crate::client::spawn::SpawnError;
use crate::config::ConfigError;
use crate::ipc::error::METHOD_NOT_FOUND;
use crate::protocol::error::ErrorKind;

/// What to do about a daemon that does not understand us, or we it.
const OTHER_VERSION: &str = "the daemon may be of another version: `humanlayer daemon restart` is safe: sessions keep running";

/// The exit codes. Their numbers are part of the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// It was done.
    Done = 0,
    /// It failed.
    Failed = 1,
    /// The command line is wrong.
    Usage = 2,
    /// There is no such session or approval.
    NotFound = 3,
    /// Somebody else, or the agent, was first.
    AlreadyResolved = 4,
    /// No daemon could be reached or started.
    NoDaemon = 5,
    /// A person declined to answer.
    Declined = 6,
    /// The question was withdrawn, or ended otherwise: nobody answered.
    Withdrawn = 7,
}

impl Exit {
    /// The number.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a command ends early.
#[derive(Debug)]
pub enum Failure {
    /// All that is to be said has been said.
    Silent(Exit),
    /// Something is to be said on standard error.
    Told {
        /// How the process ends.
        exit: Exit,
        /// What went wrong, in one sentence.
        message: String,
        /// What to do about it.
        hint: Option<String>,
    },
}

impl Failure {
    /// A failure that says what went wrong.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self::Told {
            exit,
            message: message.into(),
            hint: None,
        }
    }

    /// Something failed.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(Exit::Failed, message)
    }

    /// The command line is wrong.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// Adds what to do, unless that is known already.
    #[must_use]
    pub fn with_hint(self, next: impl Into<String>) -> Self {
        match self {
            Self::Told {
                exit,
                message,
                hint: None,
            } => Self::Told {
                exit,
                message,
                hint: Some(next.into()),
            },
            settled @ (Self::Silent(_) | Self::Told { .. }) => settled,
        }
    }

    /// How the process ends.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Silent(exit) | Self::Told { exit, .. } => *exit,
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        // Who closes our output has read what they wanted.
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::Silent(Exit::Done)
        } else {
            Self::failed(format!("writing the output: {error}"))
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::new(Exit::Usage, error.to_string())
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::failed(format!("writing JSON: {error}"))
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let failure = Self::new(exit_of(&error), error.to_string());
        let hint = match &error {
            ClientError::Rpc {
                code: METHOD_NOT_FOUND,
                ..
            } => Some(OTHER_VERSION.to_owned()),
            ClientError::Rpc { data, kind, .. } => data
                .as_ref()
                .and_then(|data| data.hint.clone())
                .or_else(|| kind.and_then(hint_of).map(str::to_owned)),
            ClientError::NotRunning { .. } => {
                Some("start it with `humanlayer daemon start`".to_owned())
            }
            ClientError::Spawn(SpawnError::InsideSession) => Some(
                "start it from a terminal of your own with `humanlayer daemon start`".to_owned(),
            ),
            ClientError::Spawn(_) | ClientError::Connect(_) => {
                Some("`humanlayer doctor` says what is wrong".to_owned())
            }
            ClientError::Lost { .. } | ClientError::TimedOut { .. } => {
                Some("look with `humanlayer daemon status` and try again".to_owned())
            }
            ClientError::Silent { .. } => Some(
                "`humanlayer daemon restart` is safe: sessions keep running. Look what became of the call before you repeat it".to_owned(),
            ),
            ClientError::NotKnown { source, key } => Some(format!(
                "{}. The daemon does not begin with it any more; to have it done once, whatever became of it, repeat the command with `--idempotency-key {key}`",
                match **source {
                    ClientError::Silent { .. } => "`humanlayer daemon restart` is safe: sessions keep running",
                    _ => "`humanlayer daemon status` says how the daemon is",
                }
            )),
            ClientError::Garbled { .. } => Some(OTHER_VERSION.to_owned()),
        };
        match hint {
            Some(hint) => failure.with_hint(hint),
            None => failure,
        }
    }
}

fn exit_of(error: &ClientError) -> Exit {
    match error {
        ClientError::NotRunning { .. }
        | ClientError::Connect(_)
        | ClientError::Spawn(_)
        | ClientError::Lost { .. }
        | ClientError::Silent { .. }
        | ClientError::TimedOut { .. }
        | ClientError::NotKnown { .. } => Exit::NoDaemon,
        ClientError::Garbled { .. } => Exit::Failed,
        ClientError::Rpc { kind, .. } => match kind {
            Some(ErrorKind::NotFound) => Exit::NotFound,
            Some(ErrorKind::AlreadyResolved) => Exit::AlreadyResolved,
            Some(ErrorKind::InvalidParams | ErrorKind::Ambiguous) => Exit::Usage,
            Some(
                ErrorKind::Conflict
                | ErrorKind::Forbidden
                | ErrorKind::Unavailable
                | ErrorKind::TooLarge
                | ErrorKind::LaunchFailed
                | ErrorKind::Expired
                | ErrorKind::AlreadyDone
                | ErrorKind::Internal,
            )
            | None => Exit::Failed,
        },
    }
}

/// The next step that fits a refusal which names none itself.
fn hint_of(kind: ErrorKind) -> Option<&'static str> {
    match kind {
        ErrorKind::NotFound => {
            Some("`humanlayer sessions --all` and `humanlayer approvals --all` list what there is")
        }
        ErrorKind::Ambiguous => Some("use more characters of the id"),
        ErrorKind::Forbidden => Some("decide from a terminal that no agent runs in"),
        ErrorKind::Unavailable => Some("try again; `humanlayer daemon status` says what is wrong"),
        ErrorKind::LaunchFailed => Some("`humanlayer doctor` says what is wrong"),
        ErrorKind::Internal => Some("the daemon's log says more: `humanlayer daemon logs`"),
        ErrorKind::AlreadyDone => Some("look at what it changed before you repeat it"),
        ErrorKind::InvalidParams
        | ErrorKind::Expired
        | ErrorKind::AlreadyResolved
        | ErrorKind::Conflict
        | ErrorKind::TooLarge => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(kind: Option<ErrorKind>) -> ClientError {
        ClientError::Rpc {
            kind,
            code: 0,
            message: "no".into(),
            data: None,
        }
    }

    #[test]
    fn the_numbers_stay_as_they_are() {
        let all = [
            Exit::Done,
            Exit::Failed,
            Exit::Usage,
            Exit::NotFound,
            Exit::AlreadyResolved,
            Exit::NoDaemon,
            Exit::Declined,
            Exit::Withdrawn,
        ];
        assert_eq!(all.map(Exit::code), [0, 1, 2, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn every_error_has_its_exit_code() {
        let cases = [
            (refusal(Some(ErrorKind::NotFound)), Exit::NotFound),
            (
                refusal(Some(ErrorKind::AlreadyResolved)),
                Exit::AlreadyResolved,
            ),
            (refusal(Some(ErrorKind::InvalidParams)), Exit::Usage),
            (refusal(Some(ErrorKind::Ambiguous)), Exit::Usage),
            (refusal(Some(ErrorKind::Forbidden)), Exit::Failed),
            (refusal(None), Exit::Failed),
            (
                ClientError::NotRunning { path: "/x".into() },
                Exit::NoDaemon,
            ),
            (SpawnError::InsideSession.into(), Exit::NoDaemon),
            (ClientError::TimedOut { method: "m".into() }, Exit::NoDaemon),
        ];
        for (error, exit) in cases {
            let said = format!("{error:?}");
            assert_eq!(Failure::from(error).exit(), exit, "{said}");
        }
    }

    #[test]
    fn a_reader_that_left_is_no_failure() {
        let failure = Failure::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!(failure.exit(), Exit::Done);
        let failure = Failure::from(io::Error::from(io::ErrorKind::StorageFull));
        assert_eq!(failure.exit(), Exit::Failed);
    }
}
