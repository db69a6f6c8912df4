//! Yes and no in every dialog: which keys say it, which do not, and that the dialog names those that do.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use serde_json::{Value, json};

use crate::tui::effect::Effect;
use crate::tui::msg::{EffectResult, Msg};
use crate::tui::testing::{TuiHarness, approval, session};

/// How a dialog opens, and what it is.
struct Dialog {
    name: &'static str,
    asked: Vec<Value>,
    /// What opens it.
    open: fn(&mut TuiHarness),
    /// The one key that says yes, beside Enter where that does.
    yes: &'static str,
    enter: bool,
    /// What its last row says.
    foot: &'static str,
}

fn dialogs() -> Vec<Dialog> {
    let dialog = |name, open: fn(&mut TuiHarness), foot| Dialog {
        name,
        asked: Vec::new(),
        open,
        yes: "y",
        enter: false,
        foot,
    };
    let asking = |changes: Value| vec![approval("a1", "s1", changes)];
    let lasting = json!({"permission_suggestions": [{"type": "addRules", "behavior": "allow",
        "rules": [{"toolName": "Bash", "ruleContent": "cargo:*"}], "destination": "localSettings"}]});
    vec![
        dialog("end", |tui| drop(tui.keys("x")), "y end  n/esc cancel"),
        dialog(
            "end several",
            |tui| drop(tui.keys("ctrl-a x")),
            "y end  n/esc cancel",
        ),
        Dialog {
            enter: true,
            ..dialog(
                "interrupt several",
                |tui| drop(tui.keys("ctrl-a i")),
                "y/enter interrupt  n/esc cancel",
            )
        },
        Dialog {
            enter: true,
            ..dialog(
                "archive several",
                |tui| drop(tui.keys("ctrl-a z")),
                "y/enter archive  n/esc cancel",
            )
        },
        dialog(
            "delete",
            |tui| drop(tui.keys("G X")),
            "y delete  n/esc cancel",
        ),
        dialog(
            "auto-accept edits",
            |tui| drop(tui.keys("E")),
            "y auto-accept edits  n/esc cancel",
        ),
        dialog(
            "restart",
            |tui| {
                tui.keys(":");
                tui.type_in("restart-session");
                tui.keys("enter");
            },
            "y restart  n/esc cancel",
        ),
        dialog(
            "overwrite",
            |tui| {
                tui.tell(Msg::Done(EffectResult::ExportExists {
                    session: "s1".to_owned(),
                    path: "/tmp/talk.md".to_owned(),
                }));
            },
            "y overwrite  n/esc cancel",
        ),
        Dialog {
            enter: true,
            ..dialog(
                "demo",
                |tui| drop(tui.keys("D")),
                "y/enter start the demo  n/esc cancel",
            )
        },
        Dialog {
            asked: asking(lasting),
            ..dialog(
                "always",
                |tui| drop(tui.keys("a")),
                "y approve and grant  space toggle  ←→ scope  n/esc cancel",
            )
        },
        Dialog {
            asked: asking(json!({})),
            ..dialog(
                "edit",
                |tui| drop(tui.keys("e x enter")),
                "y approve as edited  n/esc edit on",
            )
        },
        Dialog {
            asked: asking(json!({})),
            ..dialog(
                "batch",
                |tui| drop(tui.keys("Y")),
                "y approve all listed  n/esc cancel",
            )
        },
        Dialog {
            asked: asking(json!({"tool_input": {"command": "rm -rf x"}})),
            yes: "!",
            ..dialog(
                "dangerous",
                |tui| drop(tui.keys("y")),
                "! approve  n/esc cancel",
            )
        },
    ]
}

fn open(dialog: &Dialog) -> TuiHarness {
    let working = json!({"status": "running", "live": true});
    let over =
        json!({"status": "completed", "live": false, "last_activity_at": "2026-03-01T10:00:00Z"});
    let sessions = [session("s1", working), session("s2", over)];
    let mut tui = TuiHarness::new((80, 24), &sessions, &dialog.asked);
    if dialog.asked.is_empty() {
        tui.keys("2 g");
    }
    (dialog.open)(&mut tui);
    tui.draw();
    assert!(tui.app.form.is_some(), "{} does not open", dialog.name);
    tui
}

/// Whether what a dialog asks about was done.
fn did(effects: &[Effect]) -> bool {
    !effects.is_empty()
}

#[test]
fn one_key_says_yes_in_every_dialog_and_enter_only_where_nothing_is_lost_or_approved() {
    for dialog in dialogs() {
        let name = dialog.name;
        for key in ["y", "Y", "!", "enter", "ctrl-y", "ctrl-s"] {
            let says_yes = key == dialog.yes || (key == "enter" && dialog.enter);
            let mut tui = open(&dialog);
            assert_eq!(did(&tui.press(key)), says_yes, "{key} in {name}");
            tui.draw();
            assert_eq!(tui.app.form.is_none(), says_yes, "{key} in {name}");
            if !says_yes && !key.starts_with("ctrl-") {
                let screen = tui.screen();
                let or_enter = if dialog.enter { " or Enter" } else { "" };
                let hint = format!("Press {}{or_enter} to ", dialog.yes);
                assert!(screen.contains(&hint), "{key} in {name}: {screen}");
            }
        }
        for key in ["n", "esc", "q", "ctrl-c"] {
            let mut tui = open(&dialog);
            assert!(!did(&tui.press(key)), "{key} in {name}");
            tui.draw();
            let is_back = tui
                .app
                .form
                .as_ref()
                .is_none_or(|form| form.yes().is_none());
            assert!(is_back, "{key} in {name}");
        }
    }
}

#[test]
fn a_dialog_names_the_keys_that_work_and_no_others() {
    for dialog in dialogs() {
        let mut tui = open(&dialog);
        let screen = tui.screen();
        assert!(screen.contains(dialog.foot), "{}: {screen}", dialog.name);
    }
}

#[test]
fn an_approval_is_not_given_by_a_key_that_is_held_down_or_comes_within_the_guard_time() {
    for dialog in dialogs() {
        if dialog.asked.is_empty() {
            continue;
        }
        let name = dialog.name;
        let mut tui = open(&dialog);
        assert!(!did(&tui.tap(dialog.yes)), "too early in {name}");
        tui.draw();
        tui.wait(crate::tui::testing::LOOK);
        assert!(!did(&tui.repeat(dialog.yes)), "held down in {name}");
        tui.draw();
        assert!(did(&tui.press(dialog.yes)), "{name}");
    }
}
