//! Errors on the wire: a standard code, a sentence, and in `data` a stable machine-readable kind.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What kind of error; stable, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// A parameter is missing, of the wrong type or out of its range (`data.field` names it).
    InvalidParams,
    /// No such session or approval.
    NotFound,
    /// A prefix fits more than one.
    Ambiguous,
    /// Somebody was first (`data.approval` has the outcome that stands).
    AlreadyResolved,
    /// The session is not in a state for this.
    Conflict,
    /// The request came after its `deadline`, or its connection was closed before it was begun; nothing happened.
    Expired,
    /// The request was carried out before, under the same `idempotency_key`, and its answer is not kept.
    AlreadyDone,
    /// The caller is an agent, or cannot be told from one.
    Forbidden,
    /// The database cannot be written now; nothing happened, and the same call may succeed later.
    Unavailable,
    /// A request or an answer beyond its limit.
    TooLarge,
    /// The agent could not be started.
    LaunchFailed,
    /// A fault of the daemon.
    Internal,
}

impl ErrorKind {
    /// The JSON-RPC code that goes with it.
    #[must_use]
    pub fn code(self) -> i32 {
        match self {
            Self::InvalidParams => -32602,
            Self::Internal => -32603,
            Self::NotFound => -32001,
            Self::Ambiguous => -32002,
            Self::AlreadyResolved => -32003,
            Self::Conflict => -32004,
            Self::Forbidden => -32005,
            Self::Unavailable => -32007,
            Self::TooLarge => -32008,
            Self::LaunchFailed => -32009,
            Self::Expired => -32011,
            Self::AlreadyDone => -32012,
        }
    }
}

/// The `data` of an error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorData {
    /// What kind of error.
    pub kind: ErrorKind,
    /// The parameter at fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The approval as it stands, where somebody was first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Box<super::approval::Approval>>,
}
