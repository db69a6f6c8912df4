//! What is done to sessions: to the selected one, or to all that are marked.

use super::connection::can_send;
use super::{Effect, notify};
use crate::format::background_tasks;
use crate::protocol::messages::WithdrawMessageParams;
use crate::protocol::session::{RestartSessionParams, SessionState, UpdateSessionSettingsParams};
use crate::tui::effect::MessagePurpose;
use crate::tui::forms::bulk::{BulkAction, SessionAction};
use crate::tui::forms::confirm::Confirm;
use crate::tui::forms::message::{MessageForm, export_name};
use crate::tui::forms::yes::Yes;
use crate::tui::forms::{Field, Form};
use crate::tui::keymap::Action;
use crate::tui::state::App;
use crate::tui::state::notice::Tone;

/// The selected session; says so where there is none.
fn selected(app: &mut App) -> Option<SessionState> {
    let session = app.selected_session().cloned();
    if session.is_none() {
        notify(app, Tone::Plain, "No session selected");
    }
    session
}

/// The selected session, if it is one that can be steered; says why not.
fn ours(app: &mut App) -> Option<SessionState> {
    let session = selected(app)?;
    if session.external {
        let asker = session.asker.as_deref().unwrap_or("another program");
        let words = format!("This is a run of {asker}: it can be answered, not steered");
        notify(app, Tone::Plain, words);
        return None;
    }
    Some(session)
}

/// Opens the form for a text, with what was typed there before and did not arrive.
pub fn say_to(app: &mut App, about: MessagePurpose) -> Vec<Effect> {
    let session = match about {
        MessagePurpose::Title | MessagePurpose::Export => selected(app),
        MessagePurpose::Reply | MessagePurpose::Fork | MessagePurpose::Directory => ours(app),
    };
    if let Some(session) = session {
        // A process cannot be started where nothing is.
        let about = match about {
            MessagePurpose::Reply if session.directory_problem.is_some() && !session.live => {
                MessagePurpose::Directory
            }
            about => about,
        };
        let text = match (app.drafts.take(&session.id, about), about) {
            (Some(draft), _) => Field::holding(&draft),
            (None, MessagePurpose::Title) => Field::holding(&session.title),
            (None, MessagePurpose::Export) => {
                let name = export_name(&crate::format::subject(&session, 60));
                let remembered = app.launch.memory.export_directory.as_ref();
                let directory = app.relative_to_home(remembered.unwrap_or(&app.launch.exports));
                Field::holding(&format!("{}/{name}", directory.trim_end_matches('/')))
            }
            (None, MessagePurpose::Directory) => {
                let directory = session.directory_candidate.or(session.working_dir);
                Field::holding(&app.relative_to_home(&directory.unwrap_or_default()))
            }
            (None, MessagePurpose::Reply | MessagePurpose::Fork) => Field::default(),
        };
        app.form = Some(Form::Message(MessageForm {
            session: session.id,
            about,
            text,
        }));
    }
    Vec::new()
}

/// A text did not arrive: it is shown again, or kept where another form is open.
pub fn unsent(app: &mut App, session: String, about: MessagePurpose, text: &str, why: &str) {
    if app.form.is_none() {
        app.form = Some(Form::Message(MessageForm {
            session,
            about,
            text: Field::holding(text),
        }));
        return notify(app, Tone::Bad, why);
    }
    app.drafts.keep(&session, about, text.to_owned());
    let key = app.keymap.key(match about {
        MessagePurpose::Reply | MessagePurpose::Directory => Action::Reply,
        MessagePurpose::Fork => Action::Fork,
        MessagePurpose::Title => Action::Rename,
        MessagePurpose::Export => Action::Export,
    });
    notify(app, Tone::Bad, format!("{why} (text kept: {key})"));
}

/// A text arrived.
pub fn sent(app: &mut App, about: MessagePurpose, queued: bool) {
    match about {
        MessagePurpose::Reply if queued => {
            let key = app.keymap.key(Action::Unsend);
            let undo = if key.is_empty() {
                String::new()
            } else {
                format!(" ({key} withdraws it)")
            };
            notify(
                app,
                Tone::Good,
                format!("Queued until the agent reads it{undo}"),
            );
        }
        MessagePurpose::Reply => notify(app, Tone::Good, "sent"),
        MessagePurpose::Fork
        | MessagePurpose::Title
        | MessagePurpose::Export
        | MessagePurpose::Directory => {}
    }
}

/// Withdraws the selected message, else the newest that the agent has not read.
pub fn unsend(app: &mut App) -> Vec<Effect> {
    let Some(session) = ours(app) else {
        return Vec::new();
    };
    let shown = app.detail.session.as_deref() == Some(session.id.as_str());
    let Some(message_id) = shown
        .then(|| app.detail.transcript.unread_message())
        .flatten()
    else {
        notify(
            app,
            Tone::Plain,
            "No message here that the agent has not read",
        );
        return Vec::new();
    };
    if !can_send(app) {
        return Vec::new();
    }
    vec![Effect::Unsend(WithdrawMessageParams {
        session_id: session.id,
        message_id: Some(message_id),
    })]
}

/// Stops the turn.
pub fn interrupt(app: &mut App) -> Vec<Effect> {
    let works = |session: &SessionState| session.status.is_active() && !session.external;
    if many(app, SessionAction::Interrupt, works) {
        return Vec::new();
    }
    let Some(session) = ours(app) else {
        return Vec::new();
    };
    if !session.status.is_active() {
        let said = match background_tasks(session.background_tasks) {
            Some(tasks) => {
                format!("No turn to interrupt, only {tasks}; end the session to stop it")
            }
            None => "No turn to interrupt".to_owned(),
        };
        notify(app, Tone::Plain, said);
        return Vec::new();
    }
    if !can_send(app) {
        return Vec::new();
    }
    vec![Effect::Interrupt(session.id)]
}

/// Ends the process; asks first while it works.
pub fn end(app: &mut App) -> Vec<Effect> {
    if many(app, SessionAction::End, |session| session.live) {
        return Vec::new();
    }
    let Some(session) = ours(app) else {
        return Vec::new();
    };
    if !session.live {
        notify(app, Tone::Plain, "The process has already ended");
        return Vec::new();
    }
    let effects = vec![Effect::End(session.id.clone())];
    if !session.status.is_active() {
        return if can_send(app) { effects } else { Vec::new() };
    }
    let subject = crate::format::subject(&session, 60);
    app.form = Some(Form::Confirm(Confirm::before(
        "end",
        Yes::Letter,
        format!("End “{subject}”? The current turn will be lost."),
        effects,
    )));
    Vec::new()
}

/// Ends the process so that the next one has the person's present credentials; asks first.
pub fn restart(app: &mut App) -> Vec<Effect> {
    let Some(session) = ours(app) else {
        return Vec::new();
    };
    let subject = crate::format::subject(&session, 60);
    let loss = if session.status.is_active() {
        " The current turn will be lost."
    } else {
        ""
    };
    let params = RestartSessionParams {
        session_id: session.id,
        env: Some(app.launch.environment.clone()),
    };
    app.form = Some(Form::Confirm(Confirm::before(
        "restart",
        Yes::Letter,
        format!("Restart “{subject}” with your current credentials?{loss}"),
        vec![Effect::RestartSession(Box::new(params))],
    )));
    Vec::new()
}

/// Archives the marked sessions, or the selected one; brings back what is archived.
pub fn archive(app: &mut App) -> Vec<Effect> {
    let marked = |archived| {
        let mut sessions = app.sessions.marked.iter();
        sessions.any(|id| app.data.session(id).is_some_and(|s| s.archived == archived))
    };
    // Where both are marked, what is there goes away: that is what is asked for more often.
    let what = if marked(true) && !marked(false) {
        SessionAction::Unarchive
    } else {
        SessionAction::Archive
    };
    let archived = what == SessionAction::Archive;
    // What works is ended first: it would go on unseen.
    let fits = |session: &SessionState| {
        session.archived != archived && !(archived && session.status.is_active())
    };
    if many(app, what, fits) {
        return Vec::new();
    }
    let Some(session) = selected(app) else {
        return Vec::new();
    };
    if !session.archived && session.status.is_active() && session.live {
        let name = crate::format::subject(&session, 40);
        let key = app.keymap.key(Action::EndSession);
        let text = format!("“{name}” is running: end it first ({key})");
        notify(app, Tone::Plain, text);
        return Vec::new();
    }
    if !can_send(app) {
        return Vec::new();
    }
    vec![Effect::Archive {
        archived: !session.archived,
        sessions: vec![session.id],
    }]
}

/// Deletes the marked sessions, or the selected one, as far as they have ended; asks first.
pub fn delete(app: &mut App) -> Vec<Effect> {
    // What the daemon refuses to delete.
    let asks = |session: &SessionState| session.external && session.pending_approvals > 0;
    let is_over = |session: &SessionState| !session.live && !asks(session);
    if many(app, SessionAction::Delete, is_over) {
        return Vec::new();
    }
    let Some(session) = selected(app) else {
        return Vec::new();
    };
    if is_over(&session) {
        app.form = Some(Form::Bulk(BulkAction {
            what: SessionAction::Delete,
            sessions: vec![session.id],
            left_out: 0,
            scroll: 0,
        }));
        return Vec::new();
    }
    let name = crate::format::subject(&session, 40);
    let words = if session.live {
        let key = app.keymap.key(Action::EndSession);
        format!("“{name}” has not ended: end it first ({key})")
    } else {
        format!("“{name}” has pending requests: decide them first")
    };
    notify(app, Tone::Plain, words);
    Vec::new()
}

/// Asks about the marked sessions, where there are any; says whether there are.
fn many(app: &mut App, what: SessionAction, fits: impl Fn(&SessionState) -> bool) -> bool {
    // In the order of the list, so that the summary reads like it.
    app.sessions.arrange(&app.data);
    let marked = &app.sessions.marked;
    let shown = app.sessions.ids().filter(|id| marked.contains(*id));
    let mut sessions: Vec<String> = shown.map(str::to_owned).collect();
    let seen: std::collections::BTreeSet<&str> = sessions.iter().map(String::as_str).collect();
    let rest: Vec<String> = marked
        .iter()
        .filter(|id| !seen.contains(id.as_str()) && app.data.session(id).is_some())
        .cloned()
        .collect();
    sessions.extend(rest);
    let all = sessions.len();
    sessions.retain(|id| app.data.session(id).is_some_and(&fits));
    if all == 0 {
        return false;
    }
    if sessions.is_empty() {
        let words = match what {
            SessionAction::Delete => {
                let key = app.keymap.key(Action::EndSession);
                format!("No selected session has ended: end them first ({key})")
            }
            SessionAction::Interrupt
            | SessionAction::End
            | SessionAction::Archive
            | SessionAction::Unarchive => {
                format!("All selected sessions are {}", what.why_not())
            }
        };
        notify(app, Tone::Plain, words);
        return true;
    }
    app.form = Some(Form::Bulk(BulkAction {
        what,
        left_out: all - sessions.len(),
        sessions,
        scroll: 0,
    }));
    true
}

/// Accepts the session's edits without asking, or stops that.
pub fn auto_accept(app: &mut App) -> Vec<Effect> {
    let Some(session) = ours(app) else {
        return Vec::new();
    };
    let on = !session.auto_accept_edits;
    let change = Effect::Settings(UpdateSessionSettingsParams {
        session_id: session.id.clone(),
        auto_accept_edits: Some(on),
        ..UpdateSessionSettingsParams::default()
    });
    if !on {
        return if can_send(app) {
            vec![change]
        } else {
            Vec::new()
        };
    }
    let subject = crate::format::subject(&session, 60);
    app.form = Some(Form::Confirm(Confirm::before(
        "auto-accept edits",
        Yes::Letter,
        format!(
            "Auto-accept edits in “{subject}”? Edits will run without asking until you turn this off."
        ),
        vec![change],
    )));
    Vec::new()
}

/// The file for an export is there already: asks whether it is to be overwritten.
pub fn export_exists(app: &mut App, session: String, path: String) {
    let question = format!("Overwrite {}?", app.relative_to_home(&path));
    if app.form.is_some() {
        return notify(app, Tone::Bad, format!("Not exported: {path} exists"));
    }
    let export = Effect::Export {
        session,
        path,
        overwrite: true,
    };
    app.form = Some(Form::Confirm(Confirm::before(
        "overwrite",
        Yes::Letter,
        question,
        vec![export],
    )));
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
