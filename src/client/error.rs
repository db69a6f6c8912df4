//! Why a call on the daemon failed.
//!
//! Owns the translation of the JSON-RPC library's errors into ones that name
//! the method and can be matched on. Returned by everything in [`super`].

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use jsonrpsee::core::client::Error as RpcError;
use jsonrpsee::types::ErrorObjectOwned;

use super::transport::ConnectError;
use crate::protocol::error::{ErrorData, ErrorKind};

/// How long starting a daemon may take in all, waiting for another starter included.
pub const START_TIMEOUT: Duration = Duration::from_secs(10);

/// Why no daemon could be started.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    /// This program runs inside an agent's session, or was otherwise started by an agent.
    #[error(
        "the daemon is not running, and none is started from inside a session, with which it would end"
    )]
    InsideSession,
    /// The system refused something on the way.
    #[error("starting the daemon: {doing} {path}: {source}", path = path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The daemon ended at once.
    #[error("starting the daemon: {report}")]
    Died {
        /// What it said itself.
        report: String,
    },
    /// Somebody holds its lock, and nobody answers.
    #[error("starting the daemon: nobody answers on {socket}, and {path} is locked by {holder}", socket = socket.display(), path = path.display())]
    Held {
        /// The lock.
        path: PathBuf,
        /// Who holds it.
        holder: String,
        /// The socket.
        socket: PathBuf,
    },
    /// It lives, but did not answer in time.
    #[error("starting the daemon: nobody answers on {socket} after {limit:?}; its log is in {log}", socket = socket.display(), limit = START_TIMEOUT, log = log.display())]
    TimedOut {
        /// The socket.
        socket: PathBuf,
        /// The directory of its log.
        log: PathBuf,
    },
}

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody serves the socket.
    #[error("connecting to {path}: the daemon is not running", path = path.display())]
    NotRunning {
        /// The socket.
        path: PathBuf,
    },
    /// The socket is there but no connection came about.
    #[error(transparent)]
    Connect(ConnectError),
    /// No daemon ran, and none could be started.
    #[error(transparent)]
    Spawn(#[from] SpawnError),
    /// The daemon refused.
    #[error("{message}")]
    Rpc {
        /// What kind of refusal; none for one that this version does not know.
        kind: Option<ErrorKind>,
        /// JSON-RPC's code.
        code: i32,
        /// The daemon's sentence.
        message: String,
        /// What it says for programs, where that could be read.
        data: Option<Box<ErrorData>>,
    },
    /// The connection broke before the answer came; whether the call was done is unknown.
    #[error("calling {method}: the connection to the daemon was lost: {cause}")]
    Lost {
        /// The method.
        method: String,
        /// What happened.
        cause: String,
    },
    /// The answer did not come in time; whether the call was done is unknown.
    #[error("calling {method}: the daemon did not answer in time")]
    TimedOut {
        /// The method.
        method: String,
    },
    /// The daemon answers nobody: it is stopped, or stuck. Whether the call was done is unknown.
    #[error("calling {method}: the daemon does not answer: it is stopped, or stuck")]
    Silent {
        /// The method.
        method: String,
    },
    /// No answer came to a request that changes something. The daemon does not begin with it any more.
    #[error("{source}; whether it was done is not known")]
    NotKnown {
        /// Why there is no answer.
        source: Box<ClientError>,
        /// With this key the same request can be made again, and is carried out once.
        key: String,
    },
    /// The answer, or a request, is not what the protocol says.
    #[error("calling {method}: {cause}")]
    Protocol {
        /// The method.
        method: String,
        /// What is wrong with it.
        cause: String,
    },
}

impl ClientError {
    /// Whether it is this refusal.
    #[must_use]
    pub fn is(&self, wanted: ErrorKind) -> bool {
        match self {
            Self::Rpc { kind, .. } => *kind == Some(wanted),
            Self::NotRunning { .. }
            | Self::Connect(_)
            | Self::Spawn(_)
            | Self::Lost { .. }
            | Self::Silent { .. }
            | Self::TimedOut { .. }
            | Self::NotKnown { .. }
            | Self::Protocol { .. } => false,
        }
    }

    /// The same for a request that changes something and has this key.
    pub(super) fn not_known(self, key: String) -> Self {
        match self {
            Self::Lost { .. } | Self::Silent { .. } | Self::TimedOut { .. } => Self::NotKnown {
                source: Box::new(self),
                key,
            },
            settled => settled,
        }
    }

    /// Whether another connection may do better.
    #[must_use]
    pub fn is_disconnect(&self) -> bool {
        match self {
            Self::NotRunning { .. }
            | Self::Connect(_)
            | Self::Lost { .. }
            | Self::Silent { .. } => true,
            Self::NotKnown { source, .. } => source.is_disconnect(),
            Self::Spawn(_) | Self::Rpc { .. } | Self::TimedOut { .. } | Self::Protocol { .. } => {
                false
            }
        }
    }

    /// The error of a call of `method`.
    pub(super) fn of_call(method: &str, error: RpcError) -> Self {
        let method = method.to_owned();
        match error {
            RpcError::Call(object) => refused(&object),
            RpcError::RequestTimeout => Self::TimedOut { method },
            RpcError::RestartNeeded(cause) => Self::Lost {
                method,
                cause: cause.to_string(),
            },
            RpcError::Transport(cause) => Self::Lost {
                method,
                cause: cause.to_string(),
            },
            RpcError::ServiceDisconnect => Self::Lost {
                method,
                cause: "the daemon closed it".to_owned(),
            },
            other => Self::Protocol {
                method,
                cause: other.to_string(),
            },
        }
    }
}

impl From<ConnectError> for ClientError {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::NotRunning { path } => Self::NotRunning { path },
            other => Self::Connect(other),
        }
    }
}

/// A refusal. Data of an unknown shape loses its details, never the refusal itself.
fn refused(object: &ErrorObjectOwned) -> ClientError {
    let data: Option<ErrorData> = object
        .data()
        .and_then(|data| serde_json::from_str(data.get()).ok());
    ClientError::Rpc {
        kind: data.as_ref().map(|data| data.kind),
        code: object.code(),
        message: object.message().to_owned(),
        data: data.map(Box::new),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic, reason = "a test fails by panicking")]
    use super::*;
    use serde_json::json;

    fn of(data: serde_json::Value) -> ClientError {
        refused(&ErrorObjectOwned::owned(-32001, "no such", Some(data)))
    }

    #[test]
    fn refusals_keep_what_they_say() {
        let error = of(json!({"kind": "not_found", "hint": "list them"}));
        assert!(error.is(ErrorKind::NotFound));
        let ClientError::Rpc { data, message, .. } = error else {
            panic!("a refusal");
        };
        assert_eq!(message, "no such");
        assert_eq!(
            data.and_then(|data| data.hint).as_deref(),
            Some("list them")
        );
    }

    #[test]
    fn an_unknown_kind_is_still_a_refusal() {
        let error = of(json!({"kind": "from_the_future"}));
        assert!(matches!(error, ClientError::Rpc { kind: None, .. }));
        assert!(!error.is_disconnect());
    }
}
