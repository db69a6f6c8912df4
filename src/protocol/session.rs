//! Sessions on the wire.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::approval::Approval;
use super::remote_api::RemoteApiHealth;
use crate::domain::Status;
use crate::domain::stream_state::Retrying;

/// Answer of `health`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct HealthResponse {
    /// Always `ok`; `degraded` when the database cannot be written now.
    pub status: String,
    /// Version of the daemon.
    pub version: String,
    /// Version of the protocol.
    #[serde(default)]
    pub protocol: u32,
    /// Process id of the daemon.
    #[serde(default)]
    pub pid: u32,
    /// When it started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub started_at: Option<Timestamp>,
    /// The database file.
    #[serde(default)]
    pub database: String,
    /// The program that agents are started with (`claude_path` of the daemon's configuration); absent for
    /// the `claude` on the PATH of who launches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claude_path: Option<String>,
    /// Sessions with a live process.
    #[serde(default)]
    pub live_sessions: u64,
    /// Where the local HumanLayer API is served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_address: Option<String>,
    /// Why it is not, where it should be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_problem: Option<String>,
    /// What is wrong, when the status is not `ok`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Places on record where programs may decide that were not started in a terminal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<super::places::PlaceInfo>,
    /// Alarms that nobody has acknowledged, the newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alarms: Vec<super::alarms::AlarmInfo>,
    /// How the work with a remote HumanLayer API goes; absent without a key for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_api: Option<RemoteApiHealth>,
    /// Why the caller is not proven to be a person's program, and so decides nothing; absent where it is, or is an
    /// agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller_problem: Option<String>,
    /// How many files the daemon has open; absent where the system does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_files: Option<OpenFilesInfo>,
}

/// How many files the daemon has open. Each session's process takes some; a part is kept for clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OpenFilesInfo {
    /// How many are.
    pub used: u64,
    /// How many may be.
    pub limit: u64,
    /// For how many further processes of sessions there is room.
    pub room_for: u64,
}

/// Parameters of `launchSession`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct LaunchSessionParams {
    /// The first message (required; at most 8 MiB).
    pub query: String,
    /// A title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Model alias (`opus`, `sonnet`, `haiku`) or full name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// MCP servers, `{"mcpServers": {…}}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mcp_config: Option<Value>,
    /// Another program's tool that decides about permissions; it is passed to the agent. Absent, or
    /// `mcp__codelayer__request_permission`: the agent's requests come to the inbox.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permission_prompt_tool: Option<String>,
    /// Whether the agent's requests come to the inbox (default: true, unless
    /// `permission_prompt_tool` names another program's tool). Only `false` means that the agent
    /// denies what it would ask. The npm client's `--no-approvals` sends neither of the two, exactly
    /// like older clients that want to be asked, and so its sessions ask.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approvals: Option<bool>,
    /// Where the agent works (absolute, or `~/…`; default: the home directory).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub working_dir: Option<String>,
    /// Maximum number of model turns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_turns: Option<u32>,
    /// Replaces the system prompt (at most 100 KiB).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system_prompt: Option<String>,
    /// Is added to the system prompt (at most 100 KiB).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub append_system_prompt: Option<String>,
    /// Tools that run without asking.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_tools: Option<Vec<String>>,
    /// Tools that are disallowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disallowed_tools: Option<Vec<String>>,
    /// Directories beside the working directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub additional_directories: Option<Vec<String>>,
    /// Is added to the system prompt too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_instructions: Option<String>,
    /// Accepted for compatibility; the stream is always verbose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verbose: Option<bool>,
    /// Claude Code's permission mode. One that the installed version does not have is an error that
    /// lists those that it has (see `getAgentInfo`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permission_mode: Option<String>,
    /// Edits are approved without asking.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_accept_edits: Option<bool>,
    /// Everything is approved without asking.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dangerously_skip_permissions: Option<bool>,
    /// … for so many milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dangerously_skip_permissions_timeout: Option<i64>,
    /// Whether the agent is isolated: most of the machine is read-only for it, and some of it hidden
    /// (default: the `isolation` setting). Fails where the system cannot do that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub isolation: Option<bool>,
    /// Whether a person is asked about the project's settings of Claude Code, whatever was said about them before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ask_project: Option<bool>,
    /// An id for the session (a UUID), so that asking again after a lost answer starts nothing
    /// twice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// The agent's environment (default: the daemon's).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env: Option<BTreeMap<String, String>>,
}

/// Answer of `launchSession`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct LaunchSessionResponse {
    /// The session.
    pub session_id: String,
    /// Its run id.
    pub run_id: String,
}

/// Parameters of `restartSession`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RestartSessionParams {
    /// The session (required).
    pub session_id: String,
    /// The caller's environment, of which the credentials and their endpoint are taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env: Option<BTreeMap<String, String>>,
}

/// Parameters of `moveSession`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct MoveSessionParams {
    /// The session (required).
    pub session_id: String,
    /// The directory in which it goes on (required; absolute, or `~/…`).
    pub working_dir: String,
}

/// Parameters of `getAgentInfo`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct GetAgentInfoParams {
    /// The caller's `PATH`, on which the program is looked for first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

/// Answer of `getAgentInfo`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct GetAgentInfoResponse {
    /// The program that a launch would start.
    pub program: String,
    /// The permission modes that the installed version lists, in its order; empty when it does not say.
    #[serde(default)]
    pub permission_modes: Vec<String>,
}

/// Parameters of `continueSession`. What is absent is inherited.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ContinueSessionParams {
    /// The session to continue (required).
    pub session_id: String,
    /// The next message (required).
    pub query: String,
    /// Replaces the system prompt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system_prompt: Option<String>,
    /// Is added to the system prompt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub append_system_prompt: Option<String>,
    /// MCP servers, as an object or as JSON text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mcp_config: Option<Value>,
    /// As in `launchSession`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permission_prompt_tool: Option<String>,
    /// Tools that run without asking.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_tools: Option<Vec<String>>,
    /// Tools that are disallowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disallowed_tools: Option<Vec<String>>,
    /// Directories beside the working directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub additional_directories: Option<Vec<String>>,
    /// Where a fork works (absolute, or `~/…`; default: where its source does).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub working_dir: Option<String>,
    /// Is added to the system prompt too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_instructions: Option<String>,
    /// Maximum number of model turns; not inherited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_turns: Option<u32>,
    /// Put a model proxy between the agent and its model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy_enabled: Option<bool>,
    /// The proxy's base URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy_base_url: Option<String>,
    /// The model asked for there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy_model_override: Option<String>,
    /// The key for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy_api_key: Option<String>,
    /// A new session that shares the conversation so far, leaving this one as it is. Absent or false:
    /// the conversation goes on, if its newest id is named; an older id always forks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fork: Option<bool>,
    /// A title (default: the parent's).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// As in `launchSession`: the new session's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_session_id: Option<String>,
    /// The agent's environment (default: the daemon's).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env: Option<BTreeMap<String, String>>,
}

/// Answer of `continueSession`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ContinueSessionResponse {
    /// The new session.
    pub session_id: String,
    /// Its run id.
    pub run_id: String,
    /// The agent's name for its conversation; empty until it is known.
    pub claude_session_id: String,
    /// The session that it continues.
    pub parent_session_id: String,
}

/// Names one session by any id or run id that was given out for it, or a unique prefix of an id.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct SessionParams {
    /// The session (required).
    pub session_id: String,
}

/// Parameters of `getSessionState`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct GetSessionStateParams {
    /// The session (required): its id, its run id or a unique prefix of its id.
    pub session_id: String,
    /// Whether a conversation is one session, whichever of its ids is named. Without it, each id that
    /// `continueSession` gave out is a session of its own, as the older daemon has it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub by_conversation: bool,
}

/// Answer of `getSessionState`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct GetSessionStateResponse {
    /// The session.
    pub session: SessionState,
}

/// A session.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SessionState {
    /// Its id.
    pub id: String,
    /// Its run id.
    pub run_id: String,
    /// Claude's session id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claude_session_id: Option<String>,
    /// The session that it was forked off. To existing clients also the one that it continues.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_session_id: Option<String>,
    /// What it is doing.
    pub status: Status,
    /// The first message.
    pub query: String,
    /// The query in one line.
    pub summary: String,
    /// Its title; may be empty.
    pub title: String,
    /// The model asked for, or the one in use where none was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Full name of the model in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_id: Option<String>,
    /// Where the agent works.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_dir: Option<String>,
    /// When it was accepted (RFC 3339).
    #[schemars(with = "String")]
    pub created_at: Timestamp,
    /// When it last said or was told something.
    #[schemars(with = "String")]
    pub last_activity_at: Timestamp,
    /// In which order sessions were active, whatever the clock said then: the larger, the later.
    #[serde(default)]
    pub activity: i64,
    /// When its last turn ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub completed_at: Option<Timestamp>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    /// US dollars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<f64>,
    /// Turns whose cost is not known and not in `cost_usd`, because their process was killed before it
    /// reported it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unpriced_turns: u32,
    /// Fresh input tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<i64>,
    /// Output tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<i64>,
    /// Tokens written to the model's cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_creation_input_tokens: Option<i64>,
    /// Tokens read from the model's cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_read_input_tokens: Option<i64>,
    /// Tokens in the context window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_context_tokens: Option<i64>,
    /// Size of the context window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_limit: Option<i64>,
    /// Milliseconds of work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<i64>,
    /// Model turns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub num_turns: Option<i64>,
    /// Edits are approved without asking.
    pub auto_accept_edits: bool,
    /// Everything is approved without asking.
    pub dangerously_skip_permissions: bool,
    /// … until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub dangerously_skip_permissions_expires_at: Option<Timestamp>,
    /// Archived: hidden from lists unless they ask for it.
    pub archived: bool,
    /// Whether its process lives or is being started, so that it takes messages.
    #[serde(default)]
    pub live: bool,
    /// How many approvals are pending.
    #[serde(default)]
    pub pending_approvals: u64,
    /// Whether the agent's questions come to the inbox.
    #[serde(default)]
    pub approvals: bool,
    /// Claude Code's permission mode: the one that it is in, or was in when its process ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permission_mode: Option<String>,
    /// Whether the agent is isolated.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub isolated: bool,
    /// Whether a person has asked for the end of its process and that is under way.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ending: bool,
    /// What must be there before its next process can be started. It is started by itself then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_for: Option<String>,
    /// What is wrong with `working_dir`: it is missing, cannot be entered, or does not answer. Looked at every few
    /// seconds, of sessions that are not archived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory_problem: Option<String>,
    /// Where that directory may be now: it has another name, or one beside it has a similar name. `moveSession` has
    /// the session go on there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory_candidate: Option<String>,
    /// Background tasks of the agent that run.
    #[serde(default)]
    pub background_tasks: u64,
    /// When the turn that runs began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub turn_started_at: Option<Timestamp>,
    /// The tool call that runs, in one line (`Bash: cargo test`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_tool: Option<String>,
    /// While the model's API fails: which try comes next, of how many, and what went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retrying: Option<Retrying>,
    /// The last turn's final text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// Whether it is another program's run: what it asks can be answered, but it takes no messages
    /// and cannot be interrupted, ended or continued.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub external: bool,
    /// That program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asker: Option<String>,
    /// Its process id, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asker_pid: Option<u32>,
}

/// Answer of `listSessions` and `getSessionLeaves`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ListSessionsResponse {
    /// The sessions, the last active first.
    pub sessions: Vec<SessionInfo>,
}

/// A session in a list, in the older daemon's words.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SessionInfo {
    /// All that `getSessionState` says.
    #[serde(flatten)]
    pub state: SessionState,
    /// The same as `created_at`.
    #[schemars(with = "String")]
    pub start_time: Timestamp,
    /// The same as `completed_at`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub end_time: Option<Timestamp>,
    /// The same as `error_message`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The last turn's result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<TurnSummary>,
    /// Whether a model proxy is used.
    pub proxy_enabled: bool,
}

/// How the last turn ended.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TurnSummary {
    /// Always `result`.
    pub r#type: String,
    /// Always `session_completed`, as existing clients have it; `is_error` tells failures.
    pub subtype: String,
    /// US dollars.
    pub total_cost_usd: f64,
    /// Whether it failed.
    pub is_error: bool,
    /// Milliseconds.
    pub duration_ms: i64,
    /// Always 0; kept for existing clients.
    pub duration_api_ms: i64,
    /// Model turns.
    pub num_turns: i64,
    /// The final text.
    pub result: String,
    /// Claude's session id.
    pub session_id: String,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Parameters of `listSessions`. Without any, all sessions.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ListSessionsParams {
    /// Only (not) archived ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archived: Option<bool>,
    /// Most sessions of one page (at most 1000; default: all).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Continue after this session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Whether a conversation is one session, as in `getSessionState`. A page is of so many
    /// conversations either way.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub by_conversation: bool,
}

/// Parameters of `getSessionLeaves`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct GetSessionLeavesParams {
    /// `normal`, `archived`, `draft`; anything else: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
}

/// Parameters of `getOverview`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct GetOverviewParams {
    /// Also archived sessions (default false).
    pub include_archived: bool,
    /// Only those in these statuses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statuses: Option<Vec<Status>>,
    /// Most sessions of one page (default and most: 1000).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Continue after this session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// Answer of `getOverview`: one consistent moment.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct GetOverviewResponse {
    /// The last event that it contains: subscribe with `since` = this to miss nothing.
    pub seq: i64,
    /// A page of sessions, the last active first.
    pub sessions: Vec<SessionState>,
    /// How many sessions that are not archived are in which status.
    pub counts: BTreeMap<String, i64>,
    /// How many are archived.
    pub archived: i64,
    /// Pending approvals, oldest first (at most 500).
    pub pending_approvals: Vec<Approval>,
    /// How many are pending in all.
    pub pending_total: i64,
    /// US dollars of the sessions that were active in the last 24 hours.
    pub cost_last_day_usd: f64,
    /// Turns of these sessions whose cost is not known and not in `cost_last_day_usd`: it is the least that it can
    /// be, unless this is 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unpriced_turns_last_day: u32,
    /// Alarms that nobody has acknowledged.
    #[serde(default)]
    pub open_alarms: u64,
}

/// Answer of `interruptSession`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct InterruptSessionResponse {
    /// Always true.
    pub success: bool,
    /// The session.
    pub session_id: String,
    /// `interrupting`.
    pub status: String,
}

/// Parameters of `updateSessionSettings`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct UpdateSessionSettingsParams {
    /// The session (required).
    pub session_id: String,
    /// Edits are approved without asking.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_accept_edits: Option<bool>,
    /// Everything is approved without asking.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dangerously_skip_permissions: Option<bool>,
    /// … for so many milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dangerously_skip_permissions_timeout_ms: Option<i64>,
}

/// Answer of calls that only succeed.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SuccessResponse {
    /// Always true.
    pub success: bool,
}

/// Parameters of `updateSessionTitle`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct UpdateSessionTitleParams {
    /// The session (required).
    pub session_id: String,
    /// The title; empty removes it.
    pub title: String,
}

/// Parameters of `archiveSession`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ArchiveSessionParams {
    /// The session (required).
    pub session_id: String,
    /// Archive (true) or bring back (false).
    pub archived: bool,
    /// End a session that works, and archive it then. Without it, such a session is refused.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub end: bool,
}

/// Parameters of `bulkArchiveSessions`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct BulkArchiveSessionsParams {
    /// The sessions (required, at most 1000).
    pub session_ids: Vec<String>,
    /// Archive (true) or bring back (false).
    pub archived: bool,
    /// As in `archiveSession`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub end: bool,
}

/// Parameters of `deleteSessions`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DeleteSessionsParams {
    /// The sessions (required, at most 1000).
    pub session_ids: Vec<String>,
}

/// Answer of `deleteSessions`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct DeleteSessionsResponse {
    /// Those that were deleted.
    pub deleted: Vec<String>,
    /// Those that were not, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<FailedDeletion>,
}

/// A session that was not deleted.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct FailedDeletion {
    /// The session as it was named.
    pub session_id: String,
    /// Why, and what to do.
    pub error: String,
}

/// Answer of `bulkArchiveSessions`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct BulkArchiveSessionsResponse {
    /// Whether all were changed.
    pub success: bool,
    /// Those that were not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed_sessions: Vec<String>,
}

/// Parameters of `getRecentPaths`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct GetRecentPathsParams {
    /// Most paths (default 20, most 1000).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// Answer of `getRecentPaths`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct GetRecentPathsResponse {
    /// The directories, the last used first.
    pub paths: Vec<RecentPath>,
}

/// A directory used lately.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RecentPath {
    /// The directory.
    pub path: String,
    /// When a session last did something there.
    #[schemars(with = "String")]
    pub last_used: Timestamp,
    /// How many sessions worked there.
    pub usage_count: i64,
}

/// Answer of `getSessionSnapshots`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct GetSessionSnapshotsResponse {
    /// Files as the agent read them.
    pub snapshots: Vec<FileSnapshot>,
}

/// A file as the agent read it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct FileSnapshot {
    /// The tool call that read it.
    pub tool_id: String,
    /// The path as the tool call named it.
    pub file_path: String,
    /// What it read.
    pub content: String,
    /// When.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
}

/// Answer of `sendMessage`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SendMessageResponse {
    /// The session.
    pub session: SessionState,
    /// The message: the `id` of its piece of conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<i64>,
    /// Whether it waits: for the end of the agent's turn, or for the session's next process.
    #[serde(default)]
    pub queued: bool,
}

/// Parameters of `sendMessage`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct SendMessageParams {
    /// The session (required).
    pub session_id: String,
    /// The message (required; at most 8 MiB). While a turn runs, the agent takes it up after it. A
    /// session whose process has ended is resumed.
    pub message: String,
    /// The environment in which the next process runs, should one be started. An agent's is not used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env: Option<BTreeMap<String, String>>,
}

/// Answer of `sendMessage` and `endSession`: the session as it is then.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SessionResponse {
    /// The session.
    pub session: SessionState,
}

/// Whether a count says nothing.
#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(count: &u32) -> bool {
    *count == 0
}
