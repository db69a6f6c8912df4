//! Who is asking: a person's program, or an agent acting for itself.
//!
//! The answer is worked out by the daemon, at each decision anew; this module owns only its meaning:
//! who may decide.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::id::SessionId;

/// Where a connection comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Origin {
    /// A process whose way up is proven to end at a person: a login, a terminal, or a place that is on
    /// record.
    Person {
        /// Process id.
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
    /// A process of an agent that is no session's: below a Claude Code that was started by hand, or
    /// below a program that asks.
    OtherAgent {
        /// Process id.
        pid: u32,
        /// Name of the program, as the system reports it.
        program: String,
        /// What shows it.
        evidence: String,
    },
    /// It is not proven who this is: the process is gone, its way up cannot be read, or that ends
    /// nowhere where a person is known to be.
    Unverified {
        /// What could not be established.
        reason: String,
    },
}

/// How a daemon says that it does not start below an agent.
pub const NOT_BELOW_AN_AGENT: &str = "no daemon is started by an agent";

impl Origin {
    /// Whether decisions are taken from here. Everything that is not known to be a person's
    /// program is refused: a check that cannot be made must not count as passed.
    #[must_use]
    pub fn may_decide(&self) -> bool {
        matches!(self, Self::Person { .. })
    }

    /// Whether this is known to be an agent.
    #[must_use]
    pub fn is_agent(&self) -> bool {
        match self {
            Self::Agent { .. } | Self::OtherAgent { .. } => true,
            Self::Person { .. } | Self::Unverified { .. } => false,
        }
    }

    /// The process, where one is known.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        match self {
            Self::Person { pid, .. } | Self::Agent { pid, .. } | Self::OtherAgent { pid, .. } => {
                Some(*pid)
            }
            Self::Unverified { .. } => None,
        }
    }
}
