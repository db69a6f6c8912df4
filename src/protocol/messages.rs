//! Messages of the user on the wire: withdrawing one that the agent has not read.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::session::SessionState;

/// Parameters of `withdrawMessage`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct WithdrawMessageParams {
    /// The session (required).
    pub session_id: String,
    /// The message: the `id` of its piece of conversation. Absent: the newest that the agent has not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<i64>,
}

/// Answer of `withdrawMessage`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct WithdrawMessageResponse {
    /// The session.
    pub session: SessionState,
    /// The message.
    pub message_id: i64,
    /// What came of it.
    pub outcome: WithdrawalOutcome,
    /// Why, where it was not withdrawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What came of a withdrawal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WithdrawalOutcome {
    /// The agent never reads it.
    Withdrawn,
    /// The agent has read it, or will.
    TooLate,
    /// The agent was asked to give it back and has not answered. `message_updated` tells what comes of
    /// it: `withdrawn`, or null once the agent reads it.
    Pending,
}
