//! What can be decided about an approval, which decision fits which question, and the standing
//! rules under which the daemon decides by itself.
//!
//! Pure: the store records what is decided here, after [`Approval::check`] has passed it.

use jiff::Timestamp;
use serde_json::Value;

use super::approval::{Approval, DecidedBy, Kind, Outcome};
use super::capabilities::{self, Capabilities, Capability, Request};
use super::session::Settings;

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
                type_name(was),
                type_name(value)
            ));
        }
    }
    Ok(())
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Tools that only change files, which `auto_accept_edits` stands for.
const EDIT_TOOLS: [&str; 4] = ["Edit", "Write", "MultiEdit", "NotebookEdit"];

/// Whether a standing permission of the session answers a question, and in whose name.
/// Questions and plans want a person in any case, and so do what programs ask and what could not be
/// read.
#[must_use]
pub fn standing_rule(
    settings: &Settings,
    approval: &Approval,
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
    if settings.auto_accept_edits && EDIT_TOOLS.contains(&approval.tool_name.as_str()) {
        return Some(DecidedBy::Rule {
            rule: "auto_accept_edits".to_owned(),
            granted_by: None,
            expires_at: None,
        });
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::super::approval::{InputState, ResponseOption, Source};
    use super::*;
    use serde_json::json;

    fn approval(tool: &str, source: Source, input: Value) -> Approval {
        Approval::example(tool, source, input)
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
    fn edits_and_answers_go_where_the_asker_takes_them() {
        let edit = || Decision::Approve {
            comment: None,
            updated_input: Some(json!({"command": "pwd"})),
            updated_permissions: None,
        };
        let last = Decision::Approve {
            comment: None,
            updated_input: None,
            updated_permissions: Some(vec![json!({})]),
        };
        let plain = approval("Bash", Source::Mcp, json!({"command": "ls"}));
        assert!(plain.check(&edit()).is_err());
        let taking = Approval {
            accepts_edits: true,
            ..plain
        };
        assert_eq!(taking.check(&edit()), Ok(()));
        let refused = taking.check(&last).unwrap_err();
        assert_eq!(refused.field, "updated_permissions");
        let question = approval(
            "AskUserQuestion",
            Source::Mcp,
            json!({"questions": [{"question": "Which?"}]}),
        );
        let answer = Decision::Answer {
            answers: json!({"Which?": "this"}).as_object().unwrap().clone(),
            comment: None,
        };
        assert!(question.check(&answer).is_err());
        let taking = Approval {
            accepts_edits: true,
            ..question
        };
        assert_eq!(taking.check(&answer), Ok(()));
    }

    #[test]
    fn what_could_not_be_read_is_approved_only_if_it_can_be_passed_back() {
        let with = |tool: &str, input_state| Approval {
            input_state,
            ..approval(tool, Source::Claude, json!({}))
        };
        let deny = Decision::Deny {
            reason: "no".into(),
            interrupt: false,
            option: None,
        };
        let unreadable = with("Bash", InputState::Unreadable);
        assert_eq!(unreadable.check(&approve(None)), Ok(()));
        assert_eq!(unreadable.check(&deny), Ok(()));
        let edit = approve(Some(json!({"command": "ls"})));
        assert!(unreadable.check(&edit).is_err(), "only as it came");
        for tool in ["Bash", "AskUserQuestion"] {
            let unusable = with(tool, InputState::Unusable);
            assert_eq!(unusable.check(&deny), Ok(()));
            for decision in [approve(None), edit.clone(), answer(json!({}))] {
                assert!(unusable.check(&decision).is_err(), "{decision:?}");
            }
        }
    }

    #[test]
    fn an_edited_input_that_would_not_run_as_it_is_is_refused() {
        let original = json!({"command": "ls", "timeout": 5, "description": "List"});
        let bash = approval("Bash", Source::Claude, original);
        let bare = approval("mcp__x__now", Source::Claude, json!({}));
        let cases = [
            (&bash, json!({}), Some("would run the original")),
            (
                &bash,
                json!({"__proto__": {"a": 1}}),
                Some("would run the original"),
            ),
            (
                &bash,
                json!({"command": "pwd", "__proto__": {}}),
                Some("name of a field"),
            ),
            (
                &bash,
                json!({"description": "x"}),
                Some("command is missing"),
            ),
            (
                &bash,
                json!({"command": 5}),
                Some("command must be a string"),
            ),
            (
                &bash,
                json!({"command": null}),
                Some("command must be a string"),
            ),
            (
                &bash,
                json!({"command": "ls", "timeout": "9"}),
                Some("timeout must be a number"),
            ),
            (&bash, json!({"command": "pwd"}), None),
            (
                &bash,
                json!({"command": "pwd", "run_in_background": true}),
                None,
            ),
            (&bare, json!({}), None),
            (&bare, json!({"zone": "UTC"}), None),
        ];
        for (approval, input, problem) in cases {
            let checked = approval.check(&approve(Some(input.clone())));
            match problem {
                None => assert_eq!(checked, Ok(()), "{input}"),
                Some(problem) => {
                    let error = checked.unwrap_err();
                    assert_eq!(error.field, "updated_input");
                    assert!(error.problem.contains(problem), "{input}: {error}");
                }
            }
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
            option: None,
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
        let rule = |s: &Settings, tool| {
            standing_rule(s, &approval(tool, Source::Claude, json!({})), now).is_some()
        };
        assert!(rule(&skip(None), "Bash"));
        assert!(rule(&skip(Some(later)), "Bash"));
        assert!(!rule(&skip(Some(now)), "Bash"), "over at its very end");
        assert!(!rule(&skip(None), "AskUserQuestion"));
        assert!(!rule(&skip(None), "ExitPlanMode"));
        assert!(rule(&edits, "Write"));
        assert!(!rule(&edits, "Bash"));
        for source in [Source::Program, Source::LocalApi, Source::RemoteApi] {
            let asked = approval("Bash", source, json!({}));
            assert!(standing_rule(&skip(None), &asked, now).is_none());
        }
        for input_state in [InputState::Unreadable, InputState::Unusable] {
            let unread = Approval {
                input_state,
                ..approval("Write", Source::Claude, json!({}))
            };
            assert!(standing_rule(&skip(None), &unread, now).is_none());
            assert!(standing_rule(&edits, &unread, now).is_none());
        }
    }

    #[test]
    fn contacts_are_answered_in_words_or_with_an_option() {
        let contact = |source| Approval {
            kind: Kind::Contact,
            options: vec![ResponseOption {
                name: "later".into(),
                title: Some("Ask later".into()),
                ..ResponseOption::default()
            }],
            ..approval("contact_human", source, json!({"message": "now?"}))
        };
        let respond = |text: &str, option: Option<&str>| Decision::Respond {
            text: Some(text.into()),
            option: option.map(Into::into),
        };
        let deny = |option: Option<&str>| Decision::Deny {
            reason: String::new(),
            interrupt: false,
            option: option.map(Into::into),
        };
        let program = contact(Source::Program);
        let cases: [(&Approval, Decision, Option<&str>); 9] = [
            (&program, respond("yes", None), None),
            (&program, respond("", Some("later")), None),
            (&program, respond(" ", None), Some("comment")),
            (&program, respond("yes", Some("no such")), Some("option")),
            (&program, approve(None), Some("decision")),
            (&program, answer(json!({})), Some("answers")),
            (&program, deny(Some("later")), None),
            (&program, deny(None), Some("comment")),
            (
                &contact(Source::RemoteApi),
                deny(Some("later")),
                Some("decision"),
            ),
        ];
        for (approval, decision, field) in cases {
            let got = approval.check(&decision).err().map(|error| error.field);
            assert_eq!(got, field, "{decision:?}");
        }
        assert_eq!(
            words(&program, Some(" "), Some("later")).unwrap(),
            "Ask later"
        );
        let bash = approval("Bash", Source::LocalApi, json!({}));
        assert_eq!(
            bash.check(&respond("yes", None)).unwrap_err().field,
            "decision"
        );
        assert_eq!(
            bash.check(&deny(Some("later"))).unwrap_err().field,
            "option"
        );
    }
}
