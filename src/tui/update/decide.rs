//! Deciding: from a key to what is sent.
//!
//! The rule: a decision is about the approval that was on the screen when the key was pressed
//! ([`App::drawn`]), whatever has arrived since. If that one is no longer pending, nothing is sent.

use super::{Effect, say};
use crate::domain::danger::Danger;
use crate::domain::{Capability, Decision, Kind};
use crate::protocol::approval::Approval;
use crate::protocol::decision::SendDecisionParams;
use crate::tui::state::form::always::Always;
use crate::tui::state::form::confirm::Confirm;
use crate::tui::state::form::contact::Contact;
use crate::tui::state::form::deny::Deny;
use crate::tui::state::form::edit::Edit;
use crate::tui::state::form::many::Many;
use crate::tui::state::form::question::Question;
use crate::tui::state::form::read::Read;
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

/// Whether an approval still waits and nothing about it is on its way.
#[must_use]
pub fn is_open(app: &App, id: &str) -> bool {
    app.data.pending(id).is_some() && !app.inbox.sending.contains_key(id)
}

/// Sends a decision.
pub fn send(app: &mut App, word: &'static str, params: SendDecisionParams) -> Vec<Effect> {
    if !is_open(app, &params.approval_id) {
        let _ = still_pending(app, &params.approval_id);
        return Vec::new();
    }
    app.inbox.sending.insert(params.approval_id.clone(), word);
    vec![Effect::Decide(Box::new(params))]
}

/// A plain yes.
#[must_use]
pub fn yes(approval: &Approval) -> SendDecisionParams {
    SendDecisionParams::new(&approval.id, Decision::approve())
}

/// `y`: approves, or opens what a yes is not enough for.
pub fn approve(app: &mut App) -> Vec<Effect> {
    let Some(approval) = on_screen(app) else {
        return Vec::new();
    };
    if wants_answer(&approval) {
        return open_answer(app, &approval);
    }
    if !can(app, &approval, Capability::Approve) {
        return Vec::new();
    }
    let dangers = app.inbox.dangers(&approval.id);
    if let Some(question) = question_twice(dangers).filter(|_| app.wishes.confirm_dangerous) {
        app.form = Some(Form::Confirm(Confirm {
            question,
            then: vec![Effect::Decide(Box::new(yes(&approval)))],
            approval: Some(approval.id),
        }));
        return Vec::new();
    }
    send(app, "approving", yes(&approval))
}

/// Whether something can be done with an approval; says why where it cannot.
fn can(app: &mut App, approval: &Approval, capability: Capability) -> bool {
    let is_possible = approval.can().allows(capability);
    if !is_possible {
        say(app, Tone::Plain, approval.why_not(capability));
    }
    is_possible
}

/// Whether an approval asks for an answer and not for a yes.
fn wants_answer(approval: &Approval) -> bool {
    matches!(approval.kind, Kind::Question | Kind::Contact)
}

/// What is asked before a dangerous yes.
fn question_twice(dangers: &[Danger]) -> Option<String> {
    if dangers.is_empty() {
        return None;
    }
    let reasons: Vec<String> = dangers
        .iter()
        .map(|danger| match danger.part.as_str() {
            "" => format!("It {}.", danger.reason),
            part => format!("It {}: {part}", danger.reason),
        })
        .collect();
    Some(format!("Approve this?\n{}", reasons.join("\n")))
}

/// `n`: asks for the reason.
pub fn deny(app: &mut App) -> Vec<Effect> {
    let Some(approval) = on_screen(app) else {
        return Vec::new();
    };
    if can(app, &approval, Capability::Deny) {
        app.form = Some(Form::Deny(Deny::of(&approval, &app.wishes.deny_reasons)));
    }
    Vec::new()
}

/// `e`: opens the input.
pub fn edit(app: &mut App) -> Vec<Effect> {
    let Some(approval) = on_screen(app) else {
        return Vec::new();
    };
    if wants_answer(&approval) {
        return open_answer(app, &approval);
    }
    if can(app, &approval, Capability::Edit) {
        app.form = Some(Form::Edit(Box::new(Edit::of(&approval))));
    }
    Vec::new()
}

/// `a`: shows what would make a yes last.
pub fn always(app: &mut App) -> Vec<Effect> {
    let Some(approval) = on_screen(app) else {
        return Vec::new();
    };
    if can(app, &approval, Capability::Always) {
        app.form = Some(Form::Always(Always::of(&approval)));
    }
    Vec::new()
}

/// Enter on a row: opens what it asks for.
pub fn answer(app: &mut App) -> Vec<Effect> {
    let Some(approval) = on_screen(app) else {
        return Vec::new();
    };
    if wants_answer(&approval) {
        return open_answer(app, &approval);
    }
    app.form = Some(Form::Read(Read::of(&approval.id)));
    Vec::new()
}

fn open_answer(app: &mut App, approval: &Approval) -> Vec<Effect> {
    if let Some(begun) = app.inbox.put_off.remove(&approval.id) {
        app.form = Some(begun);
        return Vec::new();
    }
    if approval.kind == Kind::Contact {
        if can(app, approval, Capability::Respond) {
            app.form = Some(Form::Contact(Contact::of(approval)));
        }
        return Vec::new();
    }
    if can(app, approval, Capability::Answer) {
        app.form = Question::of(approval).map(Form::Question);
    }
    Vec::new()
}

/// `Y` and `N`: shows what they would decide.
pub fn many(app: &mut App, is_yes: bool) -> Vec<Effect> {
    let form = Many::of(app, is_yes, &app.wishes.deny_reasons);
    if form.plain.is_empty() && form.dangerous.is_empty() {
        let words = if form.left_out.is_empty() {
            "nothing waits for you"
        } else {
            "what is marked or shown wants to be read or answered one by one"
        };
        say(app, Tone::Plain, words);
        return Vec::new();
    }
    app.form = Some(Form::Many(form));
    Vec::new()
}

/// The user comes back with an edited part of the input: what is changed is shown before it is sent.
pub fn edited(app: &mut App, id: &str, text: &str) {
    let Some(approval) = still_pending(app, id) else {
        return;
    };
    let mut form = match app.form.take() {
        Some(Form::Edit(form)) if form.approval == id => form,
        Some(_) | None => Box::new(Edit::of(&approval)),
    };
    if let Some(part) = form.part_mut() {
        part.take(text);
    }
    form.show_change(&approval.tool_input);
    app.form = Some(Form::Edit(form));
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
        assert_eq!(params.decision, Decision::deny("not on main"));
    }

    #[test]
    fn a_paste_decides_nothing() {
        let mut rig = two();
        let effects = rig.tell(crate::tui::msg::Msg::Paste("yyyy".to_owned()));
        assert_eq!(decided(&effects), []);
    }
}
