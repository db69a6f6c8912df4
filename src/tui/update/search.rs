//! Looking for words in all sessions, and going to where they are.

use super::{Effect, select};
use crate::protocol::conversation::SearchConversationsResponse;
use crate::tui::forms::Form;
use crate::tui::forms::search::{SearchForm, SearchRow};
use crate::tui::state::detail::Place;
use crate::tui::state::{App, Pane};

/// Opens the form: as it was left by going to something that it had found.
pub fn open(app: &mut App) -> Vec<Effect> {
    let mut form = app
        .searched
        .take()
        .map_or_else(SearchForm::default, |left| *left);
    // What is typed next takes the place of what is there.
    form.words.area.select_all();
    app.form = Some(Form::Search(form));
    Vec::new()
}

/// After the words changed, or a search ended: begins the next one if there is none.
pub fn ask(app: &mut App, form: &mut SearchForm) -> Vec<Effect> {
    let Some(query) = form.typed(&app.data) else {
        return Vec::new();
    };
    app.searches += 1;
    form.asked = Some((app.searches, query.clone()));
    vec![Effect::Find {
        number: app.searches,
        query,
    }]
}

/// A search ended. One whose form is gone, or that another one followed, means nothing any more.
pub fn found(
    app: &mut App,
    number: u64,
    found: Result<SearchConversationsResponse, String>,
) -> Vec<Effect> {
    let Some(Form::Search(mut form)) = app.form.take_if(|form| matches!(form, Form::Search(_)))
    else {
        return Vec::new();
    };
    let mut effects = Vec::new();
    if let Some((_, query)) = form.asked.take_if(|(asked, _)| *asked == number) {
        form.hits_for = query;
        match found {
            Ok(found) => {
                form.hits = found.hits;
                let left_out = found.left_out.into_iter();
                form.left_out = left_out.map(|it| (it.session_id, it.places)).collect();
                form.more = !found.complete;
                form.problem = None;
            }
            Err(why) => {
                form.hits.clear();
                form.left_out.clear();
                form.problem = Some(why);
            }
        }
        if form.query() != form.hits_for {
            effects = ask(app, &mut form);
        }
        form.selected = form.selected.min(form.count().saturating_sub(1));
    }
    app.form = Some(Form::Search(form));
    effects
}

/// Goes to what a row is about, and keeps the form for coming back.
pub fn go(app: &mut App, mut form: SearchForm) -> Vec<Effect> {
    form.asked = None;
    let (session, place) = match form.row(form.selected) {
        None => {
            app.form = Some(Form::Search(form));
            return Vec::new();
        }
        Some(SearchRow::Session(id)) => (id.to_owned(), None),
        Some(SearchRow::Place(hit)) => {
            let place = Place {
                session: hit.session_id.clone(),
                sequence: hit.sequence,
                words: form.hits_for.words.clone(),
            };
            (hit.session_id.clone(), Some(place))
        }
    };
    app.searched = Some(Box::new(form));
    if app.data.session(&session).is_some_and(|s| s.archived) {
        app.sessions.show_archived = true;
    }
    app.sessions.filter.clear();
    app.sessions.stale();
    let mut effects = Vec::new();
    if app.data.session(&session).is_none() {
        app.sessions.awaited = Some(session.clone());
        effects.push(Effect::Session(session.clone()));
    }
    select::session(app, session);
    if place.is_some() {
        // Its conversation is read anew, from there.
        app.detail.session = None;
        app.detail.place = place;
    }
    app.focus = Pane::Conversation;
    app.detail.open = true;
    effects
}

#[cfg(test)]
#[path = "search_tests.rs"]
mod tests;
