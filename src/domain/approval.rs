//! An approval: one question of an agent and its one, honest outcome.
//!
//! Owns the record: what was asked, through which channel, by whom, and how it ended. What can be
//! decided about it is in [`super::decision`]. Exactly one outcome is ever recorded; that this holds
//! under races is the store's work.

use std::borrow::Cow;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use strum::{EnumString, IntoStaticStr};

pub use super::decided_by::{ClientKind, DecidedBy};
use super::id::{ApprovalId, SessionId};
use super::tool::Tool;

/// What kind of answer the question wants.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, EnumString, IntoStaticStr,
)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// May this tool run with this input?
    Permission,
    /// A question with options (`AskUserQuestion`).
    Question,
    /// A plan to approve or deny (`ExitPlanMode`).
    Plan,
    /// A message that wants an answer in words, or one of its options (`contact_human`).
    Contact,
}

/// The tool name of every contact; its input has `message` and maybe `subject`.
pub const CONTACT_TOOL: &str = "contact_human";

impl Kind {
    /// The kind that a tool's question has.
    #[must_use]
    pub fn of_tool(tool_name: &str) -> Self {
        match Tool::of(tool_name) {
            Some(Tool::AskUserQuestion) => Self::Question,
            Some(Tool::ExitPlanMode) => Self::Plan,
            Some(_) | None => Self::Permission,
        }
    }

    /// The name on the wire and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Reads a name back.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        name.parse().ok()
    }
}

/// Through which channel the question came, and so the answer goes.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, EnumString, IntoStaticStr,
)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The agent's own control protocol.
    Claude,
    /// A permission prompt tool over MCP (`createApproval`).
    Mcp,
    /// A program that asks over the daemon's socket (`createContact`).
    Program,
    /// A program that uses a HumanLayer SDK with the daemon's own local API.
    LocalApi,
    /// A request found at a HumanLayer API elsewhere, which gets the answer.
    RemoteApi,
    /// The daemon itself, before it launches an agent with what a project brings.
    Launch,
}

impl Source {
    /// The name on the wire and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Reads a name back.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        name.parse().ok()
    }

    /// In words, for people.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::Claude => "Claude Code",
            Self::Mcp => "an MCP permission prompt",
            Self::Program => "a program",
            Self::LocalApi => "the local HumanLayer API",
            Self::RemoteApi => "a remote HumanLayer API",
            Self::Launch => "humanlayer itself",
        }
    }

    /// Whether standing permissions of a session speak for what comes this way. What a program
    /// asks, it asks a person.
    #[must_use]
    pub fn obeys_standing_rules(self) -> bool {
        match self {
            Self::Claude | Self::Mcp => true,
            Self::Program | Self::LocalApi | Self::RemoteApi | Self::Launch => false,
        }
    }
}

/// How an approval ended. All but `Pending` are final.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, EnumString, IntoStaticStr,
)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Undecided.
    Pending,
    /// A person, or a rule of theirs, said yes.
    Approved,
    /// A person said no.
    Denied,
    /// A person answered the question.
    Answered,
    /// The agent withdrew it.
    Withdrawn,
    /// The call ended without this answer: its turn, its tool call or its process is over.
    Abandoned,
    /// An explicit policy ended the wait.
    Expired,
}

impl Outcome {
    #[cfg(test)]
    const ALL: [Self; 7] = [
        Self::Pending,
        Self::Approved,
        Self::Denied,
        Self::Answered,
        Self::Withdrawn,
        Self::Abandoned,
        Self::Expired,
    ];

    /// The name on the wire and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Reads a name back.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        name.parse().ok()
    }

    /// Whether a person, or a rule of theirs, brought it about, so that the asker is to be told.
    #[must_use]
    pub fn is_decision(self) -> bool {
        match self {
            Self::Approved | Self::Denied | Self::Answered => true,
            Self::Pending | Self::Withdrawn | Self::Abandoned | Self::Expired => false,
        }
    }

    /// The coarser status that existing clients understand. What ended without anybody's decision
    /// is `resolved`, which they take as neither yes nor pending.
    #[must_use]
    pub fn compatible_status(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved | Self::Answered => "approved",
            Self::Denied => "denied",
            Self::Withdrawn | Self::Abandoned | Self::Expired => "resolved",
        }
    }
}

/// An answer that the asker offers: to a contact, or as a way to say no.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ResponseOption {
    /// What names it among the others, and what the asker is told.
    pub name: String,
    /// What people read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Words to begin the answer with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_fill: Option<String>,
    /// Whether the asker would have the words edited before they are sent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub interactive: bool,
}

impl ResponseOption {
    /// The words that choosing it stands for, where none are given.
    #[must_use]
    pub fn words(&self) -> &str {
        [&self.prompt_fill, &self.title]
            .into_iter()
            .flatten()
            .find(|words| !words.trim().is_empty())
            .unwrap_or(&self.name)
    }
}

/// Checks what an asker offers: every option has a name, and no two the same.
///
/// # Errors
/// What is wrong, for the asker.
pub fn check_options(options: &[ResponseOption], most: usize) -> Result<(), String> {
    if options.len() > most {
        return Err(format!("{} options; at most {most}", options.len()));
    }
    for (index, option) in options.iter().enumerate() {
        if option.name.trim().is_empty() {
            return Err(format!("option {} has no name", index + 1));
        }
        if options
            .iter()
            .take(index)
            .any(|other| other.name == option.name)
        {
            return Err(format!("two options are named {:?}", option.name));
        }
    }
    Ok(())
}

/// How far the input of a request could be read.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    JsonSchema,
    EnumString,
    IntoStaticStr,
)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum InputState {
    /// `tool_input` is the input.
    #[default]
    Readable,
    /// The input is not JSON that can be parsed. `tool_input` shows its text, and approving passes it
    /// back byte for byte.
    Unreadable,
    /// The input, or what the request wants, cannot be told at all, so nothing can be passed back:
    /// the request can be denied, not approved.
    Unusable,
}

impl InputState {
    /// The name on the wire and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Reads a name back.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        name.parse().ok()
    }

    /// Whether it is readable; what is, is left out on the wire.
    #[must_use]
    pub fn is_readable(&self) -> bool {
        *self == Self::Readable
    }
}

/// The only field of the `tool_input` that stands for an input which could not be parsed; its value
/// is the input's text.
pub const UNREADABLE_INPUT: &str = "unreadable_input";

/// What stands for an input that could not be parsed: a JSON object that every client can read.
#[must_use]
pub fn unreadable_input(text: &str) -> Value {
    Value::Object(serde_json::Map::from_iter([(
        UNREADABLE_INPUT.to_owned(),
        Value::from(text),
    )]))
}

/// The tool name of a control request of which it cannot be told what it wants.
pub const UNREADABLE_REQUEST: &str = "unreadable_request";

/// One approval, as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Approval {
    /// Its key in the store; never leaves the daemon.
    pub key: i64,
    /// Its id.
    pub id: ApprovalId,
    /// The session that asks.
    pub session_id: SessionId,
    /// That session's key.
    pub session_key: i64,
    /// The session's run id, or the one that the asking program gave.
    pub run_id: String,
    /// Through which channel it came.
    pub source: Source,
    /// What kind of answer it wants.
    pub kind: Kind,
    /// The agent's name for the question, which its answer must carry.
    pub request_id: Option<String>,
    /// The tool call that it is about.
    pub tool_use_id: Option<String>,
    /// The tool.
    pub tool_name: String,
    /// The tool's whole input; of one that could not be parsed, see [`unreadable_input`].
    pub tool_input: Value,
    /// Whether `tool_input` is the input.
    pub input_state: InputState,
    /// The input as the agent wrote it, where writing `tool_input` would not give the same bytes.
    pub raw_input: Option<String>,
    /// The agent's own words for what it wants to do.
    pub description: Option<String>,
    /// Why the agent had to ask.
    pub decision_reason: Option<String>,
    /// The path that a rule stopped.
    pub blocked_path: Option<String>,
    /// Permission updates that the agent offers for "always allow".
    pub suggestions: Vec<Value>,
    /// The subagent that asks; none for the main conversation.
    pub agent_id: Option<String>,
    /// The asking program's name for the request.
    pub call_id: Option<String>,
    /// Through whom the asking program wanted it asked (Slack, mail …), as it sent it.
    pub channel: Option<Value>,
    /// State that the asking program wants back, as it sent it.
    pub sdk_state: Option<Value>,
    /// Answers to a contact, or ways to say no, that the asking program offers.
    pub options: Vec<ResponseOption>,
    /// Whether a program that asked over MCP takes more than yes or no: another input, or answers.
    pub accepts_edits: bool,
    /// The asking program, where it is no session's agent.
    pub asker: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// The reason, or a note.
    pub comment: Option<String>,
    /// The input that was approved, where it was edited.
    pub updated_input: Option<Value>,
    /// The permission updates that went with the yes.
    pub updated_permissions: Option<Vec<Value>>,
    /// Lines of the request that were approved without having been shown.
    pub unread_lines: Option<u32>,
    /// The answers given.
    pub answers: Option<Value>,
    /// The option chosen, by its name.
    pub chosen_option: Option<String>,
    /// Who decided.
    pub decided_by: Option<DecidedBy>,
    /// When it was asked.
    pub created_at: Timestamp,
    /// When it ended.
    pub decided_at: Option<Timestamp>,
    /// When the answer reached the agent.
    pub delivered_at: Option<Timestamp>,
    /// Why the answer could not reach the agent, where it could not.
    pub undelivered: Option<String>,
}

impl Approval {
    /// The input as the agent wrote it, byte for byte.
    #[must_use]
    pub fn original_input(&self) -> Cow<'_, str> {
        match &self.raw_input {
            Some(raw) => Cow::Borrowed(raw),
            None => Cow::Owned(self.tool_input.to_string()),
        }
    }

    /// An option that was offered, by its name.
    #[must_use]
    pub fn option(&self, name: &str) -> Option<&ResponseOption> {
        self.options.iter().find(|option| option.name == name)
    }

    /// The texts of the questions asked, in order; empty for other kinds.
    #[must_use]
    pub fn questions(&self) -> Vec<String> {
        let questions = super::question::parse(&self.tool_input).unwrap_or_default();
        questions
            .into_iter()
            .map(|question| question.text)
            .collect()
    }
}

#[cfg(test)]
impl Approval {
    /// For tests: a pending request.
    pub(crate) fn example(tool: &str, source: Source, input: Value) -> Self {
        Self {
            key: 1,
            id: ApprovalId::random(),
            session_id: SessionId::random(),
            session_key: 1,
            run_id: "run".into(),
            source,
            kind: if tool == CONTACT_TOOL {
                Kind::Contact
            } else {
                Kind::of_tool(tool)
            },
            request_id: None,
            tool_use_id: None,
            tool_name: tool.into(),
            tool_input: input,
            input_state: InputState::Readable,
            raw_input: None,
            description: None,
            decision_reason: None,
            blocked_path: None,
            suggestions: vec![],
            agent_id: None,
            call_id: None,
            channel: None,
            sdk_state: None,
            options: vec![],
            accepts_edits: false,
            asker: None,
            outcome: Outcome::Pending,
            comment: None,
            updated_input: None,
            updated_permissions: None,
            unread_lines: None,
            answers: None,
            chosen_option: None,
            decided_by: None,
            created_at: Timestamp::UNIX_EPOCH,
            decided_at: None,
            delivered_at: None,
            undelivered: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_outcome_but_a_yes_reads_as_approved() {
        for outcome in Outcome::ALL {
            assert_eq!(Outcome::parse(outcome.as_str()), Some(outcome));
            let approved = outcome.compatible_status() == "approved";
            assert_eq!(
                approved,
                matches!(outcome, Outcome::Approved | Outcome::Answered)
            );
        }
    }

    #[test]
    fn an_option_stands_for_its_fullest_words() {
        let option = |title: Option<&str>, prompt_fill: Option<&str>| ResponseOption {
            name: "later".into(),
            title: title.map(Into::into),
            prompt_fill: prompt_fill.map(Into::into),
            ..ResponseOption::default()
        };
        assert_eq!(option(None, None).words(), "later");
        assert_eq!(option(Some("Later"), Some(" ")).words(), "Later");
        assert_eq!(
            option(Some("Later"), Some("Ask again")).words(),
            "Ask again"
        );
    }

    #[test]
    fn as_many_options_as_may_be_are_taken_and_each_has_a_name_of_its_own() {
        let named = |names: &[&str]| -> Vec<ResponseOption> {
            let options = names.iter().map(|name| ResponseOption {
                name: (*name).to_owned(),
                ..ResponseOption::default()
            });
            options.collect()
        };
        assert_eq!(check_options(&named(&["a", "b"]), 2), Ok(()));
        let problem = |names: &[&str]| check_options(&named(names), 2).err();
        assert_eq!(
            problem(&["a", "b", "c"]).as_deref(),
            Some("3 options; at most 2")
        );
        assert_eq!(
            problem(&["a", " "]).as_deref(),
            Some("option 2 has no name")
        );
        assert_eq!(
            problem(&["a", "a"]).as_deref(),
            Some("two options are named \"a\"")
        );
    }
}
