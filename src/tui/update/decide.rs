//! Deciding: from a key to what is sent.
//!
//! The rule: a decision is about the approval that was on the screen when the key was pressed
//! ([`App::drawn`]), whatever has arrived since. If that one is no longer pending, nothing is sent.

use serde_json::Value;

use super::{Effect, say};
use crate::domain::Kind;
use crate::protocol::approval::{Approval, SendDecisionParams};
use crate::tui::state::form::deny::Deny;
use crate::tui::state::{App, Form, notice::Tone};

/// The approval that a decision made now is about; says why not where there is none.
pub fn on_screen(app: &mut App) -> Option<Approval> {
    let Some(id) = app.drawn.approval.clone() else {
        say(app, Tone::Plain, "nothing waits for you");
        return None;
    };
    still_pending(app, &id)
}

/// An approval, if it still waits and nothing about it is on its way.
pub fn still_pending(app: &mut App, id: &str) -> Option<Approval> {
    if let Some(approval) = app.data.pending(id) {
        if app.inbox.sending.contains_key(id) {
            say(app, Tone::Plain, "that decision is on its way");
            return None;
        }
        return Some(approval.clone());
    }
    let how = app
        .data
        .recent(id)
        .map(|approval| format!("already resolved: {}", crate::format::outcome(approval)));
    say(
        app,
        Tone::Bad,
        how.unwrap_or_else(|| "that question is no longer there".to_owned()),
    );
    None
}

/// Sends a decision.
pub fn send(app: &mut App, word: &'static str, params: SendDecisionParams) -> Vec<Effect> {
    if still_pending(app, &params.approval_id).is_none() {
        return Vec::new();
    }
    app.inbox.sending.insert(params.approval_id.clone(), word);
    vec![Effect::Decide(Box::new(params))]
}

/// A plain yes.
#[must_use]
pub fn yes(approval: &Approval) -> SendDecisionParams {
    SendDecisionParams {
        approval_id: approval.id.clone(),
        decision: "approve".to_owned(),
        ..SendDecisionParams::default()
    }
}

/// `y`.
pub fn approve(app: &mut App) -> Vec<Effect> {
    let Some(approval) = on_screen(app) else {
        return Vec::new();
    };
    match approval.kind {
        Kind::Permission | Kind::Plan => send(app, "approving", yes(&approval)),
        Kind::Question | Kind::Contact => {
            let key = app.keymap.key(crate::tui::keymap::Action::Answer);
            let words = format!("this wants an answer: {key} answers it");
            say(app, Tone::Plain, words);
            Vec::new()
        }
    }
}

/// `n`.
pub fn deny(app: &mut App) -> Vec<Effect> {
    if let Some(approval) = on_screen(app) {
        app.form = Some(Form::Deny(Deny {
            approval: approval.id,
            ..Deny::default()
        }));
    }
    Vec::new()
}

/// The user comes back with an edited input, which is approved.
pub fn edited(app: &mut App, id: &str, text: &str) -> Vec<Effect> {
    let Some(approval) = still_pending(app, id) else {
        return Vec::new();
    };
    match serde_json::from_str::<Value>(text) {
        Ok(input) if input == approval.tool_input => send(app, "approving", yes(&approval)),
        Ok(input) if input.is_object() => send(
            app,
            "approving as edited",
            SendDecisionParams {
                updated_input: Some(input),
                ..yes(&approval)
            },
        ),
        Ok(_) => {
            say(app, Tone::Bad, "not sent: the input must be a JSON object");
            Vec::new()
        }
        Err(error) => {
            say(
                app,
                Tone::Bad,
                format!("not sent: that is no JSON: {error}"),
            );
            Vec::new()
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::panic,
        reason = "a test fails by panicking"
    )]
    use serde_json::json;

    use super::*;
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
                    Some((params.approval_id.as_str(), params.decision.as_str()))
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
    fn a_decision_is_about_what_was_drawn_whatever_has_come_since() {
        let mut rig = two();
        // Somebody else decides the one on the screen; the next is selected but not drawn yet.
        let gone = approval("a1", "s1", json!({"outcome": "denied", "status": "denied"}));
        let _ = rig.approval_event("approval_resolved", &gone);
        assert_eq!(rig.app.inbox.selected.as_deref(), Some("a2"));
        assert_eq!(decided(&rig.press("y")), []);
        assert!(rig.screen().contains("already resolved: denied"));
        assert_eq!(decided(&rig.press("y")), [("a2", "approve")]);
    }

    #[test]
    fn what_comes_later_never_takes_the_selection() {
        let mut rig = two();
        let _ = rig.keys("1 j");
        assert_eq!(rig.app.inbox.selected.as_deref(), Some("a2"));
        let later = approval("a3", "s1", json!({}));
        let _ = rig.approval_event("new_approval", &later);
        rig.draw();
        assert_eq!(decided(&rig.press("y")), [("a2", "approve")]);
    }

    #[test]
    fn where_none_is_selected_the_oldest_becomes_so_as_it_arrives() {
        let mut rig = Rig::new((80, 24), &[session("s1", json!({}))], &[]);
        assert_eq!(decided(&rig.press("y")), []);
        let _ = rig.approval_event("new_approval", &approval("a1", "s1", json!({})));
        rig.draw();
        assert_eq!(decided(&rig.press("y")), [("a1", "approve")]);
    }

    #[test]
    fn no_asks_for_the_reason_and_esc_takes_it_back() {
        let mut rig = two();
        let _ = rig.keys("n");
        rig.type_in("not on main");
        let effects = rig.press("esc");
        assert_eq!(decided(&effects), []);
        let _ = rig.keys("n");
        rig.type_in("not on main");
        let effects = rig.press("enter");
        assert_eq!(decided(&effects), [("a1", "deny")]);
        let Some(Effect::Decide(params)) = effects.first() else {
            panic!("nothing is decided");
        };
        assert_eq!(params.comment.as_deref(), Some("not on main"));
    }

    #[test]
    fn a_paste_decides_nothing() {
        let mut rig = two();
        let effects = rig.tell(crate::tui::msg::Msg::Paste("yyyy".to_owned()));
        assert_eq!(decided(&effects), []);
    }
}
