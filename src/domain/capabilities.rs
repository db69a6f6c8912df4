//! What may be done with an approval: computed here, once, for every client.
//!
//! The daemon checks a decision against it ([`super::Approval::check`]) and sends it on the wire with
//! each approval; panel, footer, palette, actions, command line and MCP servers read it. Nobody else
//! derives from kind or source what can be decided. Pure.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::approval::{InputState, Kind, Outcome, Source};
use super::question;

/// One thing that can be done with a pending approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// Say yes.
    Approve,
    /// Say no, with a reason or one of the options.
    Deny,
    /// Say yes to a changed input.
    Edit,
    /// Answer the questions.
    Answer,
    /// Answer in words, or with one of the options.
    Respond,
    /// Say yes and grant a lasting permission.
    Always,
    /// Say no and end the agent's turn.
    Interrupt,
}

impl Capability {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Approve,
        Self::Deny,
        Self::Edit,
        Self::Answer,
        Self::Respond,
        Self::Always,
        Self::Interrupt,
    ];
}

/// What may be done with one approval. Nothing, once it is decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Capabilities {
    /// It can be approved as it is.
    pub approve: bool,
    /// It can be denied.
    pub deny: bool,
    /// It can be approved with another input.
    pub edit: bool,
    /// Its questions can be answered.
    pub answer: bool,
    /// It can be answered in words, or with one of its options.
    pub respond: bool,
    /// A lasting permission can be granted with the approval.
    pub always: bool,
    /// A denial can also end the agent's turn.
    pub interrupt: bool,
}

/// What the capabilities follow from.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// What kind of answer is wanted.
    pub kind: Kind,
    /// Through which channel it came.
    pub source: Source,
    /// Whether the asker said that it takes another input, or answers.
    pub accepts_edits: bool,
    /// Permission updates that the agent suggests.
    pub suggestions: &'a [Value],
    /// The tool's input.
    pub input: &'a Value,
    /// How much of it was understood.
    pub input_state: InputState,
    /// How it ended, if it did.
    pub outcome: Outcome,
}

impl Capabilities {
    /// What may be done with a request.
    #[must_use]
    pub fn of(request: &Request<'_>) -> Self {
        if request.outcome != Outcome::Pending {
            return Self::default();
        }
        let parsed = request.input_state == InputState::Readable;
        let takes_content = parsed && (request.source == Source::Claude || request.accepts_edits);
        let own_agent = request.source == Source::Claude;
        // The HumanLayer API has no way to say no to a contact.
        let deny = request.kind != Kind::Contact
            || match request.source {
                Source::LocalApi | Source::RemoteApi => false,
                Source::Claude | Source::Mcp | Source::Program | Source::Launch => true,
            };
        let is_permission = matches!(request.kind, Kind::Permission | Kind::Plan);
        let approve = is_permission && request.input_state != InputState::Unusable;
        Self {
            approve,
            deny,
            edit: approve && takes_content,
            answer: request.kind == Kind::Question
                && takes_content
                && question::can_be_read(request.input),
            respond: request.kind == Kind::Contact && parsed,
            // A plan can always be followed by accepting edits, also where nothing is suggested.
            always: approve
                && parsed
                && own_agent
                && (request.kind == Kind::Plan || !request.suggestions.is_empty()),
            interrupt: deny && own_agent,
        }
    }

    /// Whether one of them is there.
    #[must_use]
    pub fn allows(self, capability: Capability) -> bool {
        match capability {
            Capability::Approve => self.approve,
            Capability::Deny => self.deny,
            Capability::Edit => self.edit,
            Capability::Answer => self.answer,
            Capability::Respond => self.respond,
            Capability::Always => self.always,
            Capability::Interrupt => self.interrupt,
        }
    }
}

/// Why something cannot be done, for people; the same sentence from every client.
#[must_use]
pub fn why_not(capability: Capability, request: &Request<'_>) -> String {
    if request.outcome != Outcome::Pending {
        return format!("this is already {}", request.outcome.as_str());
    }
    let unreadable = "its input could not be read, so it can only be";
    match (capability, request.kind) {
        (Capability::Approve | Capability::Edit | Capability::Always, Kind::Question) => {
            "this is a question: answer it or deny it".to_owned()
        }
        (Capability::Approve | Capability::Edit | Capability::Always, Kind::Contact) => {
            "this is a message: answer it in words or with one of its options".to_owned()
        }
        (Capability::Answer | Capability::Respond, Kind::Permission | Kind::Plan) => {
            "this is not a question: approve or deny it".to_owned()
        }
        (Capability::Answer, Kind::Contact) => {
            "this is not a list of questions: answer it in words or with one of its options"
                .to_owned()
        }
        (Capability::Respond, Kind::Question) => {
            "this is a list of questions: give an answer to each of them".to_owned()
        }
        (Capability::Deny | Capability::Interrupt, Kind::Contact)
            if matches!(request.source, Source::LocalApi | Source::RemoteApi) =>
        {
            "this request can't be denied, only answered".to_owned()
        }
        (Capability::Interrupt, _) => {
            format!(
                "this came over {}, which cannot end the turn",
                request.source.describe()
            )
        }
        (Capability::Respond, _) => "this message can't be read".to_owned(),
        (Capability::Approve | Capability::Edit, _)
            if request.input_state == InputState::Unusable =>
        {
            format!("{unreadable} denied")
        }
        (Capability::Edit | Capability::Always, _)
            if request.input_state == InputState::Unreadable =>
        {
            format!("{unreadable} approved as it is, or denied")
        }
        (Capability::Always, _) if request.source != Source::Claude => format!(
            "this came over {}, which cannot make an approval last",
            request.source.describe()
        ),
        (Capability::Always, _) => "the agent suggests no lasting permission".to_owned(),
        (Capability::Edit | Capability::Answer, _)
            if request.source != Source::Claude && !request.accepts_edits =>
        {
            format!(
                "this came over {} from a program that takes only yes or no",
                request.source.describe()
            )
        }
        (Capability::Answer, Kind::Question) => {
            "its questions can't be read; it can be denied with a reason".to_owned()
        }
        (
            Capability::Approve | Capability::Edit | Capability::Deny,
            Kind::Permission | Kind::Plan | Kind::Question | Kind::Contact,
        ) => "this can't be done with this request".to_owned(),
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use serde_json::json;

    use super::super::approval::{Approval, Source};

    /// Every kind of request, from every source, with and without what capabilities follow from.
    pub(crate) fn requests() -> Vec<Approval> {
        let inputs = [
            ("Bash", json!({"command": "ls"})),
            ("ExitPlanMode", json!({"plan": "# Do it"})),
            (
                "AskUserQuestion",
                json!({"questions": [{"question": "Which?", "options": [{"label": "x"}]}]}),
            ),
            ("AskUserQuestion", json!({"questions": "unreadable"})),
            ("contact_human", json!({"message": "now?"})),
        ];
        let sources = [
            Source::Claude,
            Source::Mcp,
            Source::Program,
            Source::LocalApi,
            Source::RemoteApi,
            Source::Launch,
        ];
        let suggestion = json!({"type": "addRules", "behavior": "allow", "destination": "session",
            "rules": [{"toolName": "Bash", "ruleContent": "ls"}]});
        let mut requests = Vec::new();
        for (tool, input) in inputs {
            for source in sources {
                for accepts_edits in [false, true] {
                    for suggestions in [vec![], vec![suggestion.clone()]] {
                        requests.push(Approval {
                            accepts_edits,
                            suggestions,
                            ..Approval::example(tool, source, input.clone())
                        });
                    }
                }
            }
        }
        requests
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const KINDS: [Kind; 4] = [Kind::Permission, Kind::Question, Kind::Plan, Kind::Contact];
    const SOURCES: [Source; 5] = [
        Source::Claude,
        Source::Mcp,
        Source::Program,
        Source::LocalApi,
        Source::RemoteApi,
    ];
    const STATES: [InputState; 3] = [
        InputState::Readable,
        InputState::Unreadable,
        InputState::Unusable,
    ];

    fn request<'a>(
        kind: Kind,
        source: Source,
        input: &'a Value,
        suggestions: &'a [Value],
    ) -> Request<'a> {
        Request {
            kind,
            source,
            accepts_edits: false,
            suggestions,
            input,
            input_state: InputState::Readable,
            outcome: Outcome::Pending,
        }
    }

    #[test]
    fn what_is_decided_can_not_be_decided_again() {
        let input = json!({});
        for outcome in [
            Outcome::Approved,
            Outcome::Denied,
            Outcome::Answered,
            Outcome::Withdrawn,
            Outcome::Abandoned,
            Outcome::Expired,
        ] {
            let request = Request {
                outcome,
                ..request(Kind::Permission, Source::Claude, &input, &[])
            };
            assert_eq!(Capabilities::of(&request), Capabilities::default());
            assert!(why_not(Capability::Approve, &request).contains(outcome.as_str()));
        }
    }

    #[test]
    fn every_request_can_be_ended_by_a_person() {
        let input = json!({"questions": [{"question": "Which?"}]});
        for kind in KINDS {
            for source in SOURCES {
                for input_state in STATES {
                    let request = Request {
                        input_state,
                        ..request(kind, source, &input, &[])
                    };
                    let can = Capabilities::of(&request);
                    let ends = can.approve || can.answer || can.respond || can.deny;
                    // A message whose input cannot be read comes from no source that we know.
                    let is_foreign_contact = kind == Kind::Contact
                        && matches!(source, Source::LocalApi | Source::RemoteApi)
                        && input_state != InputState::Readable;
                    assert_eq!(ends, !is_foreign_contact, "{request:?}");
                }
            }
        }
    }

    #[test]
    fn an_input_that_cannot_be_read_is_approved_only_if_it_can_be_passed_back() {
        let input = json!("raw");
        let suggestions = [json!({"type": "addRules"})];
        let of = |input_state| {
            Capabilities::of(&Request {
                input_state,
                ..request(Kind::Permission, Source::Claude, &input, &suggestions)
            })
        };
        let verbatim = of(InputState::Unreadable);
        assert!(verbatim.approve && verbatim.deny && !verbatim.edit && !verbatim.always);
        let unreadable = of(InputState::Unusable);
        assert!(!unreadable.approve && unreadable.deny && unreadable.interrupt);
        assert!(!unreadable.edit && !unreadable.always);
    }

    #[test]
    fn content_goes_where_the_asker_takes_it() {
        let input = json!({"questions": [{"question": "Which?"}]});
        for source in SOURCES {
            for accepts_edits in [false, true] {
                let takes = source == Source::Claude || accepts_edits;
                let of = |kind| {
                    Capabilities::of(&Request {
                        accepts_edits,
                        ..request(kind, source, &input, &[])
                    })
                };
                assert_eq!(of(Kind::Permission).edit, takes, "{source:?}");
                assert_eq!(of(Kind::Question).answer, takes, "{source:?}");
                assert!(!of(Kind::Question).approve && !of(Kind::Contact).approve);
                assert!(of(Kind::Contact).respond);
            }
        }
        let unreadable = json!({"questions": [{}]});
        let question = request(Kind::Question, Source::Claude, &unreadable, &[]);
        assert!(!Capabilities::of(&question).answer);
        assert!(Capabilities::of(&question).deny);
    }

    #[test]
    fn what_lasts_is_offered_where_there_is_something_to_grant() {
        let input = json!({});
        let suggestions = [json!({"type": "addRules"})];
        let always = |kind, source, suggestions| {
            Capabilities::of(&request(kind, source, &input, suggestions)).always
        };
        assert!(always(Kind::Permission, Source::Claude, &suggestions));
        assert!(!always(Kind::Permission, Source::Claude, &[]));
        assert!(always(Kind::Plan, Source::Claude, &[]));
        assert!(!always(Kind::Permission, Source::Mcp, &suggestions));
    }

    #[test]
    fn what_cannot_be_done_is_explained() {
        let input = json!({});
        for kind in KINDS {
            for source in SOURCES {
                for input_state in STATES {
                    let request = Request {
                        input_state,
                        ..request(kind, source, &input, &[])
                    };
                    let can = Capabilities::of(&request);
                    for capability in Capability::ALL {
                        if !can.allows(capability) {
                            let why = why_not(capability, &request);
                            assert!(!why.contains("this can't be done"), "{request:?} {why}");
                        }
                    }
                }
            }
        }
    }
}
