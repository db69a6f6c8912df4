//! Errors of handlers, and how they look on the wire.

use jsonrpsee::types::ErrorObjectOwned;

use crate::daemon::session::LaunchError;
use crate::daemon::store::StoreError;
use crate::protocol::approval::Approval;
use crate::protocol::error::{ErrorData, ErrorKind};

/// What to do where the database could not be written, as long as it is not known why.
const CHECK_THE_DISK: &str =
    "nothing happened; check the disk that holds the database and try again";

/// Why a call failed.
#[derive(Clone, Debug)]
pub struct RpcError {
    kind: ErrorKind,
    message: String,
    field: Option<String>,
    hint: Option<String>,
    approval: Option<Box<Approval>>,
}

impl std::fmt::Display for RpcError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl RpcError {
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            field: None,
            hint: None,
            approval: None,
        }
    }

    /// A parameter at fault.
    pub fn invalid(field: &str, problem: impl std::fmt::Display) -> Self {
        Self {
            field: Some(field.to_owned()),
            ..Self::new(ErrorKind::InvalidParams, format!("{field}: {problem}"))
        }
    }

    /// A parameter that must be there.
    pub fn required(field: &str) -> Self {
        Self {
            field: Some(field.to_owned()),
            ..Self::new(ErrorKind::InvalidParams, format!("{field} is required"))
        }
    }

    /// Whether what was asked for is not there.
    pub fn is_not_found(&self) -> bool {
        self.kind == ErrorKind::NotFound
    }

    /// What to do about it.
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }

    /// Whether the database could not be written.
    pub fn is_of_the_disk(&self) -> bool {
        self.hint.as_deref() == Some(CHECK_THE_DISK)
    }

    pub fn into_object(self, method: &str) -> ErrorObjectOwned {
        match self.kind {
            ErrorKind::Internal | ErrorKind::Unavailable | ErrorKind::LaunchFailed => {
                tracing::warn!(method, error = %self.message, "a call failed");
            }
            ErrorKind::InvalidParams
            | ErrorKind::NotFound
            | ErrorKind::Ambiguous
            | ErrorKind::AlreadyResolved
            | ErrorKind::Conflict
            | ErrorKind::Expired
            | ErrorKind::AlreadyDone
            | ErrorKind::Forbidden
            | ErrorKind::TooLarge => {
                tracing::debug!(method, error = %self.message, "a call was refused")
            }
        }
        self.into()
    }
}

impl From<RpcError> for ErrorObjectOwned {
    fn from(error: RpcError) -> Self {
        let data = ErrorData {
            kind: error.kind,
            field: error.field,
            hint: error.hint,
            approval: error.approval,
        };
        Self::owned(error.kind.code(), error.message, Some(data))
    }
}

impl From<StoreError> for RpcError {
    fn from(error: StoreError) -> Self {
        let message = error.to_string();
        match error {
            StoreError::NotFound { .. } => Self::new(ErrorKind::NotFound, message),
            StoreError::Ambiguous { .. } => Self::new(ErrorKind::Ambiguous, message),
            StoreError::AlreadyResolved(approval) => Self {
                approval: Some(Box::new(Approval::from(approval.as_ref()))),
                ..Self::new(ErrorKind::AlreadyResolved, message)
            },
            StoreError::Unfit(unfit) => Self::invalid(unfit.field, unfit.problem),
            StoreError::Conflict { .. } => Self::new(ErrorKind::Conflict, message),
            StoreError::Taken { .. } => {
                Self::new(ErrorKind::Conflict, message).hint("choose another name")
            }
            StoreError::Expired | StoreError::GivenUp => {
                Self::new(ErrorKind::Expired, message).hint("send it again with a later deadline")
            }
            StoreError::DoneBefore => Self::new(ErrorKind::AlreadyDone, message)
                .hint("look at what it changed: its answer is not kept"),
            StoreError::KeyTaken => Self {
                field: Some("idempotency_key".to_owned()),
                ..Self::new(ErrorKind::Conflict, message).hint("give each request a key of its own")
            },
            StoreError::Full { .. } => Self::new(ErrorKind::Unavailable, message),
            StoreError::Sql { .. } | StoreError::Commit(_) => {
                Self::new(ErrorKind::Unavailable, message).hint(CHECK_THE_DISK)
            }
            StoreError::Moved(_) => Self::new(ErrorKind::Unavailable, message)
                .hint("nothing happened; `humanlayer daemon status` says when it is settled"),
            StoreError::Closed => {
                Self::new(ErrorKind::Unavailable, message).hint("try again in a moment")
            }
            StoreError::Open { .. }
            | StoreError::InUse { .. }
            | StoreError::Corrupt { .. }
            | StoreError::Foreign { .. }
            | StoreError::Newer { .. }
            | StoreError::Migrate { .. }
            | StoreError::Value { .. }
            | StoreError::OutOfStep { .. } => Self::new(ErrorKind::Internal, message),
        }
    }
}

impl From<LaunchError> for RpcError {
    fn from(error: LaunchError) -> Self {
        let message = error.to_string();
        match error {
            LaunchError::Store(error) => error.into(),
            LaunchError::TooLong { .. } => Self::new(ErrorKind::TooLarge, message)
                .hint("put the text into a file and name it in the message"),
            LaunchError::Missing(_) => Self::new(ErrorKind::Conflict, message).hint(
                "put it back, then try again. Where the directory is missing, `humanlayer continue ID --working-dir DIR` goes on in another one",
            ),
            LaunchError::Silent(_) => Self::new(ErrorKind::Unavailable, message)
                .hint("nothing was started; try again once the disk answers"),
            LaunchError::CarryOver { .. } => Self::new(ErrorKind::LaunchFailed, message)
                .hint("the session is where it was"),
            LaunchError::Isolation(_) | LaunchError::NotServed => {
                Self::new(ErrorKind::LaunchFailed, message)
                    .hint("nothing was started; `humanlayer doctor` says what isolation needs. Without it: --no-isolate")
            }
            LaunchError::OpenFiles(_) => Self::new(ErrorKind::Unavailable, message)
                .hint("nothing was started; end sessions, or raise the limit (`ulimit -n`, `LimitNOFILE=` of a service) and restart the daemon: sessions keep running"),
            LaunchError::Runner { ref source, .. }
                if source.kind() == std::io::ErrorKind::WouldBlock =>
            {
                Self::new(ErrorKind::LaunchFailed, message)
                    .hint("nothing was started; there are as many processes as there may be (`ulimit -u`, `TasksMax=` of a service): end some, or raise the limit")
            }
            LaunchError::Directory { .. } | LaunchError::Spec(_) | LaunchError::Runner { .. } => {
                Self::new(ErrorKind::LaunchFailed, message)
            }
        }
    }
}
