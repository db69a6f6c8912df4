//! Decisions on the wire: one typed [`Decision`] at both ends, in the older daemon's JSON between them.
//!
//! The older daemon has one flat object with a word for the decision and fields that go with some of
//! the words only ([`DecisionFields`]). This module is the only one that knows that word and which
//! field goes with which.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::approval::Approval;
use crate::domain::Decision;
use crate::domain::approval::ClientKind;
use crate::domain::decision::InvalidDecision;

const APPROVE: &str = "approve";
const DENY: &str = "deny";
const RESPOND: &str = "respond";

/// A decision about one approval, as clients send it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(into = "DecisionFields")]
pub struct SendDecisionParams {
    /// The approval.
    pub approval_id: String,
    /// What is decided.
    pub decision: Decision,
    /// Which of our own clients sends it, for the record.
    pub client: Option<ClientKind>,
}

impl SendDecisionParams {
    /// For an approval.
    #[must_use]
    pub fn new(approval_id: &str, decision: Decision) -> Self {
        Self {
            approval_id: approval_id.to_owned(),
            decision,
            client: None,
        }
    }

    /// The same, from one of our own clients.
    #[must_use]
    pub fn from_client(self, client: ClientKind) -> Self {
        Self {
            client: Some(client),
            ..self
        }
    }
}

/// Parameters of `sendDecision`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(rename = "SendDecisionParams")]
pub struct DecisionFields {
    /// The approval (required).
    pub approval_id: String,
    /// `approve`, `deny` or `respond` (required).
    decision: String,
    /// The reason (required to deny, unless an `option` says it), the answer to a contact, or a note.
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
    /// Deny, or respond to a contact, with this one of its `options`. Without a `comment` the
    /// option's text is the comment.
    #[serde(skip_serializing_if = "Option::is_none")]
    option: Option<String>,
    /// Approve, but with this input.
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_input: Option<Value>,
    /// Approve, and make it last: permission updates in Claude Code's form.
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_permissions: Option<Vec<Value>>,
    /// Approve, although so many lines of the request were not shown; for the record.
    #[serde(skip_serializing_if = "Option::is_none")]
    unread_lines: Option<u32>,
    /// Respond to a question: question text to chosen label or free text.
    #[serde(skip_serializing_if = "Option::is_none")]
    answers: Option<Map<String, Value>>,
    /// Deny, and end the turn.
    #[serde(skip_serializing_if = "Option::is_none")]
    interrupt: Option<bool>,
    /// Which of our own clients sends it, for the record.
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<ClientKind>,
}

impl From<SendDecisionParams> for DecisionFields {
    fn from(params: SendDecisionParams) -> Self {
        let base = Self {
            approval_id: params.approval_id,
            client: params.client,
            ..Self::default()
        };
        match params.decision {
            Decision::Approve {
                comment,
                updated_input,
                updated_permissions,
                unread_lines,
            } => Self {
                decision: APPROVE.to_owned(),
                comment,
                updated_input,
                updated_permissions,
                unread_lines,
                ..base
            },
            Decision::Deny {
                reason,
                interrupt,
                option,
            } => Self {
                decision: DENY.to_owned(),
                comment: (!reason.is_empty()).then_some(reason),
                interrupt: interrupt.then_some(true),
                option,
                ..base
            },
            Decision::Answer { answers, comment } => Self {
                decision: RESPOND.to_owned(),
                answers: Some(answers),
                comment,
                ..base
            },
            Decision::Respond { text, option } => Self {
                decision: RESPOND.to_owned(),
                comment: text,
                option,
                ..base
            },
        }
    }
}

impl TryFrom<DecisionFields> for SendDecisionParams {
    type Error = InvalidDecision;

    fn try_from(fields: DecisionFields) -> Result<Self, InvalidDecision> {
        fields.check()?;
        let comment = fields.comment.filter(|comment| !comment.is_empty());
        let decision = match fields.decision.as_str() {
            APPROVE => Decision::Approve {
                comment,
                updated_input: fields.updated_input,
                updated_permissions: fields
                    .updated_permissions
                    .filter(|updates| !updates.is_empty()),
                unread_lines: fields.unread_lines.filter(|lines| *lines > 0),
            },
            DENY => Decision::Deny {
                reason: match (comment, &fields.option) {
                    (Some(reason), _) => reason,
                    (None, Some(_)) => String::new(),
                    (None, None) => {
                        return Err(InvalidDecision::new("comment", "is required for denial"));
                    }
                },
                interrupt: fields.interrupt.unwrap_or(false),
                option: fields.option,
            },
            RESPOND => match (fields.answers, fields.option) {
                (Some(_), Some(_)) => {
                    return Err(InvalidDecision::new("option", "does not go with `answers`"));
                }
                (Some(answers), None) => Decision::Answer { answers, comment },
                (None, None) if comment.is_none() => {
                    return Err(InvalidDecision::new(
                        "answers",
                        "is required to respond: a question needs `answers`, a contact `comment` or `option`",
                    ));
                }
                (None, option) => Decision::Respond {
                    text: comment,
                    option,
                },
            },
            "" => return Err(InvalidDecision::new("decision", "is required")),
            other => {
                return Err(InvalidDecision::new(
                    "decision",
                    format!("{other:?} is none of `{APPROVE}`, `{DENY}`, `{RESPOND}`"),
                ));
            }
        };
        Ok(Self {
            approval_id: fields.approval_id,
            decision,
            client: fields.client,
        })
    }
}

impl DecisionFields {
    /// A field that goes with another decision is refused, not ignored: whoever sent it meant
    /// something by it.
    fn check(&self) -> Result<(), InvalidDecision> {
        let with: [(&'static str, bool, &[&str]); 6] = [
            ("updated_input", self.updated_input.is_some(), &[APPROVE]),
            (
                "updated_permissions",
                self.updated_permissions.is_some(),
                &[APPROVE],
            ),
            (
                "unread_lines",
                self.unread_lines.is_some_and(|lines| lines > 0),
                &[APPROVE],
            ),
            ("answers", self.answers.is_some(), &[RESPOND]),
            ("option", self.option.is_some(), &[DENY, RESPOND]),
            ("interrupt", self.interrupt == Some(true), &[DENY]),
        ];
        for (field, is_given, decisions) in with {
            if is_given && !decisions.contains(&self.decision.as_str()) {
                let decisions: Vec<String> =
                    decisions.iter().map(|name| format!("`{name}`")).collect();
                return Err(InvalidDecision::new(
                    field,
                    format!("goes only with decision {}", decisions.join(" or ")),
                ));
            }
        }
        Ok(())
    }
}

/// Answer of `sendDecision`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SendDecisionResponse {
    /// Whether this decision is the one that stands.
    pub success: bool,
    /// Why not, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Why not, for programs: `already_resolved`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_kind: Option<String>,
    /// The approval as it stands now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use serde_json::json;

    fn read(mut json: Value) -> Result<SendDecisionParams, InvalidDecision> {
        json["approval_id"] = json!("a1");
        let fields: DecisionFields = serde_json::from_value(json).unwrap();
        fields.try_into()
    }

    #[test]
    fn what_is_written_is_read_back_the_same() {
        let answers = json!({"Which?": "this"}).as_object().unwrap().clone();
        let note = || Some("note".to_owned());
        let decisions = [
            Decision::approve(),
            Decision::Approve {
                comment: note(),
                updated_input: Some(json!({"command": "ls"})),
                updated_permissions: Some(vec![json!({"type": "addRules"})]),
                unread_lines: Some(217),
            },
            Decision::Deny {
                reason: "no".to_owned(),
                interrupt: true,
                option: None,
            },
            Decision::Deny {
                reason: String::new(),
                interrupt: false,
                option: Some("later".to_owned()),
            },
            Decision::Answer {
                answers,
                comment: note(),
            },
            Decision::Respond {
                text: Some("yes".to_owned()),
                option: Some("later".to_owned()),
            },
        ];
        for decision in decisions {
            let params = SendDecisionParams::new("a1", decision);
            let json = serde_json::to_value(&params).unwrap();
            assert_eq!(read(json).unwrap(), params);
        }
    }

    #[test]
    fn the_older_daemons_json_is_kept() {
        let approve = SendDecisionParams::new("a1", Decision::approve());
        assert_eq!(
            serde_json::to_value(&approve).unwrap(),
            json!({"approval_id": "a1", "decision": "approve"})
        );
        let deny = read(json!({"decision": "deny", "comment": "no"})).unwrap();
        assert_eq!(
            serde_json::to_value(&deny).unwrap(),
            json!({"approval_id": "a1", "decision": "deny", "comment": "no"})
        );
    }

    #[test]
    fn a_field_of_another_decision_is_refused() {
        let cases = [
            (
                json!({"decision": "deny", "comment": "no", "updated_input": {}}),
                "updated_input",
            ),
            (
                json!({"decision": "respond", "comment": "x", "updated_permissions": []}),
                "updated_permissions",
            ),
            (
                json!({"decision": "deny", "comment": "no", "unread_lines": 3}),
                "unread_lines",
            ),
            (json!({"decision": "approve", "answers": {}}), "answers"),
            (json!({"decision": "approve", "option": "x"}), "option"),
            (
                json!({"decision": "approve", "interrupt": true}),
                "interrupt",
            ),
            (json!({"decision": "deny"}), "comment"),
            (json!({"decision": "deny", "comment": ""}), "comment"),
            (json!({"decision": "respond"}), "answers"),
            (
                json!({"decision": "respond", "answers": {}, "option": "x"}),
                "option",
            ),
            (json!({"decision": "perhaps"}), "decision"),
            (json!({}), "decision"),
        ];
        for (json, field) in cases {
            assert_eq!(read(json.clone()).unwrap_err().field, field, "{json}");
        }
        let unset =
            json!({"decision": "approve", "interrupt": false, "comment": "", "unread_lines": 0});
        assert!(read(unset).is_ok(), "false and empty say nothing");
    }
}
