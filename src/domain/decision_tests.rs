//! Which decision fits which request, and what an edit may be.

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
        unread_lines: None,
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
        unread_lines: None,
    };
    let last = Decision::Approve {
        comment: None,
        updated_input: None,
        updated_permissions: Some(vec![json!({})]),
        unread_lines: None,
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
        let asked = approval(tool, Source::Claude, json!({}));
        standing_rule(s, &asked, |_| true, now).is_some()
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
        assert!(standing_rule(&skip(None), &asked, |_| true, now).is_none());
    }
    for input_state in [InputState::Unreadable, InputState::Unusable] {
        let unread = Approval {
            input_state,
            ..approval("Write", Source::Claude, json!({}))
        };
        assert!(standing_rule(&skip(None), &unread, |_| true, now).is_none());
        assert!(standing_rule(&edits, &unread, |_| true, now).is_none());
    }
}

#[test]
fn accepted_edits_are_those_of_covered_files_that_the_agent_asks_for_no_other_reason() {
    let now = Timestamp::from_second(1_000).unwrap();
    let edits = Settings {
        auto_accept_edits: true,
        ..Settings::default()
    };
    let write = approval("Write", Source::Claude, json!({"file_path": "/work/a"}));
    assert!(standing_rule(&edits, &write, |_| true, now).is_some());
    assert!(standing_rule(&edits, &write, |_| false, now).is_none());
    let for_a_reason = [
        Approval {
            blocked_path: Some("/work/a".into()),
            ..write.clone()
        },
        Approval {
            decision_reason: Some("it is a sensitive file".into()),
            ..write
        },
    ];
    for asked in for_a_reason {
        assert!(standing_rule(&edits, &asked, |_| true, now).is_none());
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
