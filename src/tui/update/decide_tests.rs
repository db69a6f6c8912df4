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
use crate::tui::msg::{Done, Failure};
use crate::tui::state::Pane;
use crate::tui::testing::{Rig, approval, session};

fn two() -> Rig {
    let sessions = [session("s1", json!({})), session("s2", json!({}))];
    let asked = [
        approval("a1", "s1", json!({})),
        approval("a2", "s2", json!({"created_at": "2026-03-01T11:59:10Z"})),
    ];
    Rig::new((140, 40), &sessions, &asked)
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
    let mut rig = two();
    let effects = rig.press("y");
    assert_eq!(decided(&effects), [("a1", "approve")]);
    assert!(rig.screen().contains("approving"), "said while on its way");
}

#[test]
fn a_second_press_before_the_answer_sends_nothing() {
    let mut rig = two();
    let _ = rig.press("y");
    assert_eq!(decided(&rig.press("y")), []);
}

#[test]
fn what_another_client_decides_takes_the_panel_away_and_puts_no_other_one_there() {
    let mut rig = two();
    let gone = approval("a1", "s1", json!({"outcome": "denied", "status": "denied"}));
    let _ = rig.approval_event("approval_resolved", &gone);
    assert_eq!(decided(&rig.press("y")), [], "of the frame before");
    assert!(rig.screen().contains("already resolved: denied"));
    assert_eq!(rig.shown_approval(), None);
    assert_eq!(decided(&rig.press("y")), []);
    let screen = rig.screen();
    assert!(
        screen.contains("1 other approval pending (ctrl-n)"),
        "{screen}"
    );
    assert_eq!(decided(&rig.keys("ctrl-n y")), [("a2", "approve")]);
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
    let mut rig = Rig::new((140, 40), &sessions, &asked);
    let _ = rig.keys("1 j");
    assert_eq!(rig.shown_approval(), Some("a2"));
    let _ = rig.approval_event("approval_resolved", &gone("a2", "s2"));
    rig.draw();
    assert_eq!(rig.app.focus, Pane::Inbox);
    assert_eq!(
        rig.shown_approval(),
        None,
        "nothing else comes under the keys"
    );
    assert_eq!(decided(&rig.keys("y")), []);
    // Down is what stood behind the one that is gone, up what stood before it.
    let _ = rig.keys("j");
    assert_eq!(
        (rig.app.focus, rig.shown_approval()),
        (Pane::Inbox, Some("a3"))
    );
    let _ = rig.approval_event("approval_resolved", &gone("a3", "s3"));
    let _ = rig.keys("k");
    assert_eq!(
        (rig.app.focus, rig.shown_approval()),
        (Pane::Inbox, Some("a1"))
    );
    let _ = rig.approval_event("approval_resolved", &gone("a1", "s1"));
    rig.draw();
    assert_eq!(rig.app.focus, Pane::Sessions, "there is no inbox any more");
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
    let mut rig = Rig::new((140, 40), &sessions, &asked);
    let _ = rig.keys("1 /");
    rig.type_in("apple");
    let _ = rig.keys("enter");
    let after = |rig: &Rig| rig.app.inbox.after(&rig.app.data, "s1", 1);
    assert_eq!(after(&rig).as_deref(), Some("a1"));
    rig.app.inbox.sending.insert("a1".to_owned(), "approving");
    assert_eq!(after(&rig).as_deref(), Some("a3"));
    rig.app.inbox.sending.insert("a3".to_owned(), "approving");
    assert_eq!(after(&rig), None);
    // Where nothing matches there is no filter behind which something could be decided.
    let _ = rig.keys("1 /");
    rig.type_in("zzz");
    let _ = rig.keys("enter");
    assert_eq!(rig.app.inbox.filter, "");
    let screen = rig.screen();
    assert!(
        screen.contains("Nothing pending matches applezzz"),
        "{screen}"
    );
}

#[test]
fn what_another_session_asks_is_not_under_the_keys() {
    let sessions = [session("s1", json!({})), session("s2", json!({}))];
    let mut rig = Rig::new((140, 40), &sessions, &[]);
    let _ = rig.keys("3");
    let open = rig.app.sessions.selected.clone().unwrap();
    let other = if open == "s1" { "s2" } else { "s1" };
    let _ = rig.approval_event("new_approval", &approval("a1", other, json!({})));
    let screen = rig.screen();
    assert!(!screen.contains("Allow Bash"), "{screen}");
    assert!(
        screen.contains("1 other approval pending (ctrl-n)"),
        "{screen}"
    );
    for key in ["y", "n", "e", "a", "U", "v"] {
        assert_eq!(decided(&rig.keys(key)), [], "{key}");
        assert!(rig.app.form.is_none(), "{key}");
    }
    assert_eq!(rig.app.sessions.selected.as_ref(), Some(&open));
    // Its own question has a panel, and the other one's stays where it is.
    let _ = rig.approval_event("new_approval", &approval("a2", &open, json!({})));
    assert!(rig.screen().contains("Allow Bash in ~/src/api?"));
    assert_eq!(decided(&rig.press("y")), [("a2", "approve")]);
}

#[test]
fn two_quick_presses_approve_one() {
    let mut rig = two();
    assert_eq!(decided(&rig.press("y")), [("a1", "approve")]);
    let done = approval(
        "a1",
        "s1",
        json!({"outcome": "approved", "status": "approved"}),
    );
    let _ = rig.approval_event("approval_resolved", &done);
    rig.draw();
    assert_eq!(
        rig.shown_approval(),
        Some("a2"),
        "the next, with its conversation"
    );
    assert_eq!(rig.app.sessions.selected.as_deref(), Some("s2"));
    rig.wait(Duration::from_millis(200));
    assert_eq!(decided(&rig.tap("y")), []);
    assert!(rig.screen().contains("Just changed: press again"));
    rig.wait(Duration::from_millis(199));
    assert_eq!(decided(&rig.tap("y")), []);
    rig.wait(Duration::from_millis(151));
    assert_eq!(decided(&rig.tap("y")), [("a2", "approve")]);
}

#[test]
fn a_key_that_is_held_down_decides_nothing() {
    let mut rig = two();
    rig.wait(Duration::from_secs(1));
    assert_eq!(decided(&rig.repeat("y")), []);
    assert_eq!(decided(&rig.press("y")), [("a1", "approve")]);
    let done = approval(
        "a1",
        "s1",
        json!({"outcome": "approved", "status": "approved"}),
    );
    let _ = rig.approval_event("approval_resolved", &done);
    for _ in 0..100 {
        rig.draw();
        rig.wait(Duration::from_millis(33));
        assert_eq!(decided(&rig.tap("y")), []);
    }
    assert_eq!(decided(&rig.press("y")), [("a2", "approve")]);
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
        let mut rig = Rig::new(size, &[session("s1", json!({}))], &asked);
        let mut seen = std::collections::BTreeSet::new();
        let mut pages = 0;
        loop {
            let screen = rig.screen();
            seen.extend((1..=62).filter(|n| screen.contains(&format!("line-{n:02}-end"))));
            let effects = rig.press("y");
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
    let mut rig = Rig::new((140, 40), &[session("s1", json!({}))], &asked);
    assert!(rig.screen().contains("lines not read"), "{}", rig.screen());
    assert_eq!(decided(&rig.keys("y")), []);
    assert_eq!(decided(&rig.keys("e a")), []);
    assert!(rig.app.form.is_none(), "nor is it approved in another way");
    let effects = rig.keys("U");
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
    let mut rig = Rig::new((140, 40), &[session("s1", json!({}))], &asked);
    assert_eq!(decided(&rig.keys("U")), []);
    assert!(
        rig.screen().contains("more than 200 lines"),
        "{}",
        rig.screen()
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
        let mut rig = Rig::new((80, 24), &[session("s1", json!({}))], &asked);
        let screen = rig.screen();
        let laid = &rig.app.card.laid;
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
        assert_eq!(decided(&rig.keys("y y y")), [], "{field:?}");
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
    let mut rig = Rig::new((80, 24), &[session("s1", json!({}))], &asked);
    let screen = rig.screen();
    assert!(
        screen.contains("Tool:") && screen.contains("_and_lists_them"),
        "{screen}"
    );
    assert_eq!(decided(&rig.press("y")), [("a1", "approve")]);
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
    let mut rig = Rig::new((20, 6), &[session("s1", json!({}))], &asked);
    let mut seen = String::new();
    for _ in 0..40 {
        let screen = rig.screen();
        seen.push_str(&screen);
        let effects = rig.press("y");
        if !effects.is_empty() {
            assert!(seen.contains("last"), "{seen}");
            return;
        }
    }
    panic!("it can be approved after all of it was shown:\n{seen}");
}

#[test]
fn what_comes_later_never_takes_the_selection() {
    let mut rig = two();
    let _ = rig.keys("1 j");
    assert_eq!(rig.shown_approval(), Some("a2"));
    let later = approval("a3", "s1", json!({}));
    let _ = rig.approval_event("new_approval", &later);
    rig.draw();
    assert_eq!(decided(&rig.press("y")), [("a2", "approve")]);
}

#[test]
fn a_sessions_first_question_has_a_panel_as_it_arrives() {
    let mut rig = Rig::new((80, 24), &[session("s1", json!({}))], &[]);
    assert_eq!(decided(&rig.press("y")), []);
    let _ = rig.approval_event("new_approval", &approval("a1", "s1", json!({})));
    rig.draw();
    assert_eq!(decided(&rig.press("y")), [("a1", "approve")]);
}

#[test]
fn of_several_the_oldest_is_shown_and_the_others_are_a_step_away() {
    let asked: Vec<_> = (1..=3)
        .map(|n| approval(&format!("a{n}"), "s1", json!({})))
        .collect();
    let mut rig = Rig::new((140, 40), &[session("s1", json!({}))], &asked);
    let screen = rig.screen();
    assert!(
        screen.contains("1 of 3 in this session (ctrl-n)"),
        "{screen}"
    );
    assert_eq!(rig.shown_approval(), Some("a1"));
    let _ = rig.keys("ctrl-n");
    assert!(rig.screen().contains("2 of 3 in this session"));
    assert_eq!(decided(&rig.press("y")), [("a2", "approve")]);
    let _ = rig.keys("ctrl-b ctrl-b");
    assert_eq!(rig.shown_approval(), Some("a3"), "around the end");
}

#[test]
fn no_asks_for_the_reason_and_esc_takes_it_back() {
    let mut rig = two();
    let _ = rig.keys("n");
    rig.type_in("not on main");
    let effects = rig.press("esc");
    assert_eq!(decided(&effects), []);
    rig.draw();
    let _ = rig.keys("n");
    rig.type_in("not on main");
    let effects = rig.press("enter");
    assert_eq!(decided(&effects), [("a1", "deny")]);
    let Some(Effect::Decide(params)) = effects.first() else {
        panic!("nothing is decided");
    };
    assert_eq!(params.decision, Decision::deny("not on main"));
}

#[test]
fn a_paste_decides_nothing() {
    let mut rig = two();
    let effects = rig.tell(crate::tui::msg::Msg::Paste("yyyy".to_owned()));
    assert_eq!(decided(&effects), []);
}

#[test]
fn what_was_typed_for_a_decision_that_is_refused_is_there_again() {
    let refused = |rig: &mut Rig| {
        let done = Done::Decided {
            id: "a1".to_owned(),
            answer: Err(Failure::NotDone(
                "this caller is not proven to be a person".to_owned(),
            )),
        };
        let _ = rig.tell(crate::tui::msg::Msg::Done(done));
        rig.draw();
        assert!(rig.screen().contains("not decided"), "{}", rig.screen());
    };
    let mut rig = two();
    let _ = rig.keys("n");
    rig.type_in("not on main");
    assert_eq!(decided(&rig.press("enter")), [("a1", "deny")]);
    refused(&mut rig);
    let _ = rig.keys("n");
    assert!(rig.screen().contains("not on main"), "{}", rig.screen());
    let _ = rig.keys("esc e");
    rig.type_in("edited ");
    let _ = rig.keys("enter");
    assert_eq!(decided(&rig.press("y")), [("a1", "approve")]);
    refused(&mut rig);
    let _ = rig.keys("e");
    assert!(rig.screen().contains("edited "), "{}", rig.screen());
}

#[test]
fn an_edit_that_is_laid_out_anew_waits_anew() {
    let mut rig = two();
    let _ = rig.keys("e enter");
    rig.draw();
    rig.wait(Duration::from_secs(1));
    rig.resize((80, 24));
    rig.wait(Duration::from_secs(1));
    rig.draw();
    assert_eq!(decided(&rig.tap("y")), [], "just drawn");
    rig.wait(Duration::from_secs(1));
    assert_eq!(decided(&rig.tap("y")), [("a1", "approve")]);
}
