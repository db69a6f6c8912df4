//! What has to be remembered of an agent's stream from one line to the next, beside what people see.
//!
//! It is stored with the session, in one column, so that a daemon which takes a session up in the
//! middle of a turn reads on as if it had never been away. Lists in it are bounded: the oldest
//! entries go first.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::usage::{Accounting, Totals, Unpriced};

/// Most background tasks and looks after them that are followed.
pub const MAX_FOLLOWED: usize = 64;

/// What has to be remembered of an agent's stream.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StreamState {
    /// What has been counted of the agent's totals.
    pub accounting: Accounting,
    /// Up to where the journals were written while a database was in use that is not the present one. What was
    /// decided and sent until there is not known.
    #[serde(skip_serializing_if = "is_default")]
    pub read_before: u64,
    /// Tokens of messages since the last report, which the next one counts again.
    #[serde(skip_serializing_if = "is_default")]
    pub unreported: Totals,
    /// Turns of which it is not known what they cost.
    #[serde(skip_serializing_if = "is_default")]
    pub unpriced: Unpriced,
    /// The message that was counted last; its other parts count nothing.
    #[serde(skip_serializing_if = "is_default")]
    pub last_message: Option<String>,
    /// Whether the present process has begun a turn.
    #[serde(skip_serializing_if = "is_default")]
    pub begun: bool,
    /// Whether the agent has forgotten the conversation and not yet named the new one.
    #[serde(skip_serializing_if = "is_default")]
    pub cleared: bool,
    /// What the turn's last line of the main conversation was.
    #[serde(skip_serializing_if = "is_default")]
    pub last: LastLine,
    /// Whether the present process tells which messages it has taken: it was started with
    /// `--replay-user-messages`. One of an earlier release was not; what is written to it counts as read.
    #[serde(skip_serializing_if = "is_default")]
    pub tells_messages: bool,
    /// Whether it tells that of each (`command_lifecycle`), also of those that it does not repeat.
    #[serde(skip_serializing_if = "is_default")]
    pub tells_commands: bool,
    /// Whether it has taken messages out of its queue and not acted on them yet.
    #[serde(skip_serializing_if = "is_default")]
    pub has_started_messages: bool,
    /// Whether it has been told of a message that the present turn is for.
    #[serde(skip_serializing_if = "is_default")]
    pub turn_has_message: bool,
    /// Claude Code's version, once it has begun a turn.
    #[serde(skip_serializing_if = "is_default")]
    pub version: Option<String>,
    /// Why a hook has stopped the turn.
    #[serde(skip_serializing_if = "is_default")]
    pub stopped_by: Option<String>,
    /// When the present turn began; none between turns.
    #[serde(skip_serializing_if = "is_default")]
    pub turn_started_at: Option<Timestamp>,
    /// The tool call of the main conversation that was begun last, while it runs.
    #[serde(skip_serializing_if = "is_default")]
    pub current_tool: Option<CurrentTool>,
    /// The model's API fails and is tried again.
    #[serde(skip_serializing_if = "is_default")]
    pub retrying: Option<Retrying>,
    /// Whether the agent itself says which background tasks run.
    #[serde(skip_serializing_if = "is_default")]
    pub tells_tasks: bool,
    /// Tool calls that look after a background task: the call, the task.
    #[serde(skip_serializing_if = "is_default")]
    pub looks: Vec<(String, String)>,
    /// When the session did something last, by the system's own clock.
    #[serde(skip_serializing_if = "is_default")]
    pub active: Option<SinceBoot>,
}

/// A moment by the system's own clock, which nobody sets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SinceBoot {
    /// In which run of the system.
    pub boot: String,
    /// How long that had lasted, in microseconds.
    pub micros: i64,
}

/// A tool call that runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CurrentTool {
    /// The call.
    pub id: String,
    /// The tool and what it is called with, in one short line: `Bash: cargo test`.
    pub summary: String,
}

/// What a turn's last line of the main conversation was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LastLine {
    /// There was none yet.
    #[default]
    Nothing,
    /// The assistant spoke or called a tool.
    Assistant,
    /// A tool gave its result.
    ToolResult,
    /// "Request interrupted by user".
    Interrupted,
    /// The agent did something about the conversation itself.
    Command,
}

/// The model's API fails and is tried again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Retrying {
    /// Which try comes next.
    pub attempt: i64,
    /// After how many it gives up.
    pub max_retries: i64,
    /// What went wrong: the HTTP status or "no answer", and the kind of error.
    pub error: String,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// What is reported next is told apart from what was counted by their difference.
        #[test]
        fn money_is_read_as_it_was_written(cost_usd in 0.0..1e4_f64) {
            let mut state = StreamState::default();
            state.unreported.cost_usd = cost_usd;
            let text = serde_json::to_string(&state).unwrap();
            prop_assert_eq!(serde_json::from_str::<StreamState>(&text).unwrap(), state);
        }
    }
}
