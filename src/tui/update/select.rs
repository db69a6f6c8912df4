//! The one selection: a session, or none. The inbox, the conversation and the approval panel are
//! views of it, and follow it here after every message.
//!
//! The rule that people rely on: what arrives, or is decided elsewhere, never changes what is
//! selected. Only the user does, and a decision of theirs, after which the next approval is selected
//! with its conversation.

use super::{Effect, card};
use crate::tui::forms::Form;
use crate::tui::state::sessions::Target;
use crate::tui::state::{App, Detail, Pane};
use crate::tui::transcript::Transcript;

/// Keeps the selection on something that exists, and the panel and the conversation on what is
/// selected.
pub fn reconcile(app: &mut App) -> Vec<Effect> {
    app.inbox.reconcile(&app.data);
    if !is_selection_valid(app) {
        choose(app);
    }
    show_approval(app);
    focus_selection(app);
    let (data, form) = (&app.data, app.form.as_ref().and_then(Form::identity));
    app.guard
        .retain(|subject| data.pending(subject).is_some() || form.as_deref() == Some(subject));
    let mut effects = card::reconcile(app);
    effects.extend(follow(app));
    let asked = app.selected_approval();
    let asked = asked.and_then(|approval| approval.tool_use_id.clone());
    app.detail.transcript.set_asked(asked.as_deref());
    effects
}

/// Selects something where nothing is: at first the session that has waited longest, later what
/// stands where the selected one stood.
fn choose(app: &mut App) {
    let list = &app.sessions;
    let is_first = list.selected.is_none() && list.heading.is_none();
    let oldest = app.data.pending.values().next();
    if let (true, Some(oldest)) = (is_first, oldest) {
        let session = oldest.session_id.clone();
        app.sessions.select(Some(session));
        app.sessions.is_untouched = true;
        return;
    }
    app.sessions.arrange(&app.data);
    match app.sessions.nearest() {
        Some(nearest) => target(app, nearest),
        None => app.sessions.select(None),
    }
    app.sessions.is_untouched = is_first;
}

/// Keeps the panel on an approval of the selected session: on the one that it shows while that is
/// pending, else on the oldest.
fn show_approval(app: &mut App) {
    if app.selected_approval().is_some() {
        return;
    }
    let session = app.sessions.selected.as_deref();
    let oldest = session.and_then(|session| app.data.oldest_of(session));
    let oldest = oldest.map(|approval| approval.id.clone());
    app.card.show(oldest);
}

/// Inbox and sessions are one list in two panes: the keys are where the selected row is. A filter
/// lists what fits it in its own pane.
fn focus_selection(app: &mut App) {
    let list = &app.sessions;
    let is_filtered = list.typing || !list.filter.trim().is_empty() || list.heading.is_some();
    let asks = app.card.approval.is_some();
    app.focus = match app.focus {
        Pane::Sessions if asks && !is_filtered => Pane::Inbox,
        // Who decides what is pending goes on with that, whoever was first with the shown one.
        Pane::Inbox if !asks && app.data.pending.is_empty() => Pane::Sessions,
        other => other,
    };
    if let (Pane::Inbox, Some(shown)) = (app.focus, &app.card.approval) {
        app.inbox.note_place(&app.data, shown);
    }
}

/// Whether what is selected in the list can stay so. Asked after every message: must not need the
/// rows, which are made once a frame.
fn is_selection_valid(app: &App) -> bool {
    let list = &app.sessions;
    let Some(selected) = list.selected.as_deref() else {
        // A heading whose group has emptied shows as the rows are made.
        return list
            .heading
            .is_some_and(|group| list.is_there(&app.data, group));
    };
    match app.data.session(selected) {
        None => {
            !app.data.complete
                || list.awaited.as_deref() == Some(selected)
                || app.data.oldest_of(selected).is_some()
        }
        Some(session) => {
            !session.archived || list.show_archived || app.data.oldest_of(selected).is_some()
        }
    }
}

/// Opens the conversation of the selected session, if another one is open.
fn follow(app: &mut App) -> Vec<Effect> {
    if app.detail.session == app.sessions.selected {
        let wanted = app.detail.transcript.needs_page();
        if let (Some(session), Some(page), false) =
            (app.detail.session.clone(), wanted, app.detail.loading)
        {
            app.detail.loading = true;
            return vec![Effect::Page {
                session,
                page: page.into(),
            }];
        }
        return Vec::new();
    }
    let place = app.detail.place.take();
    app.detail = Detail {
        place: place.filter(|place| Some(&place.session) == app.sessions.selected.as_ref()),
        session: app.sessions.selected.clone(),
        transcript: Transcript::new(),
        loading: app.sessions.selected.is_some(),
        open: app.detail.open,
        ..Detail::default()
    };
    // The first page is read once its events are listened to, so that nothing falls in between.
    vec![Effect::Follow(app.detail.session.clone())]
}

/// Selects what a row is about.
pub fn target(app: &mut App, target: Target) {
    match target {
        Target::Session(id) => session(app, id),
        Target::Group(group) => app.sessions.select_heading(group),
    }
}

/// Selects a session. The panel shows what it asks.
pub fn session(app: &mut App, id: String) {
    app.sessions.select(Some(id));
}

/// Selects the session that asks for an approval, and shows that one; in the conversation, too.
pub fn approval(app: &mut App, id: &str) {
    if let Some(approval) = app.data.pending(id) {
        let session = approval.session_id.clone();
        if app.sessions.selected.as_ref() != Some(&session) {
            app.sessions.select(Some(session));
        }
        app.detail.transcript.release_selection();
        app.card.show(Some(id.to_owned()));
    }
}

/// After a decision made here: the next approval, with its conversation; unless the user has gone
/// elsewhere or does something else meanwhile. `position` is where the decided one stood in the list.
pub fn after_decision(app: &mut App, decided: &str, session: &str, position: usize) {
    let typing = app.sessions.typing || app.inbox.typing || app.detail.typing;
    let is_busy = app.form.is_some() || typing || app.focus == Pane::Prompt;
    let is_there = app.card.approval.as_deref() == Some(decided)
        && app.sessions.selected.as_deref() == Some(session);
    if is_busy || !is_there {
        return;
    }
    if let Some(next) = app.inbox.after(&app.data, session, position) {
        approval(app, &next);
    }
}
