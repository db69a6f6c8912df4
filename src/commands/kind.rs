//! The kinds of failure that a command can end with: a closed list, for scripts.
//!
//! Owns their names, the exit codes, which of them has which, and what each means. `docs/scripts.md` lists
//! the same, which a test checks. Nothing else decides an exit code.

use std::process::ExitCode;

use crate::client::ClientError;
use crate::ipc::error::METHOD_NOT_FOUND;
use crate::protocol::error::ErrorKind;

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
    /// No daemon could be reached or started, or it did not answer.
    NoDaemon = 5,
    /// A person declined to answer.
    Declined = 6,
    /// The question was withdrawn, or ended otherwise: nobody answered.
    Withdrawn = 7,
    /// Whoever read our output has closed it. `main` dies of SIGPIPE then, as other tools do; this is
    /// what a shell makes of that.
    PipeClosed = 141,
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

/// What kind of failure it is; the `kind` of an error under `--json`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It failed, and no other kind fits.
    Failed,
    /// The command line is wrong.
    Usage,
    /// The configuration cannot be read, or a value in it is wrong.
    Configuration,
    /// The output could not be written.
    Output,
    /// A person at the terminal was asked and said no.
    Cancelled,
    /// What was waited for took too long; it goes on.
    TimedOut,
    /// A search that found nothing.
    NoMatch,
    /// A check found something wrong; the result says what.
    CheckFailed,
    /// No daemon runs.
    NotRunning,
    /// No daemon ran and none could be started.
    NotStarted,
    /// The socket is there, but no connection came about.
    Unreachable,
    /// The connection was lost before the answer came.
    ConnectionLost,
    /// The daemon does not answer.
    NoAnswer,
    /// No answer came to a request that changes something.
    NotKnown,
    /// The daemon and this program do not understand each other.
    OtherVersion,
    /// A person declined to answer.
    Declined,
    /// The question was withdrawn, or ended otherwise.
    Withdrawn,
    /// What the daemon refused, by the kind that the protocol gives it.
    Refused(ErrorKind),
}

impl Kind {
    /// The daemon has no such session or approval, or there is no such thing here.
    pub const NOT_FOUND: Self = Self::Refused(ErrorKind::NotFound);
    /// Somebody else, or the agent, was first.
    pub const ALREADY_RESOLVED: Self = Self::Refused(ErrorKind::AlreadyResolved);

    /// All of them, in the order of their exit codes.
    pub const ALL: [Self; 29] = [
        Self::Failed,
        Self::Output,
        Self::Cancelled,
        Self::TimedOut,
        Self::NoMatch,
        Self::CheckFailed,
        Self::OtherVersion,
        Self::Refused(ErrorKind::Conflict),
        Self::Refused(ErrorKind::Forbidden),
        Self::Refused(ErrorKind::Unavailable),
        Self::Refused(ErrorKind::TooLarge),
        Self::Refused(ErrorKind::LaunchFailed),
        Self::Refused(ErrorKind::Expired),
        Self::Refused(ErrorKind::AlreadyDone),
        Self::Refused(ErrorKind::Internal),
        Self::Usage,
        Self::Configuration,
        Self::Refused(ErrorKind::InvalidParams),
        Self::Refused(ErrorKind::Ambiguous),
        Self::NOT_FOUND,
        Self::ALREADY_RESOLVED,
        Self::NotRunning,
        Self::NotStarted,
        Self::Unreachable,
        Self::ConnectionLost,
        Self::NoAnswer,
        Self::NotKnown,
        Self::Declined,
        Self::Withdrawn,
    ];

    /// Its name, which never changes.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Usage => "usage",
            Self::Configuration => "configuration",
            Self::Output => "output",
            Self::Cancelled => "cancelled",
            Self::TimedOut => "timed_out",
            Self::NoMatch => "no_match",
            Self::CheckFailed => "check_failed",
            Self::NotRunning => "not_running",
            Self::NotStarted => "not_started",
            Self::Unreachable => "unreachable",
            Self::ConnectionLost => "connection_lost",
            Self::NoAnswer => "no_answer",
            Self::NotKnown => "not_known",
            Self::OtherVersion => "other_version",
            Self::Declined => "declined",
            Self::Withdrawn => "withdrawn",
            Self::Refused(kind) => match kind {
                ErrorKind::InvalidParams => "invalid_params",
                ErrorKind::NotFound => "not_found",
                ErrorKind::Ambiguous => "ambiguous",
                ErrorKind::AlreadyResolved => "already_resolved",
                ErrorKind::Conflict => "conflict",
                ErrorKind::Expired => "expired",
                ErrorKind::AlreadyDone => "already_done",
                ErrorKind::Forbidden => "forbidden",
                ErrorKind::Unavailable => "unavailable",
                ErrorKind::TooLarge => "too_large",
                ErrorKind::LaunchFailed => "launch_failed",
                ErrorKind::Internal => "internal",
            },
        }
    }

    /// How the process ends.
    #[must_use]
    pub fn exit(self) -> Exit {
        match self {
            Self::Failed
            | Self::Output
            | Self::Cancelled
            | Self::TimedOut
            | Self::NoMatch
            | Self::CheckFailed
            | Self::OtherVersion => Exit::Failed,
            Self::Usage | Self::Configuration => Exit::Usage,
            Self::NotRunning
            | Self::NotStarted
            | Self::Unreachable
            | Self::ConnectionLost
            | Self::NoAnswer
            | Self::NotKnown => Exit::NoDaemon,
            Self::Declined => Exit::Declined,
            Self::Withdrawn => Exit::Withdrawn,
            Self::Refused(kind) => match kind {
                ErrorKind::NotFound => Exit::NotFound,
                ErrorKind::AlreadyResolved => Exit::AlreadyResolved,
                ErrorKind::InvalidParams | ErrorKind::Ambiguous => Exit::Usage,
                ErrorKind::Conflict
                | ErrorKind::Forbidden
                | ErrorKind::Unavailable
                | ErrorKind::TooLarge
                | ErrorKind::LaunchFailed
                | ErrorKind::Expired
                | ErrorKind::AlreadyDone
                | ErrorKind::Internal => Exit::Failed,
            },
        }
    }
}

impl From<&ClientError> for Kind {
    fn from(error: &ClientError) -> Self {
        match error {
            ClientError::NotRunning { .. } => Self::NotRunning,
            ClientError::Connect(_) => Self::Unreachable,
            ClientError::Spawn(_) => Self::NotStarted,
            ClientError::Lost { .. } => Self::ConnectionLost,
            ClientError::Silent { .. } | ClientError::TimedOut { .. } => Self::NoAnswer,
            ClientError::NotKnown { .. } => Self::NotKnown,
            ClientError::Protocol { .. } => Self::OtherVersion,
            ClientError::Rpc {
                kind: Some(kind), ..
            } => Self::Refused(*kind),
            ClientError::Rpc {
                code: METHOD_NOT_FOUND,
                ..
            } => Self::OtherVersion,
            ClientError::Rpc { .. } => Self::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    const PAGE: &str = include_str!("../../docs/scripts.md");

    #[test]
    fn the_page_lists_every_kind_with_its_exit_code_and_no_other() {
        let table = PAGE
            .split("\n## ")
            .find(|part| part.starts_with("Kinds"))
            .unwrap();
        let listed: Vec<(&str, &str)> = table
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split_once("` | "))
            .map(|(name, rest)| (name, rest.split(" |").next().unwrap()))
            .collect();
        let all = Kind::ALL.map(|kind| (kind.name(), kind.exit().code().to_string()));
        let all: Vec<(&str, &str)> = all.iter().map(|(name, code)| (*name, &**code)).collect();
        assert_eq!(listed, all);
    }

    #[test]
    fn what_the_daemon_refuses_keeps_the_protocols_name() {
        for kind in Kind::ALL {
            if let Kind::Refused(refused) = kind {
                assert_eq!(serde_json::to_value(refused).unwrap(), kind.name());
            }
        }
    }
}
