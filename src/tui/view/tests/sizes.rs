//! Any size at any moment: nothing panics, and what decides is only what was drawn.

use proptest::prelude::*;
use serde_json::json;

use crate::tui::effect::Effect;
use crate::tui::state::ConnectionProblem;
use crate::tui::testing::{TuiHarness, approval, session};

/// What happens.
#[derive(Clone, Debug)]
enum Step {
    Press(&'static str),
    Type(&'static str),
    Resize((u16, u16)),
    Lose,
    Return,
    Ask(u8),
    Settle(u8),
}

fn size() -> impl Strategy<Value = (u16, u16)> {
    prop_oneof![
        (1_u16..12, 1_u16..8),
        (1_u16..170, 1_u16..50),
        Just((80, 24)),
        Just((40, 15))
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let keys = prop::sample::select(vec![
        "y",
        "n",
        "e",
        "a",
        "v",
        "Y",
        "N",
        "c",
        "C",
        "r",
        "R",
        "F",
        "/",
        ":",
        "?",
        "S",
        "tab",
        "shift-tab",
        "1",
        "2",
        "3",
        "j",
        "k",
        "G",
        "g",
        "enter",
        "esc",
        "space",
        "s",
        "T",
        "o",
        "O",
        "down",
        "up",
        "pagedown",
        "left",
        "right",
        "backspace",
        "ctrl-g",
        "ctrl-j",
        "x",
        "z",
        "]",
    ]);
    prop_oneof![
        8 => keys.prop_map(Step::Press),
        1 => prop::sample::select(vec!["ab c", "漢字 🦀", "e\u{301}x"]).prop_map(Step::Type),
        3 => size().prop_map(Step::Resize),
        1 => Just(Step::Lose),
        1 => Just(Step::Return),
        2 => (0_u8..4).prop_map(Step::Ask),
        1 => (0_u8..4).prop_map(Step::Settle),
    ]
}

fn asked(number: u8, changes: serde_json::Value) -> serde_json::Value {
    let (kind, tool, input) = match number % 4 {
        0 => (
            "permission",
            "Bash",
            json!({"command": "rm -rf target && cargo build"}),
        ),
        1 => (
            "permission",
            "Edit",
            json!({"file_path": "/a/b.rs", "old_string": "a\nb", "new_string": "a\nc"}),
        ),
        2 => (
            "question",
            "AskUserQuestion",
            json!({"questions": [{"question": "Which?", "header": "W", "multiSelect": true,
                "options": [{"label": "A", "description": "a"}, {"label": "漢", "description": ""}]}]}),
        ),
        _ => (
            "plan",
            "ExitPlanMode",
            json!({"plan": "# Plan\n\n- one\n- two"}),
        ),
    };
    let mut asked = approval(
        &format!("a{number}"),
        "s1",
        json!({"kind": kind, "tool_name": tool, "tool_input": input}),
    );
    if let (Some(fields), serde_json::Value::Object(changes)) = (asked.as_object_mut(), changes) {
        fields.extend(changes);
    }
    asked
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn nothing_panics_and_only_what_was_drawn_is_decided(
        first in size(),
        steps in prop::collection::vec(step(), 1..24),
    ) {
        let sessions = [
            session("s1", json!({"title": "one 漢字", "status": "waiting_input"})),
            session("s2", json!({"title": "two", "parent_session_id": "s1"})),
        ];
        let mut tui = TuiHarness::new(first, &sessions, &[asked(0, json!({}))]);
        for step in steps {
            let drawn = tui.app.frame.decision.clone().and_then(|view| view.approval);
            let effects = match step {
                Step::Press(name) => tui.press(name),
                Step::Type(text) => {
                    tui.type_in(text);
                    Vec::new()
                }
                Step::Resize(size) => {
                    tui.resize(size);
                    Vec::new()
                }
                Step::Lose => tui.lose(ConnectionProblem::Broken, "it broke"),
                Step::Return => tui.connect(&sessions, &[asked(1, json!({}))]),
                Step::Ask(number) => tui.approval_event("new_approval", &asked(number, json!({}))),
                Step::Settle(number) => tui.approval_event(
                    "approval_resolved",
                    &asked(number, json!({"outcome": "denied", "status": "denied"})),
                ),
            };
            for effect in &effects {
                if let Effect::Decide(params) = effect {
                    // A decision about several lists them by itself.
                    prop_assert!(
                        drawn.as_deref() == Some(params.approval_id.as_str()) || drawn.is_none()
                    );
                }
            }
            tui.draw();
        }
    }
}
