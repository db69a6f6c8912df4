//! From keys to exactly what is sent.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use serde_json::{Value, json};

use crate::tui::effect::{Effect, Purpose};
use crate::tui::forms::Form;
use crate::tui::msg::{EffectResult, Msg};
use crate::tui::testing::{TuiHarness, approval, session};

fn tui(asked: &[Value]) -> TuiHarness {
    let sessions = [session("s1", json!({})), session("s2", json!({}))];
    TuiHarness::new((140, 40), &sessions, asked)
}

/// What is decided, as it goes over the wire.
fn sent(effects: &[Effect]) -> Vec<Value> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Decide(params) => Some(serde_json::to_value(params).unwrap()),
            _ => None,
        })
        .collect()
}

/// What keys send about one question.
fn sends(asked: Value, keys: &str) -> Vec<Value> {
    sent(&tui(&[asked]).keys(keys))
}

fn ask(changes: Value) -> Value {
    approval("a1", "s1", changes)
}

fn suggested() -> Value {
    ask(json!({"permission_suggestions": [
        {"type": "addRules", "rules": [{"toolName": "Bash", "ruleContent": "cargo test:*"}],
            "behavior": "allow", "destination": "localSettings"},
        {"type": "setMode", "mode": "acceptEdits", "destination": "session"}]}))
}

/// A request with this suggestion and no rule.
fn only(kind: &str) -> Value {
    ask(json!({"permission_suggestions": [
        {"type": kind, "mode": "acceptEdits", "directories": ["/srv"], "destination": "session"}]}))
}

fn two_questions() -> Value {
    ask(
        json!({"kind": "question", "tool_name": "AskUserQuestion", "tool_input": {"questions": [
        {"question": "Which?", "header": "W", "options": [{"label": "x"}, {"label": "y"}]},
        {"question": "What else?", "header": "E", "multiSelect": true,
         "options": [{"label": "p"}, {"label": "q"}, {"label": "r"}]}]}}),
    )
}

fn one_question() -> Value {
    ask(
        json!({"kind": "question", "tool_name": "AskUserQuestion", "tool_input": {"questions": [
        {"question": "Which?", "header": "W", "options": [{"label": "x"}, {"label": "y"}]}]}}),
    )
}

fn contact(options: Value) -> Value {
    ask(
        json!({"kind": "contact", "source": "local_api", "tool_name": "contact_human",
        "asker": "bot", "tool_input": {"message": "Now?"}, "options": options}),
    )
}

#[test]
fn of_several_options_only_those_that_were_selected_are_sent() {
    let asked = ask(
        json!({"kind": "question", "tool_name": "AskUserQuestion", "tool_input": {"questions": [
        {"question": "Which to wipe?", "header": "W", "multiSelect": true,
         "options": [{"label": "prod"}, {"label": "staging"}]}]}}),
    );
    let mut tui = TuiHarness::new((80, 24), &[session("s1", json!({}))], &[asked]);
    let effects = tui.keys("y enter enter");
    assert!(
        !effects
            .iter()
            .any(|effect| matches!(effect, Effect::Decide(_)))
    );
    assert!(tui.screen().contains("Nothing is selected"));
    let effects = tui.keys("down space enter");
    let sent = effects.iter().find_map(|effect| match effect {
        Effect::Decide(params) => Some(serde_json::to_value(params).unwrap().to_string()),
        _ => None,
    });
    let sent = sent.unwrap();
    assert!(sent.contains("staging") && !sent.contains("prod"), "{sent}");
}

#[test]
fn keys_send_exactly_this() {
    let yes = json!({"approval_id": "a1", "decision": "approve"});
    let no = |comment: &str| json!({"approval_id": "a1", "decision": "deny", "comment": comment});
    let rule = json!({"type": "addRules", "rules": [{"toolName": "Bash", "ruleContent": "cargo test:*"}],
        "behavior": "allow", "destination": "localSettings"});
    let mode = json!({"type": "setMode", "mode": "acceptEdits", "destination": "session"});
    let only_mode = only("setMode")["permission_suggestions"][0].clone();
    let mut here = rule.clone();
    here["destination"] = json!("session");
    let mut everywhere = rule.clone();
    everywhere["destination"] = json!("projectSettings");
    let lasting = |updates: Value| json!({"approval_id": "a1", "decision": "approve", "updated_permissions": updates});
    let answered =
        |answers: Value| json!({"approval_id": "a1", "decision": "respond", "answers": answers});
    let options = json!([{"name": "now", "title": "Now"},
        {"name": "later", "title": "Later", "prompt_fill": "wait"}]);
    let refusals = json!({"source": "local_api", "options": options});
    let cases: Vec<(Value, &str, Option<Value>)> = vec![
        // Permissions.
        (ask(json!({})), "y", Some(yes.clone())),
        (ask(json!({})), "n enter", Some(no("Denied by the user."))),
        (ask(json!({})), "n esc", None),
        (ask(json!({})), "n N o enter", Some(no("No"))),
        (ask(json!({})), "n a alt-enter b enter", Some(no("a\nb"))),
        (ask(json!({})), "n down enter", Some(no("Not now."))),
        (
            ask(json!({})),
            "n up enter",
            Some(no("Explain why this is needed first.")),
        ),
        (
            ask(json!({})),
            "n down down up backspace ! enter",
            Some(no("Not now!")),
        ),
        (
            ask(json!({})),
            "n tab enter",
            Some(
                json!({"approval_id": "a1", "decision": "deny", "comment": "Denied by the user.",
                "interrupt": true}),
            ),
        ),
        (
            ask(json!({"source": "mcp"})),
            "n tab enter",
            Some(no("Denied by the user.")),
        ),
        (
            ask(refusals.clone()),
            "n down enter",
            Some(json!({"approval_id": "a1", "decision": "deny", "option": "now"})),
        ),
        (
            ask(refusals.clone()),
            "n down down ! enter",
            Some(
                json!({"approval_id": "a1", "decision": "deny", "option": "later", "comment": "wait!"}),
            ),
        ),
        (ask(refusals), "n x enter", Some(no("x"))),
        // Edits.
        (ask(json!({})), "e enter y", Some(yes.clone())),
        (ask(json!({})), "e ! enter n esc enter", None),
        (
            ask(json!({})),
            "e ! enter esc ? enter y",
            Some(json!({"approval_id": "a1", "decision": "approve",
                "updated_input": {"command": "cargo test --workspace!?", "description": "Run the tests"}})),
        ),
        (
            ask(json!({})),
            "e ! enter y",
            Some(json!({"approval_id": "a1", "decision": "approve",
                "updated_input": {"command": "cargo test --workspace!", "description": "Run the tests"}})),
        ),
        (
            ask(
                json!({"tool_name": "Write", "tool_input": {"file_path": "a", "content": "x\r\ny\r\n"}}),
            ),
            "e z tab b enter y",
            Some(json!({"approval_id": "a1", "decision": "approve",
                "updated_input": {"file_path": "ab", "content": "zx\r\ny\r\n"}})),
        ),
        (
            ask(json!({"tool_name": "Task", "tool_input": {"n": 1}})),
            "e { enter y",
            None,
        ),
        (ask(json!({"source": "mcp"})), "e enter", None),
        // What lasts.
        (suggested(), "a y", Some(lasting(json!([rule])))),
        (suggested(), "a 2 y", Some(lasting(json!([rule, mode])))),
        (suggested(), "a 1 2 y", Some(lasting(json!([mode])))),
        (suggested(), "a left y", Some(lasting(json!([here])))),
        (suggested(), "a right y", Some(lasting(json!([everywhere])))),
        (suggested(), "a space y", Some(yes.clone())),
        (ask(json!({})), "a enter", None),
        (ask(json!({"source": "mcp"})), "a enter", None),
        (only("setMode"), "a y", Some(yes.clone())),
        (only("setMode"), "a 1 y", Some(lasting(json!([only_mode])))),
        (only("addDirectories"), "a y", Some(yes.clone())),
        // Questions.
        (
            one_question(),
            "y 2 enter",
            Some(answered(json!({"Which?": "y"}))),
        ),
        (
            one_question(),
            "1 enter down enter",
            Some(answered(json!({"Which?": "y"}))),
        ),
        (
            one_question(),
            "y 3 n o enter",
            Some(answered(json!({"Which?": "no"}))),
        ),
        (one_question(), "y 3 enter", None),
        (
            one_question(),
            "y 3 n 1 tab enter",
            Some(answered(json!({"Which?": "n1"}))),
        ),
        (
            two_questions(),
            "y 1 enter 3 1 enter enter",
            Some(answered(json!({"Which?": "x", "What else?": "p, r"}))),
        ),
        (
            two_questions(),
            "y 2 enter 1 4 z enter enter",
            Some(answered(json!({"Which?": "y", "What else?": "p, z"}))),
        ),
        (two_questions(), "y tab tab enter", None),
        (
            two_questions(),
            "y 2 esc y enter 1 enter enter",
            Some(answered(json!({"Which?": "y", "What else?": "p"}))),
        ),
        (
            ask(json!({"kind": "question", "tool_name": "AskUserQuestion", "tool_input": {}})),
            "y enter",
            None,
        ),
        // Messages.
        (
            contact(json!([])),
            "y o k enter",
            Some(json!({"approval_id": "a1", "decision": "respond", "comment": "ok"})),
        ),
        (contact(json!([])), "y enter", None),
        (contact(json!([])), "n enter", None),
        (
            contact(options.clone()),
            "y down enter",
            Some(json!({"approval_id": "a1", "decision": "respond", "option": "now"})),
        ),
        (
            contact(options),
            "y up ! enter",
            Some(
                json!({"approval_id": "a1", "decision": "respond", "option": "later", "comment": "wait!"}),
            ),
        ),
        // Plans, and the whole question.
        (
            ask(
                json!({"kind": "plan", "tool_name": "ExitPlanMode", "tool_input": {"plan": "# P"}}),
            ),
            "v y",
            Some(yes.clone()),
        ),
        (ask(json!({})), "v n x enter", Some(no("x"))),
        (ask(json!({})), "v / y enter esc", None),
        (ask(json!({})), "1 enter y", Some(yes)),
    ];
    for (asked, keys, expected) in cases {
        let expected: Vec<Value> = expected.into_iter().collect();
        assert_eq!(sends(asked.clone(), keys), expected, "{keys}: {asked}");
    }
}

#[test]
fn accepting_a_plan_can_accept_its_edits_too() {
    let plan =
        ask(json!({"kind": "plan", "tool_name": "ExitPlanMode", "tool_input": {"plan": "# P"}}));
    let effects = tui(&[plan]).keys("a y");
    let Some(Effect::Settings(settings)) = effects.first() else {
        panic!("nothing is set: {effects:?}");
    };
    assert_eq!(
        (settings.session_id.as_str(), settings.auto_accept_edits),
        ("s1", Some(true))
    );
    assert_eq!(
        sent(&effects),
        [json!({"approval_id": "a1", "decision": "approve"})]
    );
}

#[test]
fn the_dangerous_is_confirmed_by_a_second_key_which_is_another_one() {
    let asked = ask(json!({"tool_input": {"command": "rm -rf x"}}));
    let approved = [json!({"approval_id": "a1", "decision": "approve"})];
    // Neither the key that led to the dialog, nor any other than the one it names.
    for keys in ["y y", "y enter", "y Y y enter", "y ! n", "y esc !"] {
        let keys = keys.replace("y ! n", "y n");
        assert_eq!(sends(asked.clone(), &keys), [] as [Value; 0], "{keys}");
    }
    let mut dashboard = tui(std::slice::from_ref(&asked));
    // The dialog must have been on the screen, and as long as anything that is decided.
    assert_eq!(sent(&dashboard.press("y")), [] as [Value; 0]);
    assert_eq!(sent(&dashboard.press("!")), [] as [Value; 0]);
    dashboard.draw();
    assert_eq!(sent(&dashboard.tap("!")), [] as [Value; 0]);
    assert_eq!(sent(&dashboard.press("!")), approved);
    assert!(dashboard.screen().contains("approving…"));
    // What is edited into something dangerous, and what is always allowed, is dangerous too.
    let mut lasting = asked.clone();
    lasting["permission_suggestions"] = json!([{"type": "addRules", "behavior": "allow",
        "rules": [{"toolName": "Bash", "ruleContent": "rm:*"}], "destination": "localSettings"}]);
    assert_eq!(sends(lasting.clone(), "a y y"), [] as [Value; 0]);
    assert_eq!(sends(lasting, "a y !").len(), 1);
    let harmless = ask(json!({"tool_input": {"command": "rm -r"}}));
    let dangerous = "e f space x enter y";
    assert_eq!(sends(harmless.clone(), dangerous), [] as [Value; 0]);
    assert_eq!(sends(harmless, &format!("{dangerous} !")).len(), 1);
    let mut dashboard = tui(&[asked]);
    dashboard.app.preferences.confirm_dangerous = false;
    assert_eq!(sent(&dashboard.keys("y")), approved);
}

#[test]
fn what_comes_back_from_the_editor_is_shown_before_it_is_sent() {
    let mut tui = tui(&[ask(json!({}))]);
    let effects = tui.keys("e ctrl-g");
    let Some(Effect::Editor {
        purpose,
        text,
        extension,
    }) = effects.last()
    else {
        panic!("no editor: {effects:?}");
    };
    assert_eq!(
        (text.as_str(), *extension),
        ("cargo test --workspace", "sh")
    );
    let effects = tui.tell(Msg::Done(EffectResult::Edited {
        purpose: purpose.clone(),
        text: Ok("cargo test --doc\n".to_owned()),
    }));
    assert_eq!(sent(&effects), [] as [Value; 0]);
    let screen = tui.screen();
    assert!(
        screen.contains("- cargo test --workspace") && screen.contains("+ cargo test --doc"),
        "{screen}"
    );
    let updated = json!({"command": "cargo test --doc", "description": "Run the tests"});
    assert_eq!(
        sent(&tui.keys("y")),
        [json!({"approval_id": "a1", "decision": "approve", "updated_input": updated})]
    );
}

#[test]
fn an_edit_stays_when_its_question_ends_and_nothing_is_sent() {
    let mut tui = tui(&[ask(json!({}))]);
    tui.keys("e x");
    let gone = ask(json!({"outcome": "withdrawn", "status": "resolved"}));
    tui.approval_event("approval_resolved", &gone);
    tui.draw();
    assert_eq!(sent(&tui.keys("enter y")), [] as [Value; 0]);
    assert!(tui.screen().contains("no longer pending"));
    let effects = tui.keys("ctrl-g");
    assert!(matches!(
        effects.last(),
        Some(Effect::Editor { text, purpose: Purpose::Input { .. }, .. }) if text.ends_with('x')
    ));
}

fn crowd() -> Vec<Value> {
    vec![
        approval("a1", "s1", json!({})),
        approval("a2", "s2", json!({"tool_input": {"command": "rm -rf x"}})),
        approval(
            "a3",
            "s2",
            json!({"tool_name": "Write", "tool_input": {"file_path": "b", "content": ""}}),
        ),
        approval(
            "a4",
            "s1",
            json!({"kind": "question", "tool_name": "AskUserQuestion"}),
        ),
        approval(
            "a5",
            "s1",
            json!({"kind": "contact", "tool_name": "contact_human"}),
        ),
        approval(
            "a6",
            "s1",
            json!({"kind": "plan", "tool_name": "ExitPlanMode"}),
        ),
    ]
}

fn ids(sent: &[Value]) -> Vec<&str> {
    sent.iter()
        .map(|params| params["approval_id"].as_str().unwrap())
        .collect()
}

#[test]
fn many_are_decided_one_by_one_and_only_what_was_listed() {
    let cases = [
        ("Y y", "approve", vec!["a1", "a3"]),
        ("Y n", "", vec![]),
        ("N enter", "deny", vec!["a1", "a2", "a3"]),
        ("1 j space space Y y", "approve", vec!["a3"]),
        ("1 / w r i t e enter Y y", "approve", vec!["a3"]),
    ];
    for (keys, decision, expected) in cases {
        let sent = sent(&tui(&crowd()).keys(keys));
        assert_eq!(ids(&sent), expected, "{keys}");
        assert!(
            sent.iter().all(|params| params["decision"] == decision),
            "{keys}"
        );
    }
    let reasons = sent(&tui(&crowd()).keys("N n o enter"));
    assert!(
        reasons.iter().all(|params| params["comment"] == "no"),
        "{reasons:?}"
    );
}

#[test]
fn a_batch_says_what_will_happen_and_afterwards_what_did() {
    let mut tui = tui(&crowd());
    tui.keys("Y");
    let screen = tui.screen();
    assert!(screen.contains("Approve 2: 1 Bash, 1 Write"), "{screen}");
    assert!(screen.contains("skipped: 1 dangerous"), "{screen}");
    tui.keys("y");
    for (id, outcome) in [("a1", "approved"), ("a3", "approved")] {
        assert!(!tui.screen().contains("approved 2"));
        let gone = approval(id, "s1", json!({"outcome": outcome, "status": outcome}));
        tui.approval_event("approval_resolved", &gone);
    }
    let screen = tui.screen();
    let skipped = crowd().len() - 2;
    let report = format!("approved 2, skipped {skipped}");
    assert!(screen.contains(&report), "{report}: {screen}");
}

#[test]
fn a_batch_reports_what_others_decided_first() {
    let mut tui = tui(&crowd()[..1]);
    tui.keys("Y y");
    let gone = approval("a1", "s1", json!({"outcome": "denied", "status": "denied"}));
    tui.approval_event("approval_resolved", &gone);
    assert!(tui.screen().contains("approved 0, not decided: 1"));
}

#[test]
fn a_batch_approves_only_texts_that_it_has_shown_whole() {
    let command = |lines: usize| -> String { (0..lines).map(|n| format!("echo {n}\n")).collect() };
    let asked: Vec<Value> = (0..8)
        .map(|number| {
            let lines = if number == 7 { 40 } else { 8 };
            approval(
                &format!("a{number}"),
                "s1",
                json!({"tool_input": {"command": command(lines)}}),
            )
        })
        .collect();
    let mut tui = TuiHarness::new((80, 24), &[session("s1", json!({}))], &asked);
    tui.keys("Y");
    assert!(tui.screen().contains("1 longer than shown"));
    let mut pages = 0;
    let decided = loop {
        let effects = tui.keys("y");
        if !sent(&effects).is_empty() {
            break sent(&effects);
        }
        pages += 1;
        assert!(pages < 20, "the list has an end");
    };
    assert!(pages >= 3, "all pages were shown first: {pages}");
    assert_eq!(ids(&decided), ["a0", "a1", "a2", "a3", "a4", "a5", "a6"]);
}

#[test]
fn a_request_that_changes_while_the_batch_is_open_is_not_approved() {
    let mut tui = tui(&crowd());
    tui.keys("Y");
    let mut changed = crowd()[0].clone();
    changed["tool_input"] = json!({"command": "curl evil"});
    tui.approval_event("new_approval", &changed);
    tui.draw();
    assert_eq!(ids(&sent(&tui.keys("y"))), ["a3"]);
}

#[test]
fn what_arrives_while_the_summary_is_open_is_not_in_it() {
    let mut tui = tui(&crowd()[..1]);
    tui.keys("Y");
    tui.approval_event("new_approval", &crowd()[2]);
    tui.approval_event("new_approval", &approval("a9", "s1", json!({})));
    tui.draw();
    assert_eq!(ids(&sent(&tui.keys("y"))), ["a1"]);
}

#[test]
fn a_summary_that_was_not_drawn_sends_nothing() {
    let mut tui = tui(&crowd());
    tui.press("Y");
    assert_eq!(sent(&tui.press("y")), [] as [Value; 0]);
    assert!(matches!(tui.app.form, Some(Form::Batch(_))));
    tui.draw();
    assert_eq!(sent(&tui.tap("y")), [] as [Value; 0], "nor one just drawn");
    assert_eq!(sent(&tui.press("y")).len(), 2);
}

#[test]
fn pasted_text_goes_into_the_field_that_is_open() {
    for (asked, keys, after, field) in [
        (ask(json!({})), "n", "enter", "comment"),
        (contact(json!([])), "y", "enter", "comment"),
    ] {
        let mut tui = tui(&[asked]);
        tui.keys(keys);
        let effects = tui.tell(Msg::Paste("two\r\nlines".to_owned()));
        assert_eq!(sent(&effects), [] as [Value; 0]);
        assert_eq!(sent(&tui.keys(after))[0][field], "two\nlines");
    }
    let mut tui = tui(&[one_question()]);
    tui.keys("y");
    tui.tell(Msg::Paste("mine".to_owned()));
    assert_eq!(
        sent(&tui.keys("enter"))[0]["answers"],
        json!({"Which?": "mine"})
    );
}

#[test]
fn the_card_is_copied_as_it_is_seen() {
    let asked = [ask(json!({"tool_input": {"command": "ls \u{202e}x"}}))];
    let effects = tui(&asked).keys("1 ctrl-y");
    assert_eq!(effects, [Effect::Copy("ls \\u{202e}x".to_owned())]);
}

#[test]
fn five_hundred_are_denied_at_once_and_approved_as_far_as_they_were_read() {
    let asked: Vec<Value> = (0..500)
        .map(|n| {
            approval(
                &format!("a{n:03}"),
                "s1",
                json!({"tool_input": {"command": format!("echo {n}")}}),
            )
        })
        .collect();
    let mut tui = tui(&asked);
    tui.keys("1 G");
    assert!(tui.screen().contains("echo 499"));
    tui.keys("Y");
    assert!(tui.screen().contains("300 beyond the first 200"));
    let decided = loop {
        let decided = sent(&tui.keys("y"));
        if !decided.is_empty() {
            break decided;
        }
    };
    assert_eq!(decided.len(), 200);
    assert!(tui.screen().contains("Approving 200…"));
    tui.keys("N");
    assert_eq!(sent(&tui.keys("enter")).len(), 300);
}
