//! What can be decided about an approval, which decision fits which question, and the standing
//! rules under which the daemon decides by itself.
//!
//! Pure: the store records what is decided here, after [`Approval::check`] has passed it.

use jiff::Timestamp;
use serde_json::Value;

use super::approval::{Approval, DecidedBy, Kind, Outcome};
use super::capabilities::{self, Capabilities, Capability, Request};
use super::session::Settings;
use super::{text, workspace};

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
        /// Lines of the request that were approved without having been shown.
        unread_lines: Option<u32>,
    },
    /// No.
    Deny {
        /// The reason; the agent is told it.
        reason: String,
        /// Also end the turn.
        interrupt: bool,
        /// The reject option chosen, by its name; its words are the reason where none is given.
        option: Option<String>,
    },
    /// The answers to a question, by the question's text.
    Answer {
        /// Question text to chosen label or free text.
        answers: serde_json::Map<String, Value>,
        /// A note for the record.
        comment: Option<String>,
    },
    /// The answer to a contact.
    Respond {
        /// In words; the option's where none are given.
        text: Option<String>,
        /// The response option chosen, by its name.
        option: Option<String>,
    },
}

impl Decision {
    /// A plain yes.
    #[must_use]
    pub fn approve() -> Self {
        Self::Approve {
            comment: None,
            updated_input: None,
            updated_permissions: None,
            unread_lines: None,
        }
    }

    /// A plain no.
    #[must_use]
    pub fn deny(reason: impl Into<String>) -> Self {
        Self::Deny {
            reason: reason.into(),
            interrupt: false,
            option: None,
        }
    }

    /// The outcome that the decision makes.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Approve { .. } => Outcome::Approved,
            Self::Deny { .. } => Outcome::Denied,
            Self::Answer { .. } | Self::Respond { .. } => Outcome::Answered,
        }
    }
}

/// The words of an answer: those given, else those of the option chosen.
#[must_use]
pub fn words(approval: &Approval, given: Option<&str>, option: Option<&str>) -> Option<String> {
    given
        .filter(|words| !words.trim().is_empty())
        .or_else(|| Some(approval.option(option?)?.words()))
        .map(str::to_owned)
}

/// Why a decision does not fit the request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct InvalidDecision {
    /// The parameter at fault.
    pub field: &'static str,
    /// What is wrong with it and what would be right.
    pub problem: String,
}

impl InvalidDecision {
    /// For a parameter.
    pub fn new(field: &'static str, problem: impl Into<String>) -> Self {
        Self {
            field,
            problem: problem.into(),
        }
    }
}

impl Approval {
    /// What its capabilities follow from. A decision about one that has ended is refused by the
    /// store, which knows how it ended.
    #[must_use]
    pub fn request(&self) -> Request<'_> {
        Request {
            kind: self.kind,
            source: self.source,
            accepts_edits: self.accepts_edits,
            suggestions: &self.suggestions,
            input: &self.tool_input,
            input_state: self.input_state,
            outcome: self.outcome,
        }
    }

    /// What may be done with it.
    #[must_use]
    pub fn capabilities(&self) -> Capabilities {
        Capabilities::of(&self.request())
    }

    fn require(&self, capability: Capability, field: &'static str) -> Result<(), InvalidDecision> {
        let request = self.request();
        if Capabilities::of(&request).allows(capability) {
            return Ok(());
        }
        Err(InvalidDecision::new(
            field,
            capabilities::why_not(capability, &request),
        ))
    }

    /// Checks that a decision fits this request, before anything is written.
    ///
    /// # Errors
    /// Names the parameter at fault and what would be right.
    pub fn check(&self, decision: &Decision) -> Result<(), InvalidDecision> {
        match decision {
            Decision::Approve {
                updated_input,
                updated_permissions,
                ..
            } => {
                self.require(Capability::Approve, "decision")?;
                self.check_input(updated_input.as_ref())?;
                self.check_permissions(updated_permissions.as_deref())
            }
            Decision::Deny {
                reason,
                interrupt,
                option,
            } => {
                self.require(Capability::Deny, "decision")?;
                self.check_option(option.as_deref())?;
                if reason.trim().is_empty() && option.is_none() {
                    return Err(InvalidDecision::new(
                        "comment",
                        "a denial needs a reason; the asker is told it",
                    ));
                }
                if *interrupt {
                    self.require(Capability::Interrupt, "interrupt")?;
                }
                Ok(())
            }
            Decision::Answer { answers, .. } => {
                self.require(
                    Capability::Answer,
                    match self.kind {
                        Kind::Contact => "answers",
                        Kind::Permission | Kind::Plan | Kind::Question => "decision",
                    },
                )?;
                self.check_answers(answers)
            }
            Decision::Respond { text, option } => {
                self.require(
                    Capability::Respond,
                    match self.kind {
                        Kind::Question => "answers",
                        Kind::Permission | Kind::Plan | Kind::Contact => "decision",
                    },
                )?;
                self.check_option(option.as_deref())?;
                match words(self, text.as_deref(), option.as_deref()) {
                    Some(_) => Ok(()),
                    None => Err(InvalidDecision::new(
                        "comment",
                        "an answer needs a text, or one of the options",
                    )),
                }
            }
        }
    }

    fn check_option(&self, name: Option<&str>) -> Result<(), InvalidDecision> {
        let Some(name) = name else { return Ok(()) };
        if self.option(name).is_some() {
            return Ok(());
        }
        let offered: Vec<&str> = self
            .options
            .iter()
            .map(|option| option.name.as_str())
            .collect();
        let problem = if offered.is_empty() {
            format!("no such option: {name:?}; this request offers none")
        } else {
            format!("no such option: {name:?}; the options are {offered:?}")
        };
        Err(InvalidDecision::new("option", problem))
    }

    fn check_input(&self, updated_input: Option<&Value>) -> Result<(), InvalidDecision> {
        let Some(input) = updated_input else {
            return Ok(());
        };
        let Some(fields) = input.as_object() else {
            return Err(InvalidDecision::new(
                "updated_input",
                "must be a JSON object, the tool's whole input",
            ));
        };
        self.require(Capability::Edit, "decision")?;
        check_edit(self.tool_input.as_object(), fields)
    }

    fn check_permissions(&self, updates: Option<&[Value]>) -> Result<(), InvalidDecision> {
        let Some(updates) = updates else {
            return Ok(());
        };
        self.require(Capability::Always, "updated_permissions")?;
        if updates.iter().any(|update| !update.is_object()) {
            return Err(InvalidDecision::new(
                "updated_permissions",
                "must be a list of JSON objects",
            ));
        }
        Ok(())
    }

    fn check_answers(
        &self,
        answers: &serde_json::Map<String, Value>,
    ) -> Result<(), InvalidDecision> {
        let asked = self.questions();
        if let Some(unknown) = answers.keys().find(|key| !asked.contains(key)) {
            return Err(InvalidDecision::new(
                "answers",
                format!("no such question: {unknown:?}; the questions are {asked:?}"),
            ));
        }
        if let Some(missing) = asked.iter().find(|text| !answers.contains_key(*text)) {
            return Err(InvalidDecision::new(
                "answers",
                format!("no answer to {missing:?}"),
            ));
        }
        Ok(())
    }
}

/// The name of a field that JavaScript does not treat as one.
const NO_FIELD: &str = "__proto__";

/// Fields without which a tool does not do what was approved. Older versions of Claude Code run such
/// a call nevertheless: a `Write` without `content` makes an empty file.
const REQUIRED_FIELDS: [&str; 11] = [
    "command",
    "content",
    "edits",
    "file_path",
    "new_source",
    "new_string",
    "notebook_path",
    "old_string",
    "pattern",
    "prompt",
    "url",
];

/// Checks that an edited input is one that would run as it is.
///
/// What Claude Code does with others (seen on 2.0.37, 2.1.133, 2.1.330 and 2.1.332): an empty object,
/// and one whose only field is `__proto__`, stand for no edit, so that 2.1 runs the original input
/// (2.0 fails). What lacks a required field, or has one of another type, fails, except that 2.0 and
/// the early 2.1 run what they can of it.
fn check_edit(
    original: Option<&serde_json::Map<String, Value>>,
    edited: &serde_json::Map<String, Value>,
) -> Result<(), InvalidDecision> {
    let invalid = |problem: String| Err(InvalidDecision::new("updated_input", problem));
    let is_empty =
        |fields: &serde_json::Map<String, Value>| fields.keys().all(|key| key == NO_FIELD);
    if is_empty(edited) && !original.is_none_or(is_empty) {
        return invalid(
            "an empty input would run the original one: give the tool's whole input, or deny the request"
                .to_owned(),
        );
    }
    if edited.contains_key(NO_FIELD) {
        return invalid(format!("{NO_FIELD} can't be the name of a field"));
    }
    for name in REQUIRED_FIELDS {
        let is_lost =
            original.is_some_and(|fields| fields.contains_key(name)) && !edited.contains_key(name);
        if is_lost {
            return invalid(format!("{name} is missing: give the tool's whole input"));
        }
    }
    for (name, value) in edited {
        let was = original.and_then(|fields| fields.get(name));
        if let Some(was) = was
            && std::mem::discriminant(was) != std::mem::discriminant(value)
        {
            return invalid(format!(
                "{name} must be {}, as in the original input, not {}",
                text::type_name(was),
                text::type_name(value)
            ));
        }
    }
    Ok(())
}

/// Whether a standing permission of the session answers a question, and in whose name. `covers` tells
/// whether one for edits covers a call; it is asked last.
/// Questions and plans want a person in any case, and so do what programs ask and what could not be
/// read.
pub fn standing_rule(
    settings: &Settings,
    approval: &Approval,
    covers: impl FnOnce(&Approval) -> bool,
    now: Timestamp,
) -> Option<DecidedBy> {
    if approval.kind != Kind::Permission
        || !approval.source.obeys_standing_rules()
        || !approval.input_state.is_readable()
    {
        return None;
    }
    let skipping = settings.skip_permissions
        && settings
            .skip_permissions_until
            .is_none_or(|until| now < until);
    if skipping {
        return Some(DecidedBy::Rule {
            rule: "dangerously_skip_permissions".to_owned(),
            granted_by: None,
            expires_at: settings.skip_permissions_until,
        });
    }
    // What Claude Code asks for a reason of its own, a path or a sensitive file, is no usual edit.
    let is_usual = approval.blocked_path.is_none() && approval.decision_reason.is_none();
    if settings.auto_accept_edits
        && workspace::is_edit_tool(&approval.tool_name)
        && is_usual
        && covers(approval)
    {
        return Some(DecidedBy::Rule {
            rule: "auto_accept_edits".to_owned(),
            granted_by: None,
            expires_at: None,
        });
    }
    None
}

#[cfg(test)]
#[path = "decision_tests.rs"]
mod tests;
