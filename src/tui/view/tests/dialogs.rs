//! Yes and no in every dialog: which keys say it, which do not, and that the dialog names those that do.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use serde_json::{Value, json};

use crate::tui::effect::Effect;
use crate::tui::msg::{Done, Msg};
use crate::tui::testing::{Rig, approval, session};

/// How a dialog opens, and what it is.
struct Dialog {
    name: &'static str,
    asked: Vec<Value>,
    /// What opens it.
    open: fn(&mut Rig),
    /// The one key that says yes, beside Enter where that does.
    yes: &'static str,
    enter: bool,
    /// What its last row says.
    foot: &'static str,
}

fn dialogs() -> Vec<Dialog> {
    let dialog = |name, open: fn(&mut Rig), foot| Dialog {
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
        dialog("end", |rig| drop(rig.keys("x")), "y end  n/esc cancel"),
        dialog(
            "end several",
            |rig| drop(rig.keys("ctrl-a x")),
            "y end  n/esc cancel",
        ),
        Dialog {
            enter: true,
            ..dialog(
                "interrupt several",
                |rig| drop(rig.keys("ctrl-a i")),
                "y/enter interrupt  n/esc cancel",
            )
        },
        Dialog {
            enter: true,
            ..dialog(
                "archive several",
                |rig| drop(rig.keys("ctrl-a z")),
                "y/enter archive  n/esc cancel",
            )
        },
        dialog(
            "delete",
            |rig| drop(rig.keys("G X")),
            "y delete  n/esc cancel",
        ),
        dialog(
            "auto-accept edits",
            |rig| drop(rig.keys("E")),
            "y auto-accept edits  n/esc cancel",
        ),
        dialog(
            "restart",
            |rig| {
                let _ = rig.keys(":");
                rig.type_in("restart-session");
                let _ = rig.keys("enter");
            },
            "y restart  n/esc cancel",
        ),
        dialog(
            "overwrite",
            |rig| {
                let _ = rig.tell(Msg::Done(Done::ExportExists {
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
                |rig| drop(rig.keys("D")),
                "y/enter start the demo  n/esc cancel",
            )
        },
        Dialog {
            asked: asking(lasting),
            ..dialog(
                "always",
                |rig| drop(rig.keys("a")),
                "y approve and grant  space toggle  ←→ scope  n/esc cancel",
            )
        },
        Dialog {
            asked: asking(json!({})),
            ..dialog(
                "edit",
                |rig| drop(rig.keys("e x enter")),
                "y approve as edited  n/esc edit on",
            )
        },
        Dialog {
            asked: asking(json!({})),
            ..dialog(
                "batch",
                |rig| drop(rig.keys("Y")),
                "y approve all listed  n/esc cancel",
            )
        },
        Dialog {
            asked: asking(json!({"tool_input": {"command": "rm -rf x"}})),
            yes: "!",
            ..dialog(
                "dangerous",
                |rig| drop(rig.keys("y")),
                "! approve  n/esc cancel",
            )
        },
    ]
}

fn open(dialog: &Dialog) -> Rig {
    let working = json!({"status": "running", "live": true});
    let over =
        json!({"status": "completed", "live": false, "last_activity_at": "2026-03-01T10:00:00Z"});
    let sessions = [session("s1", working), session("s2", over)];
    let mut rig = Rig::new((80, 24), &sessions, &dialog.asked);
    if dialog.asked.is_empty() {
        let _ = rig.keys("2 g");
    }
    (dialog.open)(&mut rig);
    rig.draw();
    assert!(rig.app.form.is_some(), "{} does not open", dialog.name);
    rig
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
            let mut rig = open(&dialog);
            assert_eq!(did(&rig.press(key)), says_yes, "{key} in {name}");
            rig.draw();
            assert_eq!(rig.app.form.is_none(), says_yes, "{key} in {name}");
            if !says_yes && !key.starts_with("ctrl-") {
                let screen = rig.screen();
                let or_enter = if dialog.enter { " or Enter" } else { "" };
                let hint = format!("Press {}{or_enter} to ", dialog.yes);
                assert!(screen.contains(&hint), "{key} in {name}: {screen}");
            }
        }
        for key in ["n", "esc", "q", "ctrl-c"] {
            let mut rig = open(&dialog);
            assert!(!did(&rig.press(key)), "{key} in {name}");
            rig.draw();
            let is_back = rig
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
        let mut rig = open(&dialog);
        let screen = rig.screen();
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
        let mut rig = open(&dialog);
        assert!(!did(&rig.tap(dialog.yes)), "too early in {name}");
        rig.draw();
        rig.wait(crate::tui::testing::LOOK);
        assert!(!did(&rig.repeat(dialog.yes)), "held down in {name}");
        rig.draw();
        assert!(did(&rig.press(dialog.yes)), "{name}");
    }
}
