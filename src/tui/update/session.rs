//! What is done to sessions.

use super::{Effect, say};
use crate::protocol::session::{SessionState, UpdateSessionSettingsParams};
use crate::tui::state::form::Field;
use crate::tui::state::form::confirm::Confirm;
use crate::tui::state::form::say::{About, Say};
use crate::tui::state::{App, Form, notice::Tone};

/// The selected session; says so where there is none.
fn selected(app: &mut App) -> Option<SessionState> {
    let session = app.selected_session().cloned();
    if session.is_none() {
        say(app, Tone::Plain, "no session is selected");
    }
    session
}

/// Opens the form for a text.
pub fn say_to(app: &mut App, about: About) -> Vec<Effect> {
    if let Some(session) = selected(app) {
        let text = match about {
            About::Title => Field::holding(&session.title),
            About::Reply | About::Fork => Field::default(),
        };
        app.form = Some(Form::Say(Say {
            session: session.id,
            about,
            text,
        }));
    }
    Vec::new()
}

/// Stops the turn.
pub fn interrupt(app: &mut App) -> Vec<Effect> {
    let Some(session) = selected(app) else {
        return Vec::new();
    };
    if !session.status.is_active() {
        say(app, Tone::Plain, "it is not doing anything");
        return Vec::new();
    }
    vec![Effect::Interrupt(session.id)]
}

/// Ends the process; asks first while it works.
pub fn end(app: &mut App) -> Vec<Effect> {
    let Some(session) = selected(app) else {
        return Vec::new();
    };
    if !session.live {
        say(app, Tone::Plain, "its process has ended already");
        return Vec::new();
    }
    let effects = vec![Effect::End(session.id.clone())];
    if !session.status.is_active() {
        return effects;
    }
    app.form = Some(Form::Confirm(Confirm {
        question: format!(
            "End «{}» while it works? What it has not finished is lost.",
            crate::format::subject(&session, 60)
        ),
        then: effects,
        approval: None,
    }));
    Vec::new()
}

/// Puts the marked sessions away, or the selected one; takes back what is away.
pub fn archive(app: &mut App) -> Vec<Effect> {
    let mut sessions: Vec<String> = app.sessions.marked.iter().cloned().collect();
    if sessions.is_empty() {
        sessions.extend(app.sessions.selected.clone());
    }
    let Some(first) = sessions.first().and_then(|id| app.data.session(id)) else {
        say(app, Tone::Plain, "no session is selected");
        return Vec::new();
    };
    let archived = !first.archived;
    app.sessions.marked.clear();
    vec![Effect::Archive { sessions, archived }]
}

/// Accepts the session's edits without asking, or stops that.
pub fn auto_accept(app: &mut App) -> Vec<Effect> {
    let Some(session) = selected(app) else {
        return Vec::new();
    };
    let on = !session.auto_accept_edits;
    let change = Effect::Settings(UpdateSessionSettingsParams {
        session_id: session.id.clone(),
        auto_accept_edits: Some(on),
        ..UpdateSessionSettingsParams::default()
    });
    if !on {
        return vec![change];
    }
    app.form = Some(Form::Confirm(Confirm {
        question: format!(
            "Approve every edit of a file in «{}» without asking, until you switch it off?",
            crate::format::subject(&session, 60)
        ),
        then: vec![change],
        approval: None,
    }));
    Vec::new()
}
