//! An approval: one question of an agent and its one, honest outcome.
//!
//! Owns the record, the decisions that can be made about it, which of them fit which question, and
//! the standing rules under which the daemon decides by itself. Exactly one outcome is ever
//! recorded; that this holds under races is the store's work.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::id::{ApprovalId, SessionId};
use super::origin::Origin;
use super::session::Settings;

/// What kind of answer the question wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// May this tool run with this input?
    Permission,
    /// A question with options (`AskUserQuestion`).
    Question,
    /// A plan to accept or reject (`ExitPlanMode`).
    Plan,
}

impl Kind {
    /// The kind that a tool's question has.
    #[must_use]
    pub fn of_tool(tool_name: &str) -> Self {
        match tool_name {
            "AskUserQuestion" => Self::Question,
            "ExitPlanMode" => Self::Plan,
            _ => Self::Permission,
        }
    }

    /// The name on the wire and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Permission => "permission",
            Self::Question => "question",
            Self::Plan => "plan",
        }
    }

    /// Reads a name back.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Permission, Self::Question, Self::Plan]
            .into_iter()
            .find(|kind| kind.as_str() == name)
    }
}

/// Through which channel the question came, and so the answer goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The agent's own control protocol.
    Claude,
    /// A permission prompt tool over MCP (`createApproval`).
    Mcp,
}

impl Source {
    /// The name on the wire and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Claude => "claude",
            Self::Mcp => "mcp",
        }
    }

    /// Reads a name back.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Claude, Self::Mcp]
            .into_iter()
            .find(|source| source.as_str() == name)
    }
}

/// How an approval ended. All but `Pending` are final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    /// The agent took it back.
    Withdrawn,
    /// The call ended without this answer: its turn, its tool call or its process is over.
    Abandoned,
    /// An explicit policy ended the wait.
    Expired,
}

impl Outcome {
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
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Answered => "answered",
            Self::Withdrawn => "withdrawn",
            Self::Abandoned => "abandoned",
            Self::Expired => "expired",
        }
    }

    /// Reads a name back.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|outcome| outcome.as_str() == name)
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

/// Who decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DecidedBy {
    /// A person, through a program of theirs.
    Person {
        /// Process id of that program.
        pid: u32,
        /// User id.
        uid: u32,
        /// Name of that program.
        program: String,
    },
    /// A standing permission that a person had set.
    Rule {
        /// Which one: `auto_accept_edits` or `dangerously_skip_permissions`.
        rule: String,
        /// When it ends, if it does.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(with = "Option<String>")]
        expires_at: Option<Timestamp>,
    },
    /// The agent itself, by taking the question back or by ending.
    Agent,
}

impl DecidedBy {
    /// The person behind an origin that may decide.
    #[must_use]
    pub fn from_origin(origin: &Origin) -> Option<Self> {
        match origin {
            Origin::Person { pid, uid, program } => Some(Self::Person {
                pid: *pid,
                uid: *uid,
                program: program.clone(),
            }),
            Origin::Agent { .. } | Origin::Unverified { .. } => None,
        }
    }

    /// In a few words, for people.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Person { pid, uid, program } => format!("{program} (pid {pid}, user {uid})"),
            Self::Rule {
                rule,
                expires_at: Some(until),
            } => format!("rule {rule} (until {until})"),
            Self::Rule {
                rule,
                expires_at: None,
            } => format!("rule {rule}"),
            Self::Agent => "the agent".to_owned(),
        }
    }
}

/// What a person can say to a question.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// Yes.
    Approve {
        /// A note for the record.
        comment: Option<String>,
        /// Run with this input instead.
        updated_input: Option<Value>,
        /// Permission updates, in Claude Code's own form, that make the yes last.
        updated_permissions: Option<Vec<Value>>,
    },
    /// No.
    Deny {
        /// The reason; the agent is told it.
        reason: String,
        /// Also end the turn.
        interrupt: bool,
    },
    /// The answers to a question, by the question's text.
    Answer {
        /// Question text to chosen label or free text.
        answers: serde_json::Map<String, Value>,
        /// A note for the record.
        comment: Option<String>,
    },
}

impl Decision {
    /// The outcome that the decision makes.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Approve { .. } => Outcome::Approved,
            Self::Deny { .. } => Outcome::Denied,
            Self::Answer { .. } => Outcome::Answered,
        }
    }
}

/// Why a decision does not fit the question.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct UnfitDecision {
    /// The parameter at fault.
    pub field: &'static str,
    /// What is wrong with it and what would be right.
    pub problem: String,
}

fn unfit(field: &'static str, problem: impl Into<String>) -> UnfitDecision {
    UnfitDecision {
        field,
        problem: problem.into(),
    }
}

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
    /// The tool's whole input.
    pub tool_input: Value,
    /// The agent's own words for what it wants to do.
    pub description: Option<String>,
    /// Why the agent had to ask.
    pub decision_reason: Option<String>,
    /// The path that a rule stopped.
    pub blocked_path: Option<String>,
    /// Permission updates that the agent offers for «always allow».
    pub suggestions: Vec<Value>,
    /// The subagent that asks; none for the main conversation.
    pub agent_id: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// The reason, or a note.
    pub comment: Option<String>,
    /// The input that was approved, where it was edited.
    pub updated_input: Option<Value>,
    /// The permission updates that went with the yes.
    pub updated_permissions: Option<Vec<Value>>,
    /// The answers given.
    pub answers: Option<Value>,
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
    /// Checks that a decision fits this question, before anything is written.
    ///
    /// # Errors
    /// Names the parameter at fault and what would be right.
    pub fn check(&self, decision: &Decision) -> Result<(), UnfitDecision> {
        match decision {
            Decision::Deny { reason, .. } if reason.trim().is_empty() => Err(unfit(
                "comment",
                "a denial needs a reason; the agent is told it",
            )),
            Decision::Deny {
                interrupt: true, ..
            } if self.source == Source::Mcp => Err(unfit(
                "interrupt",
                "this question came over MCP, which cannot end the turn",
            )),
            Decision::Deny { .. } => Ok(()),
            Decision::Approve {
                updated_input,
                updated_permissions,
                ..
            } => {
                if self.kind == Kind::Question {
                    return Err(unfit(
                        "decision",
                        "this is a question: answer it (decision `respond` with `answers`) or deny it",
                    ));
                }
                if updated_input
                    .as_ref()
                    .is_some_and(|input| !input.is_object())
                {
                    return Err(unfit(
                        "updated_input",
                        "must be a JSON object, the tool's whole input",
                    ));
                }
                if self.source == Source::Mcp
                    && (updated_input.is_some() || updated_permissions.is_some())
                {
                    return Err(unfit(
                        "decision",
                        "this question came over MCP from a program that takes only yes or no",
                    ));
                }
                if updated_permissions
                    .as_ref()
                    .is_some_and(|updates| updates.iter().any(|u| !u.is_object()))
                {
                    return Err(unfit(
                        "updated_permissions",
                        "must be a list of JSON objects",
                    ));
                }
                Ok(())
            }
            Decision::Answer { answers, .. } => {
                if self.kind != Kind::Question {
                    return Err(unfit(
                        "decision",
                        "this is not a question: approve or deny it",
                    ));
                }
                if self.source == Source::Mcp {
                    return Err(unfit(
                        "decision",
                        "this question came over MCP from a program that takes only yes or no",
                    ));
                }
                let asked = self.questions();
                if let Some(unknown) = answers.keys().find(|key| !asked.contains(&key.as_str())) {
                    return Err(unfit(
                        "answers",
                        format!("no such question: {unknown:?}; the questions are {asked:?}"),
                    ));
                }
                if let Some(missing) = asked.iter().find(|text| !answers.contains_key(**text)) {
                    return Err(unfit("answers", format!("no answer to {missing:?}")));
                }
                Ok(())
            }
        }
    }

    /// The texts of the questions asked, in order; empty for other kinds.
    #[must_use]
    pub fn questions(&self) -> Vec<&str> {
        self.tool_input
            .get("questions")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|question| question.get("question").and_then(Value::as_str))
            .collect()
    }
}

/// Tools that only change files, which `auto_accept_edits` stands for.
const EDIT_TOOLS: [&str; 4] = ["Edit", "Write", "MultiEdit", "NotebookEdit"];

/// Whether a standing permission of the session answers a question, and in whose name.
/// Questions and plans want a person in any case.
#[must_use]
pub fn standing_rule(
    settings: &Settings,
    kind: Kind,
    tool_name: &str,
    now: Timestamp,
) -> Option<DecidedBy> {
    if kind != Kind::Permission {
        return None;
    }
    let skipping = settings.skip_permissions
        && settings
            .skip_permissions_until
            .is_none_or(|until| now < until);
    if skipping {
        return Some(DecidedBy::Rule {
            rule: "dangerously_skip_permissions".to_owned(),
            expires_at: settings.skip_permissions_until,
        });
    }
    if settings.auto_accept_edits && EDIT_TOOLS.contains(&tool_name) {
        return Some(DecidedBy::Rule {
            rule: "auto_accept_edits".to_owned(),
            expires_at: None,
        });
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use serde_json::json;

    fn approval(tool: &str, source: Source, input: Value) -> Approval {
        Approval {
            key: 1,
            id: ApprovalId::random(),
            session_id: SessionId::random(),
            session_key: 1,
            run_id: "run".into(),
            source,
            kind: Kind::of_tool(tool),
            request_id: None,
            tool_use_id: None,
            tool_name: tool.into(),
            tool_input: input,
            description: None,
            decision_reason: None,
            blocked_path: None,
            suggestions: vec![],
            agent_id: None,
            outcome: Outcome::Pending,
            comment: None,
            updated_input: None,
            updated_permissions: None,
            answers: None,
            decided_by: None,
            created_at: Timestamp::UNIX_EPOCH,
            decided_at: None,
            delivered_at: None,
            undelivered: None,
        }
    }

    fn approve(input: Option<Value>) -> Decision {
        Decision::Approve {
            comment: None,
            updated_input: input,
            updated_permissions: None,
        }
    }

    fn answer(value: Value) -> Decision {
        Decision::Answer {
            answers: value.as_object().unwrap().clone(),
            comment: None,
        }
    }

    #[test]
    fn decisions_must_fit_their_question() {
        let bash = approval("Bash", Source::Claude, json!({"command": "ls"}));
        let mcp = approval("Bash", Source::Mcp, json!({"command": "ls"}));
        let ask = approval(
            "AskUserQuestion",
            Source::Claude,
            json!({"questions": [{"question": "Which?"}]}),
        );
        let deny = |reason: &str, interrupt| Decision::Deny {
            reason: reason.into(),
            interrupt,
        };
        let cases: [(&Approval, Decision, Option<&str>); 12] = [
            (&bash, approve(None), None),
            (&bash, approve(Some(json!({"command": "pwd"}))), None),
            (&bash, approve(Some(json!("pwd"))), Some("updated_input")),
            (&bash, deny("", false), Some("comment")),
            (&bash, deny("no", true), None),
            (&bash, answer(json!({"Which?": "a"})), Some("decision")),
            (&mcp, approve(None), None),
            (&mcp, approve(Some(json!({}))), Some("decision")),
            (&mcp, deny("no", true), Some("interrupt")),
            (&ask, approve(None), Some("decision")),
            (&ask, answer(json!({"Which?": "a"})), None),
            (&ask, answer(json!({})), Some("answers")),
        ];
        for (approval, decision, field) in cases {
            let got = approval.check(&decision).err().map(|error| error.field);
            assert_eq!(got, field, "{decision:?}");
        }
    }

    #[test]
    fn standing_rules_apply_while_they_last_and_never_answer_questions() {
        let now = Timestamp::from_second(1_000).unwrap();
        let later = Timestamp::from_second(2_000).unwrap();
        let skip = |until| Settings {
            skip_permissions: true,
            skip_permissions_until: until,
            ..Settings::default()
        };
        let edits = Settings {
            auto_accept_edits: true,
            ..Settings::default()
        };
        let rule = |s: &Settings, kind, tool| standing_rule(s, kind, tool, now).is_some();
        assert!(rule(&skip(None), Kind::Permission, "Bash"));
        assert!(rule(&skip(Some(later)), Kind::Permission, "Bash"));
        assert!(
            !rule(&skip(Some(now)), Kind::Permission, "Bash"),
            "over at its very end"
        );
        assert!(!rule(&skip(None), Kind::Question, "AskUserQuestion"));
        assert!(!rule(&skip(None), Kind::Plan, "ExitPlanMode"));
        assert!(rule(&edits, Kind::Permission, "Write"));
        assert!(!rule(&edits, Kind::Permission, "Bash"));
    }

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
}
