//! What the daemon tells.

use serde::Deserialize;
use serde_json::Value;

use super::{Effect, say};
use crate::domain::{Outcome, Status};
use crate::protocol::PROTOCOL_VERSION;
use crate::protocol::approval::Approval;
use crate::protocol::conversation::ConversationEvent;
use crate::protocol::event::EventNotification;
use crate::protocol::session::SessionState;
use crate::tui::effect::Page;
use crate::tui::msg::{Link, Stream};
use crate::tui::state::{App, Connection, notice::Tone};
use crate::tui::transcript::summary_line;

/// Takes in what became of the connection.
pub fn link(app: &mut App, link: Link) -> Vec<Effect> {
    match link {
        Link::Up { health, overview } => {
            let again = matches!(app.connection, Connection::Lost { .. });
            app.connection = Connection::Up {
                current: health.protocol == PROTOCOL_VERSION
                    && health.version == env!("CARGO_PKG_VERSION"),
                version: health.version,
                problem: health.problem,
            };
            let known: Vec<String> = app.data.pending.keys().cloned().collect();
            app.data.replace(*overview);
            if again {
                say(app, Tone::Good, "connected again");
            }
            let news: Vec<Approval> = app
                .data
                .pending
                .values()
                .filter(|approval| !known.contains(&approval.id))
                .cloned()
                .collect();
            let mut effects = match news.last() {
                Some(newest) if again => call(app, newest),
                Some(_) | None => Vec::new(),
            };
            if app.data.is_empty() {
                effects.push(Effect::Check);
            }
            effects
        }
        Link::More(sessions) => {
            app.data.add(sessions);
            Vec::new()
        }
        Link::Complete => {
            app.data.complete = true;
            Vec::new()
        }
        Link::Lost { why, stopped } => {
            let since = match &app.connection {
                Connection::Lost { since, .. } => *since,
                Connection::Connecting | Connection::Up { .. } => app.now,
            };
            app.connection = Connection::Lost {
                why,
                since,
                stopped,
            };
            app.inbox.sending.clear();
            Vec::new()
        }
        Link::Event(event) => event_of_any(app, &event),
    }
}

/// An event that concerns the lists.
fn event_of_any(app: &mut App, event: &EventNotification) -> Vec<Effect> {
    let session = text(&event.data, "session_id");
    let mut effects = Vec::new();
    match event.r#type.as_str() {
        "new_approval" | "approval_resolved" | "approval_delivered" => {
            if let Some(approval) = field::<Approval>(&event.data, "approval") {
                effects.extend(take_approval(app, approval));
            }
        }
        "session_updated" => {
            if let Some(state) = field::<SessionState>(&event.data, "session") {
                app.data.put(state);
                return effects;
            }
        }
        "session_status_changed" => {
            let new = field::<Status>(&event.data, "new_status");
            if let (Some(new), Some(id)) = (new, session) {
                app.data.status(id, new, event.timestamp);
            }
        }
        _ => {}
    }
    // Its record says more than the event, and may not be here at all.
    if let Some(id) = session
        && (event.r#type == "session_settings_changed" || app.data.session(id).is_none())
    {
        effects.push(Effect::Session(id.to_owned()));
    }
    effects
}

/// Takes an approval in as it is now, and says what is worth saying.
pub fn take_approval(app: &mut App, approval: Approval) -> Vec<Effect> {
    let was_pending = app.data.pending(&approval.id).is_some();
    let ours = app.inbox.sending.remove(&approval.id);
    let subject = summary_line(&approval.tool_name, &approval.tool_input);
    let outcome = approval.outcome;
    let news =
        outcome == Outcome::Pending && !was_pending && app.data.recent(&approval.id).is_none();
    if app.detail.session.as_deref() == Some(approval.session_id.as_str()) {
        app.detail.transcript.approval(&approval);
    }
    let by = approval.decided_by.clone();
    let undelivered = approval.undelivered.clone();
    app.data.approval(approval.clone());
    if was_pending && outcome != Outcome::Pending {
        let who = match (&ours, by) {
            (Some(_), _) | (None, None) => String::new(),
            (None, Some(by)) => format!(" by {}", by.describe()),
        };
        let tone = match outcome {
            Outcome::Approved | Outcome::Answered => Tone::Good,
            Outcome::Denied
            | Outcome::Withdrawn
            | Outcome::Abandoned
            | Outcome::Expired
            | Outcome::Pending => Tone::Plain,
        };
        say(app, tone, format!("{}{who}: {subject}", outcome.as_str()));
    }
    if let Some(why) = undelivered {
        say(app, Tone::Bad, format!("not delivered: {why}: {subject}"));
    }
    if news {
        call(app, &approval)
    } else {
        Vec::new()
    }
}

/// Calls the user, as they wish to be called.
fn call(app: &App, approval: &Approval) -> Vec<Effect> {
    if is_quiet(app) {
        return Vec::new();
    }
    let mut effects = Vec::new();
    if app.wishes.bell {
        effects.push(Effect::Bell);
    }
    if app.wishes.notify && !app.attention {
        let session = app.data.session(&approval.session_id);
        effects.push(Effect::Notify {
            title: session.map_or_else(
                || "humanlayer".to_owned(),
                |session| crate::format::subject(session, 60),
            ),
            body: summary_line(&approval.tool_name, &approval.tool_input),
        });
    }
    effects
}

/// Whether these are the hours in which nobody wants to be called.
fn is_quiet(app: &App) -> bool {
    let Some((from, until)) = app.wishes.quiet_hours else {
        return false;
    };
    let zoned = app.now.to_zoned_datetime(jiff::tz::TimeZone::system());
    let hour = u8::try_from(zoned.hour()).unwrap_or(0);
    if from <= until {
        (from..until).contains(&hour)
    } else {
        hour >= from || hour < until
    }
}

/// An event of the open conversation.
pub fn stream(app: &mut App, session: &str, what: Stream) -> Vec<Effect> {
    if app.detail.session.as_deref() != Some(session) {
        return Vec::new();
    }
    let event = match what {
        Stream::Event(event) => event,
        Stream::Gap => {
            let page = match (app.detail.transcript.newest(), &app.detail.place) {
                (Some(newest), _) => Page::After(newest),
                (None, Some(place)) => Page::After(place.begin()),
                (None, None) => Page::Last,
            };
            return vec![Effect::Page {
                session: session.to_owned(),
                page,
            }];
        }
    };
    match event.r#type.as_str() {
        // The conversation is being read from a place on; what comes at its end is read with it.
        "conversation_updated" | "message_delta" if app.detail.place.is_some() => {}
        "conversation_updated" => match ConversationEvent::deserialize(&event.data) {
            Ok(piece) => app.detail.transcript.push(piece),
            // A newer daemon's piece; the page that is read next has what we can show of it.
            Err(_) => {
                return vec![Effect::Page {
                    session: session.to_owned(),
                    page: Page::Last,
                }];
            }
        },
        "message_delta" => {
            if let Some(delta) = event.data.get("delta") {
                app.detail.transcript.delta(delta);
            }
        }
        _ => {}
    }
    Vec::new()
}

fn text<'a>(data: &'a Value, key: &str) -> Option<&'a str> {
    data.get(key).and_then(Value::as_str)
}

/// A part of an event; none where a newer daemon's shape is not understood.
fn field<T: for<'de> Deserialize<'de>>(data: &Value, key: &str) -> Option<T> {
    T::deserialize(data.get(key)?).ok()
}
