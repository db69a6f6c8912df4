//! Decision keys: what they are about, when they count, and what they send.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
use std::time::Duration;

use ratatui::text::Line;
use serde_json::{Value, json};

use super::*;
use crate::tui::msg::{EffectResult, Failure};
use crate::tui::state::Pane;
use crate::tui::testing::{TuiHarness, approval, session};

fn two() -> TuiHarness {
    let sessions = [session("s1", json!({})), session("s2", json!({}))];
    let asked = [
        approval("a1", "s1", json!({})),
        approval("a2", "s2", json!({"created_at": "2026-03-01T11:59:10Z"})),
    ];
    TuiHarness::new((140, 40), &sessions, &asked)
}

fn decided(effects: &[Effect]) -> Vec<(&str, &str)> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Decide(params) => {
                let decision = match &params.decision {
                    Decision::Approve { .. } => "approve",
                    Decision::Deny { .. } => "deny",
                    Decision::Answer { .. } | Decision::Respond { .. } => "respond",
                };
                Some((params.approval_id.as_str(), decision))
            }
            _ => None,
        })
        .collect()
}

#[test]
fn yes_is_about_the_oldest_as_it_is_the_selected_one() {
    let mut tui = two();
    let effects = tui.press("y");
    assert_eq!(decided(&effects), [("a1", "approve")]);
    assert!(tui.screen().contains("approving"), "said while on its way");
}

#[test]
fn a_second_press_before_the_answer_sends_nothing() {
    let mut tui = two();
    tui.press("y");
    assert_eq!(decided(&tui.press("y")), []);
}

#[test]
fn what_another_client_decides_takes_the_panel_away_and_puts_no_other_one_there() {
    let mut tui = two();
    let gone = approval("a1", "s1", json!({"outcome": "denied", "status": "denied"}));
    tui.approval_event("approval_resolved", &gone);
    assert_eq!(decided(&tui.press("y")), [], "of the frame before");
    assert!(tui.screen().contains("already resolved: denied"));
    assert_eq!(tui.shown_approval(), None);
    assert_eq!(decided(&tui.press("y")), []);
    let screen = tui.screen();
    assert!(
        screen.contains("1 other approval pending (ctrl-n)"),
        "{screen}"
    );
    assert_eq!(decided(&tui.keys("ctrl-n y")), [("a2", "approve")]);
}

#[test]
fn the_keys_stay_in_the_inbox_when_somebody_else_decides() {
    let sessions = ["s1", "s2", "s3"].map(|id| session(id, json!({})));
    let asked = [("a1", "s1"), ("a2", "s2"), ("a3", "s3")];
    let asked = asked.map(|(id, session)| approval(id, session, json!({})));
    let gone = |id: &str, session: &str| {
        approval(
            id,
            session,
            json!({"outcome": "denied", "status": "denied"}),
        )
    };
    let mut tui = TuiHarness::new((140, 40), &sessions, &asked);
    tui.keys("1 j");
    assert_eq!(tui.shown_approval(), Some("a2"));
    tui.approval_event("approval_resolved", &gone("a2", "s2"));
    tui.draw();
    assert_eq!(tui.app.focus, Pane::Inbox);
    assert_eq!(
        tui.shown_approval(),
        None,
        "nothing else comes under the keys"
    );
    assert_eq!(decided(&tui.keys("y")), []);
    // Down is what stood behind the one that is gone, up what stood before it.
    tui.keys("j");
    assert_eq!(
        (tui.app.focus, tui.shown_approval()),
        (Pane::Inbox, Some("a3"))
    );
    tui.approval_event("approval_resolved", &gone("a3", "s3"));
    tui.keys("k");
    assert_eq!(
        (tui.app.focus, tui.shown_approval()),
        (Pane::Inbox, Some("a1"))
    );
    tui.approval_event("approval_resolved", &gone("a1", "s1"));
    tui.draw();
    assert_eq!(tui.app.focus, Pane::Sessions, "there is no inbox any more");
}

#[test]
fn what_the_filter_leaves_out_does_not_come_under_the_keys() {
    let sessions = ["s1", "s2", "s3"].map(|id| session(id, json!({})));
    let asked = [
        ("a1", "s1", "touch apple"),
        ("a2", "s2", "touch pear"),
        ("a3", "s3", "touch apples"),
    ];
    let asked = asked.map(|(id, session, command)| {
        approval(id, session, json!({"tool_input": {"command": command}}))
    });
    let mut tui = TuiHarness::new((140, 40), &sessions, &asked);
    tui.keys("1 /");
    tui.type_in("apple");
    tui.keys("enter");
    let after = |tui: &TuiHarness| tui.app.inbox.after(&tui.app.data, "s1", 1);
    assert_eq!(after(&tui).as_deref(), Some("a1"));
    tui.app.inbox.sending.insert("a1".to_owned(), "approving");
    assert_eq!(after(&tui).as_deref(), Some("a3"));
    tui.app.inbox.sending.insert("a3".to_owned(), "approving");
    assert_eq!(after(&tui), None);
    // Where nothing matches there is no filter behind which something could be decided.
    tui.keys("1 /");
    tui.type_in("zzz");
    tui.keys("enter");
    assert_eq!(tui.app.inbox.filter, "");
    let screen = tui.screen();
    assert!(
        screen.contains("Nothing pending matches applezzz"),
        "{screen}"
    );
}

#[test]
fn what_another_session_asks_is_not_under_the_keys() {
    let sessions = [session("s1", json!({})), session("s2", json!({}))];
    let mut tui = TuiHarness::new((140, 40), &sessions, &[]);
    tui.keys("3");
    let open = tui.app.sessions.selected.clone().unwrap();
    let other = if open == "s1" { "s2" } else { "s1" };
    tui.approval_event("new_approval", &approval("a1", other, json!({})));
    let screen = tui.screen();
    assert!(!screen.contains("Allow Bash"), "{screen}");
    assert!(
        screen.contains("1 other approval pending (ctrl-n)"),
        "{screen}"
    );
    for key in ["y", "n", "e", "a", "U", "v"] {
        assert_eq!(decided(&tui.keys(key)), [], "{key}");
        assert!(tui.app.form.is_none(), "{key}");
    }
    assert_eq!(tui.app.sessions.selected.as_ref(), Some(&open));
    // Its own question has a panel, and the other one's stays where it is.
    tui.approval_event("new_approval", &approval("a2", &open, json!({})));
    assert!(tui.screen().contains("Allow Bash in ~/src/api?"));
    assert_eq!(decided(&tui.press("y")), [("a2", "approve")]);
}

#[test]
fn two_quick_presses_approve_one() {
    let mut tui = two();
    assert_eq!(decided(&tui.press("y")), [("a1", "approve")]);
    let done = approval(
        "a1",
        "s1",
        json!({"outcome": "approved", "status": "approved"}),
    );
    tui.approval_event("approval_resolved", &done);
    tui.draw();
    assert_eq!(
        tui.shown_approval(),
        Some("a2"),
        "the next, with its conversation"
    );
    assert_eq!(tui.app.sessions.selected.as_deref(), Some("s2"));
    tui.wait(Duration::from_millis(200));
    assert_eq!(decided(&tui.tap("y")), []);
    assert!(tui.screen().contains("Just changed: press again"));
    tui.wait(Duration::from_millis(199));
    assert_eq!(decided(&tui.tap("y")), []);
    tui.wait(Duration::from_millis(151));
    assert_eq!(decided(&tui.tap("y")), [("a2", "approve")]);
}

#[test]
fn a_key_that_is_held_down_decides_nothing() {
    let mut tui = two();
    tui.wait(Duration::from_secs(1));
    assert_eq!(decided(&tui.repeat("y")), []);
    assert_eq!(decided(&tui.press("y")), [("a1", "approve")]);
    let done = approval(
        "a1",
        "s1",
        json!({"outcome": "approved", "status": "approved"}),
    );
    tui.approval_event("approval_resolved", &done);
    for _ in 0..100 {
        tui.draw();
        tui.wait(Duration::from_millis(33));
        assert_eq!(decided(&tui.tap("y")), []);
    }
    assert_eq!(decided(&tui.press("y")), [("a2", "approve")]);
}

#[test]
fn a_yes_to_a_long_text_first_shows_the_rest_of_it() {
    let lines: String = (1..=62)
        .map(|n| format!("echo line-{n:02}-end\n"))
        .collect();
    for size in [(140, 40), (80, 24), (40, 15)] {
        let asked = [approval(
            "a1",
            "s1",
            json!({"tool_input": {"command": &lines}}),
        )];
        let mut tui = TuiHarness::new(size, &[session("s1", json!({}))], &asked);
        let mut seen = std::collections::BTreeSet::new();
        let mut pages = 0;
        loop {
            let screen = tui.screen();
            seen.extend((1..=62).filter(|n| screen.contains(&format!("line-{n:02}-end"))));
            let effects = tui.press("y");
            if !effects.is_empty() {
                assert_eq!(decided(&effects), [("a1", "approve")]);
                break;
            }
            pages += 1;
            assert!(pages < 40, "{screen}");
            assert!(screen.contains("next page"), "{screen}");
        }
        assert_eq!(seen.len(), 62, "{size:?}");
        assert!(pages > 0);
    }
}

#[test]
fn a_very_long_text_is_approved_unread_by_a_key_of_its_own_and_the_record_says_so() {
    let lines: String = (1..=300).map(|n| format!("echo {n}\n")).collect();
    let asked = [approval(
        "a1",
        "s1",
        json!({"tool_input": {"command": lines}}),
    )];
    let mut tui = TuiHarness::new((140, 40), &[session("s1", json!({}))], &asked);
    assert!(tui.screen().contains("lines not read"), "{}", tui.screen());
    assert_eq!(decided(&tui.keys("y")), []);
    assert_eq!(decided(&tui.keys("e a")), []);
    assert!(tui.app.form.is_none(), "nor is it approved in another way");
    let effects = tui.keys("U");
    let Some(Effect::Decide(params)) = effects.first() else {
        panic!("{effects:?}");
    };
    assert!(is_noted_as_unread(params), "{params:?}");
    // Not a short one.
    let lines: String = (1..=60).map(|n| format!("echo {n}\n")).collect();
    let asked = [approval(
        "a1",
        "s1",
        json!({"tool_input": {"command": lines}}),
    )];
    let mut tui = TuiHarness::new((140, 40), &[session("s1", json!({}))], &asked);
    assert_eq!(decided(&tui.keys("U")), []);
    assert!(
        tui.screen().contains("more than 200 lines"),
        "{}",
        tui.screen()
    );
}

/// An agent chooses these as freely as the input itself.
#[test]
fn whatever_part_of_a_request_is_endless_the_panel_lays_out_a_little_of_it_and_takes_no_plain_yes()
{
    let long = "word ".repeat(80_000);
    let options: Vec<Value> = (0..150_000)
        .map(|n| json!({"name": format!("option-{n}")}))
        .collect();
    let labels: Vec<Value> = (0..100_000)
        .map(|n| json!({"label": n.to_string()}))
        .collect();
    let asked: Vec<Value> = (0..100_000)
        .map(|n| json!({"question": n.to_string(), "options": ["a", "b"]}))
        .collect();
    let fields: Value = (0..100_000)
        .map(|n| (n.to_string(), json!({"a": []})))
        .collect();
    for changes in [
        json!({"tool_input": {"command": long}}),
        json!({"description": long}),
        json!({"decision_reason": long}),
        json!({"blocked_path": long}),
        json!({"agent_id": "a", "call_id": long}),
        json!({"options": options}),
        json!({"tool_name": format!("mcp__x__{long}")}),
        json!({"asker": long}),
        json!({"asker": long, "kind": "contact"}),
        json!({"tool_name": "mcp__x__y", "tool_input": fields}),
        json!({"tool_name": "mcp__x__y", "tool_input": {"list": vec![json!({"a": 1}); 100_000]}}),
        json!({"tool_name": "AskUserQuestion", "tool_input": {"questions": asked}}),
        json!({"tool_name": "AskUserQuestion",
            "tool_input": {"questions": [{"question": "Which?", "options": labels}]}}),
        json!({"channel": {"slack": {"channel_or_user_id": long}}}),
        json!({"sdk_state": {"text": long}}),
        json!({"tool_name": "Write", "tool_input": {"file_path": format!("/{long}"), "content": "x"}}),
    ] {
        let field: Vec<String> = changes.as_object().unwrap().keys().cloned().collect();
        let asked = [approval("a1", "s1", changes)];
        let mut tui = TuiHarness::new((80, 24), &[session("s1", json!({}))], &asked);
        let screen = tui.screen();
        let laid = &tui.app.card.laid;
        // A screen has 24: what is laid out at once is some hundred of them, however little each holds.
        assert!(laid.rows.len() < 2_500, "{field:?}: {}", laid.rows.len());
        assert!(
            laid.left_out.bytes() > 100_000,
            "{field:?}: {:?}",
            laid.left_out
        );
        let says_more = |row: &Line<'_>| row.to_string().ends_with(" more");
        assert!(laid.rows.iter().any(says_more), "{field:?}");
        let title = screen
            .lines()
            .find(|line| line.contains("Allow ") || line.contains("Question from"));
        assert!(title.is_some(), "{field:?}: {screen}");
        assert_eq!(decided(&tui.keys("y y y")), [], "{field:?}");
    }
}

#[test]
fn a_tools_name_that_the_title_has_no_room_for_is_read_before_a_yes() {
    let name = format!("mcp__files__{}_and_lists_them", "a".repeat(90));
    let asked = [approval(
        "a1",
        "s1",
        json!({"tool_name": name, "tool_input": {}}),
    )];
    let mut tui = TuiHarness::new((80, 24), &[session("s1", json!({}))], &asked);
    let screen = tui.screen();
    assert!(
        screen.contains("Tool:") && screen.contains("_and_lists_them"),
        "{screen}"
    );
    assert_eq!(decided(&tui.press("y")), [("a1", "approve")]);
}

fn is_noted_as_unread(params: &SendDecisionParams) -> bool {
    matches!(&params.decision, Decision::Approve { comment: None, unread_lines: Some(lines), .. }
        if *lines > 0)
}

#[test]
fn on_a_tiny_screen_what_was_not_drawn_is_not_approved() {
    let command = "echo first && touch /tmp/second && echo third-and-last";
    let asked = [approval(
        "a1",
        "s1",
        json!({"tool_input": {"command": command}}),
    )];
    let mut tui = TuiHarness::new((20, 6), &[session("s1", json!({}))], &asked);
    let mut seen = String::new();
    for _ in 0..40 {
        let screen = tui.screen();
        seen.push_str(&screen);
        let effects = tui.press("y");
        if !effects.is_empty() {
            assert!(seen.contains("last"), "{seen}");
            return;
        }
    }
    panic!("it can be approved after all of it was shown:\n{seen}");
}

#[test]
fn what_comes_later_never_takes_the_selection() {
    let mut tui = two();
    tui.keys("1 j");
    assert_eq!(tui.shown_approval(), Some("a2"));
    let later = approval("a3", "s1", json!({}));
    tui.approval_event("new_approval", &later);
    tui.draw();
    assert_eq!(decided(&tui.press("y")), [("a2", "approve")]);
}

#[test]
fn a_sessions_first_question_has_a_panel_as_it_arrives() {
    let mut tui = TuiHarness::new((80, 24), &[session("s1", json!({}))], &[]);
    assert_eq!(decided(&tui.press("y")), []);
    tui.approval_event("new_approval", &approval("a1", "s1", json!({})));
    tui.draw();
    assert_eq!(decided(&tui.press("y")), [("a1", "approve")]);
}

#[test]
fn of_several_the_oldest_is_shown_and_the_others_are_a_step_away() {
    let asked: Vec<_> = (1..=3)
        .map(|n| approval(&format!("a{n}"), "s1", json!({})))
        .collect();
    let mut tui = TuiHarness::new((140, 40), &[session("s1", json!({}))], &asked);
    let screen = tui.screen();
    assert!(
        screen.contains("1 of 3 in this session (ctrl-n)"),
        "{screen}"
    );
    assert_eq!(tui.shown_approval(), Some("a1"));
    tui.keys("ctrl-n");
    assert!(tui.screen().contains("2 of 3 in this session"));
    assert_eq!(decided(&tui.press("y")), [("a2", "approve")]);
    tui.keys("ctrl-b ctrl-b");
    assert_eq!(tui.shown_approval(), Some("a3"), "around the end");
}

#[test]
fn no_asks_for_the_reason_and_esc_takes_it_back() {
    let mut tui = two();
    tui.keys("n");
    tui.type_in("not on main");
    let effects = tui.press("esc");
    assert_eq!(decided(&effects), []);
    tui.draw();
    tui.keys("n");
    tui.type_in("not on main");
    let effects = tui.press("enter");
    assert_eq!(decided(&effects), [("a1", "deny")]);
    let Some(Effect::Decide(params)) = effects.first() else {
        panic!("nothing is decided");
    };
    assert_eq!(params.decision, Decision::deny("not on main"));
}

#[test]
fn a_paste_decides_nothing() {
    let mut tui = two();
    let effects = tui.tell(crate::tui::msg::Msg::Paste("yyyy".to_owned()));
    assert_eq!(decided(&effects), []);
}

#[test]
fn what_was_typed_for_a_decision_that_is_refused_is_there_again() {
    let refused = |tui: &mut TuiHarness| {
        let done = EffectResult::Decided {
            id: "a1".to_owned(),
            answer: Err(Failure::NotDone(
                "this caller is not proven to be a person".to_owned(),
            )),
        };
        tui.tell(crate::tui::msg::Msg::Done(done));
        tui.draw();
        assert!(tui.screen().contains("not decided"), "{}", tui.screen());
    };
    let mut tui = two();
    tui.keys("n");
    tui.type_in("not on main");
    assert_eq!(decided(&tui.press("enter")), [("a1", "deny")]);
    refused(&mut tui);
    tui.keys("n");
    assert!(tui.screen().contains("not on main"), "{}", tui.screen());
    tui.keys("esc e");
    tui.type_in("edited ");
    tui.keys("enter");
    assert_eq!(decided(&tui.press("y")), [("a1", "approve")]);
    refused(&mut tui);
    tui.keys("e");
    assert!(tui.screen().contains("edited "), "{}", tui.screen());
}

#[test]
fn an_edit_that_is_laid_out_anew_waits_anew() {
    let mut tui = two();
    tui.keys("e enter");
    tui.draw();
    tui.wait(Duration::from_secs(1));
    tui.resize((80, 24));
    tui.wait(Duration::from_secs(1));
    tui.draw();
    assert_eq!(decided(&tui.tap("y")), [], "just drawn");
    tui.wait(Duration::from_secs(1));
    assert_eq!(decided(&tui.tap("y")), [("a1", "approve")]);
}

#[test]
fn what_cannot_be_done_with_a_request_is_said_with_the_reason() {
    let contact = json!({"kind": "contact", "source": "local_api", "tool_name": "contact_human",
        "tool_input": {"message": "Which port?"}});
    let sessions = [session("s1", json!({}))];
    let mut tui = TuiHarness::new((140, 40), &sessions, &[approval("a1", "s1", contact)]);
    assert_eq!(decided(&tui.press("n")), []);
    let screen = tui.screen();
    assert!(
        screen.contains("this request can't be denied, only answered"),
        "{screen}"
    );
}
