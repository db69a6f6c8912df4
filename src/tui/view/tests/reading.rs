//! The conversation pane: selecting, copying, searching beside an approval, and the zoom.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::tui::effect::{ConversationPage, Effect};
use crate::tui::forms::Form;
use crate::tui::msg::{EffectResult, Msg, Stream};
use crate::tui::state::Pane;
use crate::tui::testing::{TuiHarness, approval, session};

const SIZES: [(u16, u16); 2] = [(80, 24), (140, 40)];

fn piece(sequence: i64, changes: Value) -> Value {
    let mut piece = json!({"id": sequence, "session_id": "s1", "sequence": sequence,
        "event_type": "message", "role": "assistant", "content": "",
        "created_at": "2026-03-01T11:30:00Z", "is_completed": true});
    if let (Some(fields), Value::Object(changes)) = (piece.as_object_mut(), changes) {
        fields.extend(changes);
    }
    piece
}

fn call(sequence: i64, id: &str, command: &str) -> Value {
    piece(
        sequence,
        json!({"event_type": "tool_call", "content": null, "tool_id": id, "tool_name": "Bash",
            "tool_input_json": json!({"command": command}).to_string()}),
    )
}

/// A session with a conversation in which three calls of one message follow some words; the first is
/// asked about where `asks`.
fn tui(size: (u16, u16), asks: bool) -> TuiHarness {
    let command = json!({"tool_input": {"command": "cargo test -p api"}});
    let asked = [approval("a1", "s1", command)];
    let mut tui = TuiHarness::new(
        size,
        &[
            session("s1", json!({"title": "Fix the login"})),
            session("s2", json!({})),
        ],
        if asks { &asked } else { &[] },
    );
    tui.keys("3");
    let mut pieces: Vec<Value> = (1..=20)
        .map(|at| {
            let words = match at % 4 {
                0 => format!("The needle of paragraph {at}."),
                _ => format!("Some words in paragraph {at}."),
            };
            piece(at, json!({"content": words}))
        })
        .collect();
    pieces.push(piece(21, json!({"content": "I will run three commands."})));
    pieces.push(call(22, "toolu-a1", "cargo test -p api"));
    pieces.push(call(23, "toolu-b", "cargo test -p web"));
    pieces.push(call(24, "toolu-c", "cargo test -p cli"));
    tui.tell(Msg::Done(EffectResult::Page {
        session: "s1".to_owned(),
        page: ConversationPage::Last,
        pieces: Ok(serde_json::from_value(json!({"events": pieces})).unwrap()),
        full: false,
    }));
    tui.draw();
    tui
}

fn decides(effects: &[Effect]) -> bool {
    effects
        .iter()
        .any(|effect| matches!(effect, Effect::Decide(_)))
}

/// The search in the foot of the pane.
fn search_of(tui: &mut TuiHarness) -> String {
    let screen = tui.screen();
    let foot = screen
        .lines()
        .find(|line| line.contains(" /") && line.contains('╰'));
    let foot = foot.unwrap_or_else(|| panic!("{screen}"));
    let from = foot.find(" /").unwrap();
    let words: Vec<&str> = foot[from..].split_whitespace().collect();
    words.join(" ")
}

#[test]
fn any_block_is_selected_copied_and_folded_by_keys() {
    for size in SIZES {
        let mut tui = tui(size, false);
        let barred = |tui: &mut TuiHarness| -> String {
            let screen = tui.screen();
            let row = screen.lines().find(|line| line.contains('▌'));
            row.unwrap_or_else(|| panic!("{screen}")).to_owned()
        };
        assert!(barred(&mut tui).contains("cargo test -p cli"));
        tui.keys("k k k");
        assert!(barred(&mut tui).contains("I will run three"));
        assert_eq!(
            tui.keys("ctrl-y"),
            [Effect::Copy("I will run three commands.".to_owned())]
        );
        tui.keys("k up");
        assert_eq!(
            tui.keys("ctrl-y"),
            [Effect::Copy("Some words in paragraph 19.".to_owned())]
        );
        tui.keys("g");
        assert!(barred(&mut tui).contains("paragraph 1."));
        tui.keys("G");
        assert!(barred(&mut tui).contains("cargo test -p cli"));
    }
}

#[test]
fn what_was_copied_is_said() {
    let mut tui = tui((80, 24), false);
    let words = "Copied 1 line to the clipboard (terminal, OSC 52)";
    tui.tell(Msg::Done(EffectResult::Toast(Ok(words.to_owned()))));
    assert!(tui.screen().contains(words));
}

#[test]
fn matches_are_stepped_through_with_a_count() {
    for size in SIZES {
        let mut tui = tui(size, true);
        tui.keys("g /");
        tui.type_in("needle");
        assert!(search_of(&mut tui).starts_with("/needle 1/5"));
        tui.keys("enter");
        for at in [2, 3, 4, 5] {
            tui.keys("n");
            assert!(search_of(&mut tui).starts_with(&format!("/needle {at}/5")));
        }
        let wide = if size.0 == 80 { "80" } else { "140" };
        insta::assert_snapshot!(format!("search_beside_an_approval_{wide}"), tui.screen());
        tui.keys("n");
        assert!(search_of(&mut tui).starts_with("/needle 1/5"));
        assert!(tui.screen().contains("Search went on at the beginning"));
        tui.keys("N");
        assert!(search_of(&mut tui).starts_with("/needle 5/5"));
        assert!(tui.screen().contains("Search went on at the end"));
        tui.keys("N");
        assert!(search_of(&mut tui).starts_with("/needle 4/5"));
        assert!(tui.app.form.is_none(), "nothing was denied");
        tui.keys("/");
        tui.type_in("less");
        assert!(search_of(&mut tui).starts_with("/needleless not found"));
        tui.keys("enter n");
        assert!(tui.screen().contains("Not found"));
        assert!(tui.app.form.is_none());
    }
}

#[test]
fn keys_that_decide_do_nothing_in_a_search_and_count_after_it_once_the_guard_is_over() {
    for size in SIZES {
        let mut tui = tui(size, true);
        tui.keys("/");
        tui.type_in("needle");
        tui.keys("enter");
        assert!(
            tui.screen()
                .contains("keys are for the search; Esc to decide")
        );
        for key in ["y", "e", "a", "U", "Y", "v"] {
            assert_eq!(tui.keys(key), [], "{key}");
            assert!(tui.app.form.is_none(), "{key}");
            assert!(
                tui.screen()
                    .contains("Searching: the keys that decide do nothing")
            );
        }
        tui.keys("esc");
        assert!(!tui.app.is_searching());
        // At once after the search the keys do nothing yet.
        assert!(!decides(&tui.tap("y")));
        tui.tap("n");
        assert!(
            tui.app.form.is_none(),
            "a search key that comes too late denies nothing"
        );
        tui.draw();
        assert!(decides(&tui.press("y")), "{}", tui.screen());
    }
}

#[test]
fn a_search_ends_when_another_pane_gets_the_keys() {
    for key in ["1", "2", "tab", "h", "c"] {
        let mut tui = tui((140, 40), true);
        tui.keys("/");
        tui.type_in("needle");
        tui.keys("enter");
        tui.keys(key);
        assert!(!tui.app.is_searching(), "{key}");
        assert_ne!(tui.app.focus, Pane::Conversation, "{key}");
    }
}

#[test]
fn an_empty_search_is_none() {
    let mut tui = tui((80, 24), true);
    tui.keys("/ enter");
    assert!(!tui.app.is_searching());
    assert_eq!(tui.app.focus, Pane::Conversation);
}

#[test]
fn the_cursor_of_the_terminal_is_in_the_search() {
    for size in SIZES {
        let mut tui = tui(size, true);
        tui.keys("/");
        tui.type_in("née 漢");
        let (behind, row) = tui.cursor().unwrap();
        let screen = tui.screen();
        let line = screen.lines().nth(usize::from(row)).unwrap();
        assert!(line.contains("/née 漢"), "{line}");
        tui.keys("left");
        assert_eq!(
            tui.cursor(),
            Some((behind - 2, row)),
            "before the wide letter"
        );
        tui.keys("home");
        assert_eq!(tui.cursor(), Some((behind - 6, row)));
    }
}

#[test]
fn a_plan_that_came_without_its_words_is_read_from_its_call_and_else_approved_by_no_plain_yes() {
    for size in SIZES {
        let asked = approval(
            "a1",
            "s1",
            json!({"kind": "plan", "tool_name": "ExitPlanMode", "tool_input": {},
                "tool_use_id": "toolu-p"}),
        );
        let mut tui = TuiHarness::new(size, &[session("s1", json!({}))], &[asked]);
        for _ in 0..3 {
            tui.draw();
            assert!(!decides(&tui.press("y")), "nobody has seen the plan");
        }
        tui.press("esc");
        let input = json!({"plan": "1. Delete everything"}).to_string();
        let plan = piece(
            1,
            json!({"event_type": "tool_call", "content": null, "tool_id": "toolu-p",
                "tool_name": "ExitPlanMode", "tool_input_json": input}),
        );
        tui.tell(Msg::Done(EffectResult::Page {
            session: "s1".to_owned(),
            page: ConversationPage::Last,
            pieces: Ok(serde_json::from_value(json!({"events": [plan]})).unwrap()),
            full: false,
        }));
        tui.draw();
        assert!(!decides(&tui.tap("y")), "just drawn");
        let screen = tui.screen();
        assert!(screen.contains("1. Delete everything"), "{screen}");
        assert!(decides(&tui.press("y")));
    }
}

/// The whole text of an approval whose command has that many lines, each a needle at every tenth.
fn whole_text(size: (u16, u16)) -> TuiHarness {
    let lines: Vec<String> = (0..100)
        .map(|at| {
            if at % 10 == 5 {
                format!("echo needle {at}")
            } else {
                format!("echo {at}")
            }
        })
        .collect();
    let asked = approval(
        "a1",
        "s1",
        json!({"tool_input": {"command": lines.join("\n")}}),
    );
    let mut tui = TuiHarness::new(size, &[session("s1", json!({}))], &[asked]);
    tui.keys("v");
    tui.draw();
    tui
}

#[test]
fn a_search_in_the_whole_text_steps_through_its_matches_and_decides_nothing() {
    for size in SIZES {
        let mut tui = whole_text(size);
        tui.keys("/");
        tui.type_in("needle");
        let (column, row) = tui.cursor().unwrap();
        let screen = tui.screen();
        let foot = screen.lines().nth(usize::from(row)).unwrap();
        assert!(foot.contains("/needle"), "{foot}");
        let behind = foot.chars().take(usize::from(column)).collect::<String>();
        assert!(behind.ends_with("/needle"), "{foot}");
        assert!(tui.screen().contains("1 of 10"), "{}", tui.screen());
        tui.keys("enter");
        for (key, place) in [
            ("n", "2 of 10"),
            ("n", "3 of 10"),
            ("N", "2 of 10"),
            ("N", "1 of 10"),
            ("N", "10 of 10"),
            ("n", "1 of 10"),
        ] {
            let effects = tui.press(key);
            assert!(effects.is_empty(), "{key}: {effects:?}");
            assert!(tui.screen().contains(place), "{key}: {}", tui.screen());
        }
        for key in ["y", "U", "e", "a"] {
            assert!(!decides(&tui.press(key)), "{key}");
            assert!(
                tui.screen()
                    .contains("Nothing is decided while a search is open"),
                "{key}: {}",
                tui.screen()
            );
        }
        // The search ended, the keys decide again.
        tui.keys("esc");
        tui.later(10, Msg::Tick);
        assert!(tui.screen().contains("n deny"), "{}", tui.screen());
        tui.press("n");
        assert!(tui.screen().contains("Deny: reason"), "{}", tui.screen());
    }
}

#[test]
fn of_a_plan_that_is_not_known_no_bytes_are_counted() {
    let asked = approval(
        "a1",
        "s1",
        json!({"kind": "plan", "tool_name": "ExitPlanMode", "tool_input": {}, "tool_use_id": "toolu-p"}),
    );
    let mut tui = TuiHarness::new((80, 24), &[session("s1", json!({}))], &[asked]);
    tui.press("y");
    for keys in ["", "v"] {
        tui.keys(keys);
        let screen = tui.screen();
        assert!(
            !screen.contains("1 bytes") && !screen.contains("1 byte"),
            "{screen}"
        );
    }
    assert!(
        tui.screen().contains("its text is not known"),
        "{}",
        tui.screen()
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_keys_decide_anything_while_a_search_is_open(
        keys in proptest::collection::vec(
            proptest::sample::select(vec![
                "/", "enter", "esc", "n", "N", "y", "Y", "a", "e", "U", "!", "v", "d", "o", "j", "k",
                "G", "tab", "3", "f", ":", "ctrl-n", "ctrl-y", "backspace",
            ]),
            1..40,
        ),
        wide in any::<bool>(),
    ) {
        let mut tui = tui(SIZES[usize::from(wide)], true);
        for key in keys {
            let was_searching = tui.app.is_searching();
            let had_form = tui.app.form.is_some();
            let effects = tui.press(key);
            if was_searching {
                prop_assert!(!decides(&effects), "{} decided in a search", key);
                let opened = !had_form && tui.app.form.as_ref().is_some_and(|form| {
                    form.approval().is_some() || form.decides()
                });
                prop_assert!(!opened, "{} opened what decides in a search", key);
            }
            tui.draw();
        }
    }
}

#[test]
fn a_pane_is_zoomed_and_comes_back_and_the_approval_stays_in_sight() {
    for size in SIZES {
        let wide = if size.0 == 80 { "80" } else { "140" };
        for back in ["f", "+", "esc"] {
            let mut tui = tui(size, true);
            let before = tui.screen();
            tui.keys("f");
            let panes = tui.app.frame.panes;
            assert_eq!(panes.conversation.width, size.0, "the whole screen");
            assert_eq!((panes.inbox.width, panes.sessions.width), (0, 0));
            let screen = tui.screen();
            assert!(
                screen.contains("Allow Bash") && screen.contains("y approve"),
                "{screen}"
            );
            if back == "f" {
                insta::assert_snapshot!(format!("zoomed_conversation_{wide}"), screen);
            }
            tui.keys(back);
            assert_eq!(tui.screen(), before, "{back}");
        }
        let mut tui = tui(size, true);
        tui.keys("1 f");
        let panes = tui.app.frame.panes;
        assert_eq!((panes.inbox.width, panes.sessions.width), (size.0, size.0));
        assert_eq!(panes.conversation.height, 0);
        insta::assert_snapshot!(format!("zoomed_list_{wide}"), tui.screen());
        // The zoom goes with the keys.
        tui.keys("tab");
        assert_eq!(tui.app.frame.panes.conversation.width, size.0);
        assert!(decides(&tui.keys("y")), "{}", tui.screen());
    }
}

#[test]
fn the_palette_zooms_too() {
    let mut tui = tui((140, 40), true);
    tui.keys(":");
    tui.type_in("zoom");
    tui.keys("enter");
    assert!(tui.app.zoomed && !matches!(tui.app.form, Some(Form::Palette(_))));
}

#[test]
fn a_call_that_comes_live_is_a_call_and_no_step_of_a_subagent() {
    let mut tui = tui((140, 40), true);
    let mut live = call(25, "toolu-d", "cargo test -p live");
    // As the daemon's events say that nothing is above a call.
    live["parent_tool_use_id"] = json!("");
    let event = json!({"seq": 9, "type": "conversation_updated",
        "timestamp": "2026-03-01T12:00:00Z", "data": live});
    tui.tell(Msg::Stream {
        session: "s1".to_owned(),
        what: Stream::Event(serde_json::from_value(event).unwrap()),
    });
    let screen = tui.screen();
    assert!(screen.contains("● Bash  cargo test -p live"), "{screen}");
    assert!(!screen.contains("a subagent"), "{screen}");
}

#[test]
fn the_line_of_keys_names_the_one_that_withdraws_a_message_while_one_is_queued() {
    for size in SIZES {
        let mut tui = tui(size, false);
        assert!(!tui.screen().contains("withdraw"), "{}", tui.screen());
        let said = json!({"role": "user", "content": "then lint", "delivery": "queued"});
        tui.tell(Msg::Done(EffectResult::Page {
            session: "s1".to_owned(),
            page: ConversationPage::After(24),
            pieces: Ok(serde_json::from_value(json!({"events": [piece(25, said)]})).unwrap()),
            full: false,
        }));
        let screen = tui.screen();
        assert!(screen.contains("W withdraw the message"), "{screen}");
        assert!(screen.contains("1 message queued"), "{screen}");
        let withdrawn = Some(crate::domain::Delivery::Withdrawn);
        tui.app.detail.transcript.message_updated(25, 25, withdrawn);
        let screen = tui.screen();
        assert!(!screen.contains("W withdraw"), "{screen}");
        assert!(!screen.contains("message queued"), "{screen}");
    }
}
