//! What is selected, after anything changed.

use super::Effect;
use crate::tui::state::{App, Detail, Pane};
use crate::tui::transcript::Transcript;

/// Keeps the selections on something that exists and the conversation on the selected session.
pub fn settle(app: &mut App) -> Vec<Effect> {
    app.sessions.arrange(&app.data);
    let before = app.inbox.selected.clone();
    app.inbox.settle(&app.data);
    // The conversation follows the approval on which a person has to decide next, unless they are
    // looking at something of their own choice.
    if app.inbox.selected != before
        && app.focus != Pane::Conversation
        && let Some(approval) = app.selected_approval()
    {
        app.sessions.selected = Some(approval.session_id.clone());
    }
    let known = app
        .sessions
        .selected
        .as_deref()
        .is_some_and(|id| app.data.session(id).is_some());
    if app.sessions.selected.is_none() || (!known && app.data.complete) {
        let first = app.sessions.ids().next().cloned();
        app.sessions.selected = first;
    }
    follow(app)
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
    app.detail = Detail {
        session: app.sessions.selected.clone(),
        transcript: Transcript::new(),
        loading: app.sessions.selected.is_some(),
        open: app.detail.open,
        ..Detail::default()
    };
    // The first page is read once its events are listened to, so that nothing falls in between.
    vec![Effect::Follow(app.detail.session.clone())]
}

/// Selects a session, and with it what it asks.
pub fn session(app: &mut App, id: String) {
    let asks = app.data.oldest_of(&id).map(|approval| approval.id.clone());
    app.sessions.selected = Some(id);
    if asks.is_some() {
        app.inbox.select(&app.data, asks);
    }
}

/// Selects an approval, and with it the session that asks.
pub fn approval(app: &mut App, id: Option<String>) {
    app.inbox.select(&app.data, id);
    if let Some(approval) = app.selected_approval() {
        app.sessions.selected = Some(approval.session_id.clone());
    }
}
