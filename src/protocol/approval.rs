//! Approvals on the wire.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::domain::approval::{DecidedBy, InputState, ResponseOption};
use crate::domain::capabilities::{self, Capability, Request};
use crate::domain::{Capabilities, Kind, Outcome, Source};

/// An approval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Approval {
    /// Its id.
    pub id: String,
    /// The session's run id.
    pub run_id: String,
    /// The session that asks.
    pub session_id: String,
    /// The tool call that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_use_id: Option<String>,
    /// `pending`, `approved` (also for an answered question), `denied`, or `resolved` for what
    /// ended without anybody's decision; `outcome` says it exactly.
    pub status: String,
    /// How it ended, exactly.
    pub outcome: Outcome,
    /// When it was asked (RFC 3339).
    #[schemars(with = "String")]
    pub created_at: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub responded_at: Option<Timestamp>,
    /// The tool.
    pub tool_name: String,
    /// The tool's whole input. Of an input that could not be parsed: an object whose only field
    /// `unreadable_input` holds its text.
    pub tool_input: Value,
    /// Whether `tool_input` is the input (`readable`, the default). `unreadable`: it could not be
    /// parsed; approving passes it back byte for byte. `unusable`: nothing can be passed back; the
    /// request can only be denied.
    #[serde(default, skip_serializing_if = "InputState::is_readable")]
    pub input_state: InputState,
    /// The reason of a denial, the answer to a contact, or a note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// What kind of answer it wants.
    pub kind: Kind,
    /// Through which channel it came.
    pub source: Source,
    /// The agent's words for what it wants to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Why the agent had to ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision_reason: Option<String>,
    /// The path that a rule stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked_path: Option<String>,
    /// Permission updates that would make a yes last ("always allow"), in Claude Code's form.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub permission_suggestions: Vec<Value>,
    /// The subagent that asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// The asking program, where it is no session's agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asker: Option<String>,
    /// The asking program's name for the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_id: Option<String>,
    /// Through whom the asking program wanted it asked (Slack, mail …), as it sent it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Value>,
    /// State that the asking program wants back, as it sent it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sdk_state: Option<Value>,
    /// Answers to a contact, or ways to deny, that the asking program offers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<ResponseOption>,
    /// Whether a program that asked over MCP takes an `updated_input` or `answers`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub accepts_edits: bool,
    /// What may be done with it now; a daemon that is older than this field leaves it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Capabilities>,
    /// The input that was approved, where it was edited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_input: Option<Value>,
    /// The permission updates that went with the yes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_permissions: Option<Vec<Value>>,
    /// Lines of the request that were approved without having been shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread_lines: Option<u32>,
    /// The answers given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<Value>,
    /// The option chosen, by its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen_option: Option<String>,
    /// Who decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<DecidedBy>,
    /// Milliseconds from the question to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waited_ms: Option<i64>,
    /// When the answer reached the agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub delivered_at: Option<Timestamp>,
    /// Why the answer never will.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undelivered: Option<String>,
}

impl Approval {
    /// What may be done with it, as the daemon says. Of a daemon that does not say, what would follow
    /// from the same request.
    #[must_use]
    pub fn can(&self) -> Capabilities {
        self.capabilities
            .unwrap_or_else(|| Capabilities::of(&self.request()))
    }

    /// Why something cannot be done with it, for people.
    #[must_use]
    pub fn why_not(&self, capability: Capability) -> String {
        capabilities::why_not(capability, &self.request())
    }

    fn request(&self) -> Request<'_> {
        Request {
            kind: self.kind,
            source: self.source,
            accepts_edits: self.accepts_edits,
            suggestions: &self.permission_suggestions,
            input: &self.tool_input,
            input_state: self.input_state,
            outcome: self.outcome,
        }
    }
}

/// Parameters of `createApproval`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct CreateApprovalParams {
    /// The session's id or run id (required).
    pub run_id: String,
    /// The tool (required).
    pub tool_name: String,
    /// The tool's input (required). It is kept in the bytes in which it came: one that cannot be parsed
    /// (nested deeply, a number too large, half a character) is asked, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Value>")]
    pub tool_input: Option<Box<RawValue>>,
    /// The tool call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_use_id: Option<String>,
    /// The caller's own name for the request, so that asking again after a lost answer asks nothing
    /// twice; nor does asking again about a `tool_use_id` that still waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call_id: Option<String>,
    /// The caller takes an `updated_input`, or `answers` to a question, and not only yes or no.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub accepts_edits: bool,
    /// The request ends with the calling process, because nobody else waits for the answer. It is
    /// `abandoned` then.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub ends_with_caller: bool,
    /// Who asks, where the run may be none of the daemon's: an unknown `run_id` then becomes a
    /// session of the asker's own instead of an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external: Option<ExternalAsker>,
}

/// A program that asks for an agent that the daemon did not start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ExternalAsker {
    /// Its name.
    pub name: String,
    /// The directory that the agent works in.
    pub cwd: String,
    /// The agent's process id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
}

/// Answer of `createApproval`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CreateApprovalResponse {
    /// The approval.
    pub approval_id: String,
}

/// Parameters of `createContact`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct CreateContactParams {
    /// The run that it belongs to. An agent's default is its own session, which is all that it may
    /// name; another program's is a run of its own. A run that is not known is opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// What the person is to read (required; at most 1 MiB).
    pub message: String,
    /// What it is about, in a few words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Answers to choose from; one in words is always possible.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_options: Option<Vec<ResponseOption>>,
    /// The caller's own name for the request, so that asking again after a lost answer asks nothing
    /// twice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call_id: Option<String>,
    /// The caller's name (default: its program's).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asker: Option<String>,
    /// The directory that the caller works in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// The request ends with the calling process, because nobody else waits for the answer. It is
    /// `abandoned` then.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub ends_with_caller: bool,
}

/// Answer of `createContact`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CreateContactResponse {
    /// The approval; its end is an `approval_resolved` event.
    pub approval_id: String,
    /// The session under which it is shown.
    pub session_id: String,
    /// That session's run id.
    pub run_id: String,
}

/// Parameters of `withdrawApproval`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct WithdrawApprovalParams {
    /// The approval (required).
    pub approval_id: String,
    /// Why, for the record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Parameters of `fetchApprovals`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct FetchApprovalsParams {
    /// The session; without one the list is empty, as existing clients expect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
}

/// Parameters of `listApprovals`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ListApprovalsParams {
    /// Only this session's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// Also decided ones, newest first (default: pending ones, oldest first).
    pub all: bool,
    /// Most approvals of one page (default and most: 1000).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Continue after this approval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// Answer of `fetchApprovals` and `listApprovals`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct ApprovalsResponse {
    /// The approvals.
    pub approvals: Vec<Approval>,
    /// Whether the answer would be too long with all that were asked for: list on after the last one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_more: bool,
}

/// Parameters of `getApproval`: an id or a unique prefix of one.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct GetApprovalParams {
    /// The approval (required).
    pub approval_id: String,
    /// The caller is the program that asked and takes the outcome: stamps `delivered_at`. (A
    /// program below the runner of the session that asks need not say so.)
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub receive: bool,
    /// Whether it carries the id of its conversation's session, as in `getSessionState`. Without it, it
    /// carries the id under which its session was known when it came.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub by_conversation: bool,
}

/// Answer of `getApproval` and `withdrawApproval`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct GetApprovalResponse {
    /// The approval.
    pub approval: Approval,
}
