//! What is selected, after anything changed.

use super::{Effect, card};
use crate::tui::state::sessions::Target;
use crate::tui::state::{App, Detail, Pane};
use crate::tui::transcript::Transcript;

/// Keeps the selections on something that exists and the conversation on the selected session.
pub fn settle(app: &mut App) -> Vec<Effect> {
    let before = app.inbox.selected.clone();
    app.inbox.settle(&app.data);
    if app.data.pending.is_empty() && app.focus == Pane::Inbox {
        app.focus = Pane::Sessions;
    }
    // The conversation follows the approval on which a person has to decide next, unless they are
    // looking at something of their own choice.
    if app.inbox.selected != before
        && app.focus != Pane::Conversation
        && let Some(approval) = app.selected_approval()
    {
        let session = approval.session_id.clone();
        app.sessions.select(Some(session));
    }
    if !stands(app) {
        app.sessions.arrange(&app.data);
        match app.sessions.nearest() {
            Some(nearest) => target(app, nearest),
            None => app.sessions.select(None),
        }
    }
    let mut effects = card::settle(app);
    effects.extend(follow(app));
    effects
}

/// Whether what is selected in the list can stay so. Asked after every message: must not need the
/// rows, which are made once a frame.
fn stands(app: &App) -> bool {
    let list = &app.sessions;
    let Some(selected) = list.selected.as_deref() else {
        // A heading whose group has emptied shows as the rows are made.
        return list
            .heading
            .is_some_and(|group| list.is_there(&app.data, group));
    };
    match app.data.session(selected) {
        None => !app.data.complete || list.awaited.as_deref() == Some(selected),
        Some(session) => {
            let asks = app.selected_approval();
            !session.archived
                || list.show_archived
                || asks.is_some_and(|approval| approval.session_id == selected)
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

/// Selects a session, and with it what it asks.
pub fn session(app: &mut App, id: String) {
    let asks = app.data.oldest_of(&id).map(|approval| approval.id.clone());
    app.sessions.select(Some(id));
    if asks.is_some() {
        app.inbox.select(&app.data, asks);
    }
}

/// Selects an approval, and with it the session that asks.
pub fn approval(app: &mut App, id: Option<String>) {
    app.inbox.select(&app.data, id);
    if let Some(approval) = app.selected_approval() {
        let session = approval.session_id.clone();
        app.sessions.select(Some(session));
    }
}
