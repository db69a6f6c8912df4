//! What an asker is told about the end of its question.
//!
//! Pure. A yes, a no and an answer are a person's, or a rule's of theirs; every other end is told as
//! what it is: nobody decided.

use serde_json::json;

use crate::domain::{Outcome, question};
use crate::protocol::approval::Approval;

/// What became of a message to a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// They answered.
    Answer {
        /// In words.
        words: String,
        /// The option that they chose, by its name.
        option: Option<String>,
    },
    /// They would not answer.
    Declined {
        /// Why.
        reason: String,
    },
    /// It ended without anybody's answer.
    Nobody {
        /// How.
        why: String,
    },
}

impl Reply {
    /// Reads the end of a message to a person.
    #[must_use]
    pub fn of(approval: &Approval) -> Self {
        let words = || approval.comment.clone().unwrap_or_default();
        match approval.outcome {
            Outcome::Answered | Outcome::Approved => Self::Answer {
                words: words(),
                option: approval.chosen_option.clone(),
            },
            Outcome::Denied => Self::Declined { reason: words() },
            Outcome::Pending | Outcome::Withdrawn | Outcome::Abandoned | Outcome::Expired => {
                Self::Nobody {
                    why: undecided(approval),
                }
            }
        }
    }
}

/// What Claude Code is told about a question whether a tool may run with `input`. The input goes back
/// in the bytes in which it came, unless a person has replaced it.
#[must_use]
pub fn permission(approval: &Approval, input: &str) -> String {
    match approval.outcome {
        Outcome::Approved => match &approval.updated_input {
            Some(edited) => allow(&edited.to_string()),
            None => allow(input),
        },
        Outcome::Answered => {
            let answers = approval.answers.clone().unwrap_or_default();
            allow(&question::with_answers(input, &answers))
        }
        Outcome::Denied => deny(
            approval
                .comment
                .as_deref()
                .unwrap_or("A person denied this."),
        ),
        Outcome::Pending | Outcome::Withdrawn | Outcome::Abandoned | Outcome::Expired => {
            deny(&undecided(approval))
        }
    }
}

/// What Claude Code is told when nobody could be asked.
#[must_use]
pub fn not_asked(why: &str) -> String {
    deny(&format!(
        "Nobody decided this, it could not be asked: {why}"
    ))
}

fn allow(input: &str) -> String {
    format!(r#"{{"behavior":"allow","updatedInput":{input}}}"#)
}

fn deny(message: &str) -> String {
    json!({"behavior": "deny", "message": message}).to_string()
}

fn undecided(approval: &Approval) -> String {
    let how = match approval.outcome {
        Outcome::Withdrawn => "the request was withdrawn",
        Outcome::Abandoned => "the request was abandoned",
        Outcome::Expired => "the request expired",
        Outcome::Pending | Outcome::Approved | Outcome::Denied | Outcome::Answered => {
            "the request is still pending"
        }
    };
    match &approval.comment {
        Some(comment) => format!("Nobody decided this: {how} ({comment})"),
        None => format!("Nobody decided this: {how}"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::panic,
        reason = "a test fails by panicking"
    )]
    use serde_json::Value;

    use super::*;
    use crate::domain::capabilities::testing::requests;
    use crate::domain::{Capability, Source};

    fn approval(outcome: Outcome, more: Value) -> Approval {
        let mut all = json!({
            "id": "local-1", "run_id": "r", "session_id": "s", "status": "x", "outcome": outcome,
            "created_at": "2026-01-01T00:00:00Z", "tool_name": "Bash", "tool_input": {},
            "kind": "permission", "source": "mcp",
        });
        for (name, value) in more.as_object().unwrap() {
            all[name] = value.clone();
        }
        serde_json::from_value(all).unwrap()
    }

    fn told(outcome: Outcome, more: Value) -> Value {
        let told = permission(&approval(outcome, more), r#"{"command": "ls"}"#);
        serde_json::from_str(&told).unwrap()
    }

    #[test]
    fn a_yes_runs_what_was_asked_or_what_it_was_made() {
        assert_eq!(
            told(Outcome::Approved, json!({})),
            json!({"behavior": "allow", "updatedInput": {"command": "ls"}})
        );
        assert_eq!(
            told(
                Outcome::Approved,
                json!({"updated_input": {"command": "pwd"}})
            ),
            json!({"behavior": "allow", "updatedInput": {"command": "pwd"}})
        );
        assert_eq!(
            told(Outcome::Answered, json!({"answers": {"Which?": "this"}})),
            json!({"behavior": "allow", "updatedInput": {"command": "ls", "answers": {"Which?": "this"}}})
        );
    }

    #[test]
    fn what_was_asked_goes_back_byte_for_byte() {
        let input = r#"{"n": 1e400, "command": "cut \ud83d" }"#;
        let told = permission(&approval(Outcome::Approved, json!({})), input);
        assert_eq!(
            told,
            format!(r#"{{"behavior":"allow","updatedInput":{input}}}"#)
        );
    }

    #[test]
    fn only_a_no_is_told_as_one() {
        assert_eq!(
            told(Outcome::Denied, json!({"comment": "not here"})),
            json!({"behavior": "deny", "message": "not here"})
        );
        for outcome in [
            Outcome::Withdrawn,
            Outcome::Abandoned,
            Outcome::Expired,
            Outcome::Pending,
        ] {
            let told = told(outcome, json!({"comment": "gone"}));
            assert_eq!(told["behavior"], "deny");
            let message = told["message"].as_str().unwrap();
            assert!(message.starts_with("Nobody decided"), "{message}");
            assert!(message.contains("gone"), "{message}");
        }
    }

    #[test]
    fn the_servers_can_tell_all_that_the_daemon_takes_and_no_more_is_taken() {
        let mut told_of = Vec::new();
        for request in requests() {
            // As these servers ask: they take another input, and answers.
            if request.source != Source::Mcp || !request.accepts_edits {
                continue;
            }
            let pending = Approval::from(&request);
            let can = pending.can();
            let ended = |outcome, change: fn(&mut Approval)| {
                let mut approval = pending.clone();
                approval.outcome = outcome;
                change(&mut approval);
                approval
            };
            let told = |approval: &Approval| -> Value {
                serde_json::from_str(&permission(approval, "{\"a\": 1}")).unwrap()
            };
            let what = format!("{:?} {can:?}", pending.kind);
            for capability in Capability::ALL {
                if !can.allows(capability) {
                    continue;
                }
                told_of.push(capability);
                match capability {
                    Capability::Approve => {
                        let told = told(&ended(Outcome::Approved, |_| {}));
                        assert_eq!(told["updatedInput"], json!({"a": 1}), "{what}");
                    }
                    Capability::Edit => {
                        let edited = |approval: &mut Approval| {
                            approval.updated_input = Some(json!({"b": 2}));
                        };
                        let told = told(&ended(Outcome::Approved, edited));
                        assert_eq!(told["updatedInput"], json!({"b": 2}), "{what}");
                    }
                    Capability::Answer => {
                        let answered = |approval: &mut Approval| {
                            approval.answers = Some(json!({"Which?": "x"}));
                        };
                        let told = told(&ended(Outcome::Answered, answered));
                        assert_eq!(
                            told["updatedInput"]["answers"],
                            json!({"Which?": "x"}),
                            "{what}"
                        );
                    }
                    Capability::Deny => {
                        let denied = ended(Outcome::Denied, |_| {});
                        assert!(matches!(Reply::of(&denied), Reply::Declined { .. }));
                        assert_eq!(told(&denied)["behavior"], "deny", "{what}");
                    }
                    Capability::Respond => {
                        let answered = ended(Outcome::Answered, |_| {});
                        assert!(matches!(Reply::of(&answered), Reply::Answer { .. }));
                    }
                    Capability::Always | Capability::Interrupt => {
                        panic!("no server can tell {capability:?}: {what}")
                    }
                }
            }
        }
        for capability in [
            Capability::Approve,
            Capability::Edit,
            Capability::Answer,
            Capability::Deny,
            Capability::Respond,
        ] {
            assert!(told_of.contains(&capability), "{capability:?}");
        }
    }

    #[test]
    fn a_message_has_three_ends() {
        let answered = json!({"comment": "Ask me later", "chosen_option": "later"});
        assert_eq!(
            Reply::of(&approval(Outcome::Answered, answered)),
            Reply::Answer {
                words: "Ask me later".to_owned(),
                option: Some("later".to_owned()),
            }
        );
        assert_eq!(
            Reply::of(&approval(Outcome::Denied, json!({"comment": "no time"}))),
            Reply::Declined {
                reason: "no time".to_owned(),
            }
        );
        assert!(matches!(
            Reply::of(&approval(Outcome::Withdrawn, json!({}))),
            Reply::Nobody { .. }
        ));
    }
}
