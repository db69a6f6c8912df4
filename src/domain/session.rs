//! A session: one conversation. Processes come and go under it, one at a time.
//!
//! Owns the session's record, its life (`Phase`), what people are shown (`Status`) and how the one
//! follows from the other. The state machine that reads the agent's lines lives in the daemon.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use strum::{EnumString, IntoStaticStr};

use super::id::{RunId, SessionId};
use super::stream_state::StreamState;

/// Characters of a session's summary.
pub const SUMMARY_CHARS: usize = 80;

/// What a session looks like from outside. The names are those that existing clients know.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    EnumString,
    IntoStaticStr,
)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Being written, not launched.
    Draft,
    /// Accepted; its agent has not said anything yet.
    Starting,
    /// The agent works.
    Running,
    /// At least one approval is pending.
    WaitingInput,
    /// The last turn ended well.
    Completed,
    /// The last turn or the process ended badly; `error_message` says how.
    Failed,
    /// An interrupt was sent and has not taken effect yet.
    Interrupting,
    /// The last turn was interrupted.
    Interrupted,
    /// A draft that was thrown away.
    Discarded,
}

impl Status {
    /// The name on the wire and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// The word that people read: of an approval that is pending there is one word, wherever it is said.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::WaitingInput => "pending",
            status => status.as_str(),
        }
    }

    /// Reads a name back.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        name.parse().ok()
    }

    /// What is shown for a session in `phase` with `pending` undecided approvals.
    /// A session waits for a person exactly while something is pending.
    #[must_use]
    pub fn of(phase: Phase, pending: u64) -> Self {
        if pending > 0 {
            return Self::WaitingInput;
        }
        match phase {
            Phase::Starting => Self::Starting,
            Phase::Running => Self::Running,
            Phase::Completed => Self::Completed,
            Phase::Failed => Self::Failed,
            Phase::Interrupting => Self::Interrupting,
            Phase::Interrupted => Self::Interrupted,
        }
    }

    /// Whether the agent works, or will once it is answered.
    #[must_use]
    pub fn is_active(self) -> bool {
        match self {
            Self::Starting | Self::Running | Self::WaitingInput | Self::Interrupting => true,
            Self::Draft | Self::Completed | Self::Failed | Self::Interrupted | Self::Discarded => {
                false
            }
        }
    }
}

/// Where the agent is in its work, approvals left aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, EnumString)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Accepted; the agent has not said anything yet.
    Starting,
    /// In a turn. Background work after one does not count: the session rests beside it.
    Running,
    /// The last turn ended well.
    Completed,
    /// The last turn or the process ended badly.
    Failed,
    /// An interrupt was sent.
    Interrupting,
    /// The last turn was interrupted.
    Interrupted,
}

impl Phase {
    /// The name in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Status::of(self, 0).as_str()
    }

    /// Reads a name back.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        name.parse().ok()
    }

    /// Whether the agent is between turns.
    #[must_use]
    pub fn is_resting(self) -> bool {
        match self {
            Self::Completed | Self::Failed | Self::Interrupted => true,
            Self::Starting | Self::Running | Self::Interrupting => false,
        }
    }
}

/// What becomes of the session's process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, EnumString, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Process {
    /// Accepted; a runner is to be started or may just be starting.
    Launching,
    /// A runner is in charge of it.
    Live,
    /// It has ended and everything that it said is in the store.
    Gone,
    /// There never was one of ours: another program asks under a run of its own.
    External,
}

impl Process {
    /// The name in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Reads a name back.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        name.parse().ok()
    }

    /// Whether it lives or is being started, so that it takes messages.
    #[must_use]
    pub fn is_ours_and_alive(self) -> bool {
        match self {
            Self::Launching | Self::Live => true,
            Self::Gone | Self::External => false,
        }
    }
}

/// How a session was asked for; children inherit it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LaunchConfig {
    /// Model alias or full name; none means the agent's own default.
    pub model: Option<String>,
    /// Most turns of one run; none means no limit.
    pub max_turns: Option<u32>,
    /// Replaces the agent's system prompt.
    pub system_prompt: Option<String>,
    /// Is added to the agent's system prompt.
    pub append_system_prompt: Option<String>,
    /// Is added to the system prompt too; kept apart because existing clients send it apart.
    pub custom_instructions: Option<String>,
    /// Tools that run without asking.
    pub allowed_tools: Vec<String>,
    /// Tools that are disallowed.
    pub disallowed_tools: Vec<String>,
    /// Directories beside the working directory that the agent may use.
    pub additional_directories: Vec<String>,
    /// An outline of the session's MCP servers (`{"mcpServers": {…}}`), without anything secret; what
    /// the agent gets is kept encrypted.
    pub mcp_config: Option<Value>,
    /// Where the working directory and these led when the session was launched, as far as that is elsewhere.
    pub directories_led_to: Vec<String>,
    /// A permission prompt tool of the caller's own, passed through to the agent.
    pub permission_prompt_tool: Option<String>,
    /// Whether the agent's questions come to the inbox. When false the agent denies what it would ask.
    pub approvals: bool,
    /// Claude Code's permission mode (`default`, `plan`, `acceptEdits` …).
    pub permission_mode: Option<String>,
    /// A model proxy between the agent and its model.
    pub proxy: Option<Proxy>,
    /// Whether an agent asked for it: then only the user's own settings of Claude Code apply, and none of
    /// the project's, which that agent may have written.
    pub by_an_agent: bool,
    /// The session whose agent asked for it, or where the chain of those began; empty for another program that is
    /// no person's. None if a person launched it.
    pub launched_by: Option<String>,
    /// Whether its agent is isolated: every process of the session, and of what is forked off it.
    pub isolated: bool,
    /// Whether a person wants the project's files of Claude Code left out; found out anew for each process.
    pub without_project: bool,
}

/// Whether an agent in a permission mode asks before it runs a tool that could do harm.
#[must_use]
pub fn mode_asks(mode: Option<&str>) -> bool {
    matches!(mode, None | Some("default" | "plan" | "dontAsk"))
}

impl LaunchConfig {
    /// Whether its agent asks before it runs a tool that could do harm: no mode and no list of tools says
    /// otherwise.
    #[must_use]
    pub fn asks(&self) -> bool {
        mode_asks(self.permission_mode.as_deref()) && self.allowed_tools.is_empty()
    }

    /// Whether its agent uses what the project's own files of Claude Code bring.
    #[must_use]
    pub fn uses_project(&self) -> bool {
        !self.by_an_agent && !self.without_project
    }
}

/// A model proxy that existing clients can put between the agent and its model. Its address and key
/// are kept encrypted, apart from this.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Proxy {
    /// Model that is asked for there.
    pub model: Option<String>,
}

/// A standing permission of a session, set by a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Edits are approved without asking.
    pub auto_accept_edits: bool,
    /// Everything is approved without asking.
    pub skip_permissions: bool,
    /// When `skip_permissions` ends; none means when it is switched off.
    pub skip_permissions_until: Option<Timestamp>,
}

/// What the agent's stream says about cost and size.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// US dollars, of all processes of the session together.
    pub cost_usd: Option<f64>,
    /// Fresh input tokens.
    pub input_tokens: Option<i64>,
    /// Output tokens.
    pub output_tokens: Option<i64>,
    /// Input tokens written to the model's cache.
    pub cache_creation_input_tokens: Option<i64>,
    /// Input tokens read from the model's cache.
    pub cache_read_input_tokens: Option<i64>,
    /// Tokens in the context window after the last message of the main conversation.
    pub context_tokens: Option<i64>,
    /// Size of the context window in tokens.
    pub context_limit: Option<i64>,
    /// Turns so far.
    pub num_turns: Option<i64>,
    /// Milliseconds of work so far, summed over turns.
    pub duration_ms: Option<i64>,
}

/// One session, as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    /// Its key in the store; never leaves the daemon.
    pub key: i64,
    /// Its id.
    pub id: SessionId,
    /// Its run id.
    pub run_id: RunId,
    /// The agent's own name for the conversation, once known.
    pub claude_session_id: Option<String>,
    /// The id that was named when this session was forked off; it may be a wire id.
    pub parent_session_id: Option<SessionId>,
    /// The session whose conversation this one shows first, up to [`Session::fork_sequence`].
    pub forked_from: Option<SessionId>,
    /// The last piece of conversation that is shared with it.
    pub fork_sequence: i64,
    /// How many processes it has had. What an agent counts or names it counts and names within one.
    pub generation: i64,
    /// The name of the present process's directory.
    pub directory: String,
    /// Where the agent is in its work.
    pub phase: Phase,
    /// What is shown.
    pub status: Status,
    /// What becomes of the process.
    pub process: Process,
    /// The first message.
    pub query: String,
    /// A one-line form of the query.
    pub summary: String,
    /// A title, given by a person.
    pub title: String,
    /// The full name of the model in use, once known.
    pub model_id: Option<String>,
    /// Where the agent works.
    pub working_dir: String,
    /// How it was asked for.
    pub config: LaunchConfig,
    /// Standing permissions.
    pub settings: Settings,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it last said or was told something.
    pub last_activity_at: Timestamp,
    /// In which order sessions were active, whatever the calendar said then: the larger, the later.
    pub activity: i64,
    /// When its last turn ended; none while one runs.
    pub completed_at: Option<Timestamp>,
    /// Why it failed.
    pub error_message: Option<String>,
    /// The last turn's final text.
    pub result_content: Option<String>,
    /// Cost and size.
    pub usage: Usage,
    /// Archived by a person.
    pub archived: bool,
    /// Background tasks of the agent that still run.
    pub background_tasks: Vec<String>,
    /// What has to be remembered of the agent's stream.
    pub stream: StreamState,
    /// Bytes of its processes' journals, one after the other, that are in the store.
    pub journal_offset: u64,
    /// Where in them the present process's journal begins.
    pub journal_base: u64,
    /// The permission mode that Claude Code last reported.
    pub permission_mode: Option<String>,
    /// When a person asked for the end of the process, while that is under way.
    pub end_requested_at: Option<Timestamp>,
    /// What must be there before its next process can be started.
    pub waiting_for: Option<String>,
    /// What is wrong with the directory that it works in.
    pub directory_problem: Option<String>,
    /// Where that directory may be now.
    pub directory_candidate: Option<String>,
    /// Whether it is a second process of another session's conversation, to be ended after its turn.
    pub is_duplicate: bool,
    /// Undecided approvals.
    pub pending_approvals: u64,
    /// The program that asks, where the session is another program's.
    pub asker: Option<String>,
    /// That program's process id, where it is known.
    pub asker_pid: Option<u32>,
}

impl Session {
    /// Whether what comes next in its journal was written while a database was in use that is not the present one.
    #[must_use]
    pub fn was_read_before(&self) -> bool {
        self.journal_offset < self.stream.read_before
    }

    /// A session of ours that has just been accepted and of which nothing is known but its names.
    #[must_use]
    pub fn accepted(id: SessionId, run_id: RunId, now: Timestamp) -> Self {
        Self {
            key: 0,
            id,
            run_id,
            claude_session_id: None,
            parent_session_id: None,
            forked_from: None,
            fork_sequence: 0,
            generation: 1,
            directory: String::new(),
            phase: Phase::Starting,
            status: Status::Starting,
            process: Process::Launching,
            query: String::new(),
            summary: String::new(),
            title: String::new(),
            model_id: None,
            working_dir: String::new(),
            config: LaunchConfig::default(),
            settings: Settings::default(),
            created_at: now,
            last_activity_at: now,
            activity: 0,
            completed_at: None,
            error_message: None,
            result_content: None,
            usage: Usage::default(),
            archived: false,
            background_tasks: Vec::new(),
            stream: StreamState::default(),
            journal_offset: 0,
            journal_base: 0,
            permission_mode: None,
            end_requested_at: None,
            waiting_for: None,
            directory_problem: None,
            directory_candidate: None,
            is_duplicate: false,
            pending_approvals: 0,
            asker: None,
            asker_pid: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_that_an_older_release_stored_is_read() {
        let stored = r#"{"scripted": true, "model": "opus", "approvals": true}"#;
        let config: LaunchConfig = serde_json::from_str(stored).unwrap_or_default();
        assert_eq!(config.model.as_deref(), Some("opus"));
        assert!(config.approvals);
    }

    #[test]
    fn a_session_waits_exactly_while_something_is_pending() {
        for phase in [
            Phase::Starting,
            Phase::Running,
            Phase::Completed,
            Phase::Failed,
            Phase::Interrupting,
            Phase::Interrupted,
        ] {
            assert_eq!(Status::of(phase, 2), Status::WaitingInput);
            assert_ne!(Status::of(phase, 0), Status::WaitingInput);
            assert_eq!(Phase::parse(phase.as_str()), Some(phase));
        }
    }
}
