//! Where keys go: what is open takes them, and ctrl-c leaves that before it leaves the dashboard.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::json;

use super::*;
use crate::tui::testing::{TuiHarness, approval, session};

fn quiet() -> TuiHarness {
    let sessions = [session("s1", json!({})), session("s2", json!({}))];
    TuiHarness::new((140, 40), &sessions, &[])
}

fn asked() -> TuiHarness {
    let sessions = [session("s1", json!({})), session("s2", json!({}))];
    TuiHarness::new((140, 40), &sessions, &[approval("a1", "s1", json!({}))])
}

fn edited(effects: &[Effect]) -> Option<(&str, &str)> {
    effects.iter().find_map(|effect| match effect {
        Effect::Editor {
            text, extension, ..
        } => Some((text.as_str(), *extension)),
        _ => None,
    })
}

#[test]
fn ctrl_c_leaves_whatever_is_typed_and_not_the_dashboard() {
    type Typing = fn(&mut App) -> &mut bool;
    let places: [(&str, Typing); 3] = [
        ("the list's filter", |app| &mut app.sessions.typing),
        ("the inbox's filter", |app| &mut app.inbox.typing),
        ("the search", |app| &mut app.detail.typing),
    ];
    for (place, typing) in places {
        let mut tui = quiet();
        *typing(&mut tui.app) = true;
        assert!(!tui.press("ctrl-c").contains(&Effect::Quit), "{place}");
        assert!(!*typing(&mut tui.app), "{place}");
        assert_eq!(tui.press("ctrl-c"), [Effect::Quit], "{place}");
    }
    let mut tui = quiet();
    tui.keys("c");
    assert_eq!(tui.app.focus, Pane::Prompt);
    assert!(!tui.press("ctrl-c").contains(&Effect::Quit));
    assert_ne!(tui.app.focus, Pane::Prompt);
}

#[test]
fn an_input_is_edited_in_an_editor_that_knows_its_language() {
    let mut tui = asked();
    tui.keys("e");
    let effects = tui.press("ctrl-g");
    assert_eq!(edited(&effects), Some(("cargo test --workspace", "sh")));
    assert_eq!(edited(&tui.press("g")), None);
    assert!(tui.screen().contains("workspaceg"), "the letter is typed");
}

#[test]
fn a_prompt_is_written_in_an_editor() {
    let mut tui = quiet();
    tui.keys("c");
    tui.type_in("say g");
    let effects = tui.press("ctrl-g");
    assert_eq!(edited(&effects), Some(("say g", "md")));
}

#[test]
fn who_has_filtered_the_list_stays_in_it_beside_what_is_pending() {
    let mut tui = asked();
    tui.app.focus = Pane::Sessions;
    tui.press("/");
    tui.type_in("s1");
    tui.keys("enter");
    assert_eq!(tui.shown_approval(), Some("a1"));
    assert_eq!(tui.app.focus, Pane::Sessions);
    tui.keys("esc");
    assert_eq!(
        tui.app.focus,
        Pane::Inbox,
        "without a filter they are one list"
    );
}

#[test]
fn the_arrows_move_in_the_list_while_its_filter_is_typed() {
    let mut tui = quiet();
    tui.press("/");
    tui.type_in("s");
    let first = tui.app.sessions.selected.clone();
    tui.keys("down");
    assert_ne!(tui.app.sessions.selected, first);
    tui.keys("up");
    assert_eq!(tui.app.sessions.selected, first);
    assert!(tui.app.sessions.typing && tui.app.sessions.filter == "s");
}
