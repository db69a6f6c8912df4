//! Who is asking: a person's program, or an agent acting for itself.
//!
//! The answer is worked out once, when a connection is accepted, by the daemon (which knows its
//! runners); this module owns only its meaning: who may decide.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::id::SessionId;

/// Where a connection comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Origin {
    /// A process of this user that no session's runner is an ancestor of.
    Person {
        /// Process id at the time of the connection.
        pid: u32,
        /// User id.
        uid: u32,
        /// Name of the program, as the system reports it.
        program: String,
    },
    /// A process below the runner of a session.
    Agent {
        /// The session whose runner is its ancestor.
        session_id: SessionId,
        /// Process id at the time of the connection.
        pid: u32,
    },
    /// The process was gone, or its ancestry could not be read, when it was looked at.
    Unverified {
        /// What could not be established.
        reason: String,
    },
}

impl Origin {
    /// Whether decisions are taken from here. Everything that is not known to be a person's
    /// program is refused: a check that cannot be made must not count as passed.
    #[must_use]
    pub fn may_decide(&self) -> bool {
        matches!(self, Self::Person { .. })
    }
}
