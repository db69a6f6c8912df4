//! Deciding: from a key to what is sent.
//!
//! The rule: a decision is about the approval that the last frame showed ([`App::frame`]), and a key
//! counts once that has been on the screen, unchanged, for the guard time. A denial needs no more. A
//! yes also needs every row of the text to have been on the screen: a first `y` reads on instead.
//! The stated exceptions: a text of more than [`LONG_TEXT`] rows can be approved by a key of its own,
//! and the record says how much was not read; and a batch, whose form shows the whole text of each
//! request that it approves. Its yes waits the guard time, too, from when that form last changed.
//! Something dangerous is confirmed by a second key, which is none of those that lead there.

use super::connection::can_send;
use super::{Effect, notify};
use crate::domain::danger::Danger;
use crate::domain::{Capability, Decision, Kind};
use crate::protocol::approval::Approval;
use crate::protocol::decision::SendDecisionParams;
use crate::tui::forms::Form;
use crate::tui::forms::always_allow::AlwaysAllow;
use crate::tui::forms::batch::BatchDecision;
use crate::tui::forms::confirm::Confirm;
use crate::tui::forms::contact::Contact;
use crate::tui::forms::deny::Deny;
use crate::tui::forms::edit::EditForm;
use crate::tui::forms::question::Question;
use crate::tui::forms::read::Read;
use crate::tui::keymap::Action;
use crate::tui::state::App;
use crate::tui::state::guard::{LONG_TEXT, Unread};
use crate::tui::state::notice::Tone;

/// What is said to a decision key that comes too early.
const TOO_EARLY: &str = "Just changed: press again";

/// The approval that a decision key pressed now is about, if the key counts; says why not where it
/// does not.
pub fn on_screen(app: &mut App) -> Option<Approval> {
    let shown = app.frame.decision.as_ref();
    let Some(id) = shown.and_then(|view| view.approval.clone()) else {
        nothing_to_decide(app);
        return None;
    };
    // The key goes to what the frame showed: to the panel, or to the same form.
    let form = shown.and_then(|view| view.form.as_deref());
    let is_current = match app.acting_form {
        Some(acting) => form == Some(acting),
        None => form.is_none() && app.selected_approval().is_some_and(|shown| shown.id == id),
    };
    let approval = still_pending(app, &id)?;
    (admits_key(app) && is_current)
        .then_some(approval)
        .or_else(|| {
            notify(app, Tone::Plain, TOO_EARLY);
            None
        })
}

/// Whether a key that decides what the last frame shows counts now, as far as time goes; says so
/// where it does not.
pub fn admits_key(app: &mut App) -> bool {
    let guard = app.preferences.decision_guard;
    let admits = app.guard.admits(guard);
    if !admits {
        notify(app, Tone::Plain, TOO_EARLY);
    }
    admits
}

/// Says why there is nothing that a decision key could be about.
fn nothing_to_decide(app: &mut App) {
    let words = if app.selected_approval().is_some() {
        "The approval is not on the screen".to_owned()
    } else {
        app.others_pending()
            .unwrap_or_else(|| "No pending approvals".to_owned())
    };
    notify(app, Tone::Plain, words);
}

/// What of the text that the last frame showed must be read before a yes counts; none where all of it
/// was on the screen.
#[must_use]
pub fn must_read(app: &App) -> Option<Unread> {
    let shown = app.frame.decision.as_ref();
    let unread = match shown.and_then(|view| view.text.as_ref()) {
        Some(text) => app.guard.unread(text),
        // Whatever was not shown was not read.
        None => Unread {
            lines: 1,
            ..Unread::default()
        },
    };
    (!unread.is_nothing()).then_some(unread)
}

/// Shows the next rows that were not drawn yet; the rest of a text that the panel does not hold is
/// read in a pane of its own.
fn read_on(app: &mut App, approval: &Approval, unread: Unread) {
    if unread.lines == 0 {
        app.form = Some(Form::Read(Read::of(&approval.id)));
    } else {
        app.card.scroll = u16::try_from(unread.first).unwrap_or(u16::MAX);
    }
}

/// Says that something is to be read first.
fn say_read_first(app: &mut App, unread: Unread) {
    let key = app.keymap.key(Action::Approve);
    let words = format!("{}: {key} shows the next page", unread.describe());
    notify(app, Tone::Plain, words);
}

/// An approval, if it still waits and nothing about it is on its way.
pub fn still_pending(app: &mut App, id: &str) -> Option<Approval> {
    if let Some(approval) = app.data.pending(id) {
        if app.inbox.sending.contains_key(id) {
            notify(app, Tone::Plain, "Already sending that decision");
            return None;
        }
        return Some(approval.clone());
    }
    let how = app
        .data
        .recent(id)
        .map(|approval| format!("already resolved: {}", crate::format::outcome(approval)));
    notify(
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
    if !can_send(app) {
        return Vec::new();
    }
    app.inbox.sending.insert(params.approval_id.clone(), word);
    vec![Effect::Decide(Box::new(params))]
}

/// A plain yes.
#[must_use]
fn yes(approval: &Approval) -> SendDecisionParams {
    SendDecisionParams::new(&approval.id, Decision::approve())
}

/// `y`: approves, reads on, or opens what a yes is not enough for.
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
    match must_read(app) {
        Some(unread) => {
            read_on(app, &approval, unread);
            Vec::new()
        }
        None => {
            let yes = Effect::Decide(Box::new(yes(&approval)));
            confirmed(app, &approval, vec![yes])
        }
    }
}

/// Whether something can be done with an approval; says why where it cannot.
fn can(app: &mut App, approval: &Approval, capability: Capability) -> bool {
    let is_possible = approval.can().allows(capability);
    if !is_possible {
        notify(app, Tone::Plain, approval.why_not(capability));
    }
    is_possible
}

/// Whether an approval asks for an answer and not for a yes.
fn wants_answer(approval: &Approval) -> bool {
    matches!(approval.kind, Kind::Question | Kind::Contact)
}

/// Approves a long text that was not read to its end; the record says so.
pub fn approve_unread(app: &mut App) -> Vec<Effect> {
    let Some(approval) = on_screen(app) else {
        return Vec::new();
    };
    let key = app.keymap.key(Action::Approve);
    if wants_answer(&approval) {
        notify(app, Tone::Hint, format!("This wants an answer: {key}"));
        return Vec::new();
    }
    if !can(app, &approval, Capability::Approve) {
        return Vec::new();
    }
    match must_read(app) {
        None => {
            let words = format!("All of it was shown: {key} approves");
            notify(app, Tone::Hint, words);
        }
        Some(unread) if !unread.is_long => {
            let words = format!(
                "Only texts of more than {LONG_TEXT} lines can be approved unread; {key} shows the next page"
            );
            notify(app, Tone::Hint, words);
        }
        Some(unread) => {
            let decision = Decision::Approve {
                comment: None,
                updated_input: None,
                updated_permissions: None,
                unread_lines: Some(unread.count()),
            };
            let yes = SendDecisionParams::new(&approval.id, decision);
            return confirmed(app, &approval, vec![Effect::Decide(Box::new(yes))]);
        }
    }
    Vec::new()
}

/// Sends what approves, after a second key where the approval is dangerous and that is wanted.
pub fn confirmed(app: &mut App, approval: &Approval, effects: Vec<Effect>) -> Vec<Effect> {
    let input = effects.iter().find_map(|effect| match effect {
        Effect::Decide(params) => match &params.decision {
            Decision::Approve { updated_input, .. } => updated_input.as_ref(),
            Decision::Deny { .. } | Decision::Answer { .. } | Decision::Respond { .. } => None,
        },
        _ => None,
    });
    let edited = input.map(|input| crate::domain::danger::dangers(&approval.tool_name, input));
    let dangers = edited
        .as_deref()
        .unwrap_or_else(|| app.inbox.dangers(&approval.id));
    let question = reasons(dangers).filter(|_| app.preferences.confirm_dangerous);
    match question {
        Some(question) => {
            let form = Confirm::dangerous(&approval.id, question, effects);
            app.form = Some(Form::Confirm(form));
            Vec::new()
        }
        None => perform(app, effects),
    }
}

/// Does what was confirmed. A decision goes the way of all decisions: once, and only while it is
/// waited for.
pub fn perform(app: &mut App, effects: Vec<Effect>) -> Vec<Effect> {
    let mut performed = Vec::new();
    for effect in effects {
        match effect {
            Effect::Decide(params) => performed.extend(send(app, sending_word(&params), *params)),
            other => performed.push(other),
        }
    }
    performed
}

/// What is said of a yes while it is on its way.
fn sending_word(params: &SendDecisionParams) -> &'static str {
    match &params.decision {
        Decision::Approve {
            updated_input: Some(_),
            ..
        } => "approving as edited",
        Decision::Approve {
            updated_permissions: Some(_),
            ..
        } => "approving for good",
        Decision::Approve { .. } => "approving",
        Decision::Deny { .. } => "denying",
        Decision::Answer { .. } | Decision::Respond { .. } => "answering",
    }
}

/// What a dangerous approval does, in words.
fn reasons(dangers: &[Danger]) -> Option<String> {
    if dangers.is_empty() {
        return None;
    }
    let reasons: Vec<String> = dangers
        .iter()
        .map(|danger| match danger.part.as_str() {
            "" => format!("{}.", danger.sentence()),
            part => format!("{}: {part}", danger.sentence()),
        })
        .collect();
    Some(reasons.join("\n"))
}

/// `n`: asks for the reason.
pub fn deny(app: &mut App) -> Vec<Effect> {
    let Some(approval) = on_screen(app) else {
        return Vec::new();
    };
    if can(app, &approval, Capability::Deny) {
        let saved = app.inbox.saved(&approval.id, "deny");
        app.form = saved.or_else(|| {
            let reasons = &app.preferences.deny_reasons;
            Some(Form::Deny(Deny::of(&approval, reasons)))
        });
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
    if let Some(unread) = must_read(app) {
        say_read_first(app, unread);
    } else if can(app, &approval, Capability::Edit) {
        let saved = app.inbox.saved(&approval.id, "edit");
        app.form = saved.or_else(|| Some(Form::Edit(Box::new(EditForm::of(&approval)))));
    }
    Vec::new()
}

/// `a`: shows what would make a yes last.
pub fn always(app: &mut App) -> Vec<Effect> {
    let Some(approval) = on_screen(app) else {
        return Vec::new();
    };
    if !can(app, &approval, Capability::Always) {
        return Vec::new();
    }
    match must_read(app) {
        Some(unread) if !wants_answer(&approval) => say_read_first(app, unread),
        Some(_) | None => app.form = Some(Form::AlwaysAllow(AlwaysAllow::of(&approval))),
    }
    Vec::new()
}

/// Enter on a row: opens what it asks for. Only reading needs no guard.
pub fn answer(app: &mut App) -> Vec<Effect> {
    let shown = app
        .frame
        .decision
        .as_ref()
        .and_then(|view| view.approval.clone());
    let kind = shown
        .and_then(|id| app.data.pending(&id))
        .map(|approval| approval.kind);
    match kind {
        Some(Kind::Permission | Kind::Plan) => read(app),
        Some(Kind::Question | Kind::Contact) | None => match on_screen(app) {
            Some(approval) => open_answer(app, &approval),
            None => Vec::new(),
        },
    }
}

/// Opens the whole text of the approval that is shown.
pub fn read(app: &mut App) -> Vec<Effect> {
    let shown = app
        .frame
        .decision
        .as_ref()
        .and_then(|view| view.approval.clone());
    match shown {
        Some(id) => app.form = Some(Form::Read(Read::of(&id))),
        None => nothing_to_decide(app),
    }
    Vec::new()
}

fn open_answer(app: &mut App, approval: &Approval) -> Vec<Effect> {
    let name = match approval.kind {
        Kind::Contact => "contact",
        Kind::Question | Kind::Permission | Kind::Plan => "question",
    };
    if let Some(begun) = app.inbox.saved(&approval.id, name) {
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
    let form = BatchDecision::of(app, is_yes, &app.preferences.deny_reasons);
    if form.items.is_empty() {
        let words = if form.skipped.is_empty() {
            "No pending approvals".to_owned()
        } else {
            format!("Decide one by one: {}", form.skipped_words())
        };
        notify(app, Tone::Plain, words);
        return Vec::new();
    }
    app.form = Some(Form::Batch(Box::new(form)));
    Vec::new()
}

/// The user comes back with an edited part of the input: what is changed is shown before it is sent.
pub fn edited(app: &mut App, id: &str, text: &str) {
    let Some(approval) = still_pending(app, id) else {
        return;
    };
    let mut form = match app.form.take() {
        Some(Form::Edit(form)) if form.approval == id => form,
        Some(_) | None => Box::new(EditForm::of(&approval)),
    };
    if let Some(part) = form.part_mut() {
        part.take(text);
    }
    form.show_change(&approval.tool_input);
    app.form = Some(Form::Edit(form));
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
