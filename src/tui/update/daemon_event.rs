//! What the daemon tells.

use jiff::Timestamp;

use super::unread::{self, Alert};
use super::{Effect, notify, select};
use crate::domain::{Outcome, Status};
use crate::protocol::PROTOCOL_VERSION;
use crate::protocol::approval::Approval;
use crate::protocol::event::{AlarmsChange, EventBody, EventNotification};
use crate::tui::effect::ConversationPage;
use crate::tui::msg::{Link, Stream};
use crate::tui::state::inbox::Batch;
use crate::tui::state::notice::Tone;
use crate::tui::state::{App, Connection, ConnectionProblem};
use crate::tui::transcript::summary_line;

/// Takes in what became of the connection.
pub fn link(app: &mut App, link: Link) -> Vec<Effect> {
    match link {
        Link::Up { health, overview } => {
            let first = app.connection == Connection::Connecting;
            let again = matches!(app.connection, Connection::Lost { .. });
            app.connection = Connection::Up {
                current: health.protocol == PROTOCOL_VERSION
                    && health.version == env!("CARGO_PKG_VERSION"),
                version: health.version,
                problem: health.problem,
            };
            let known: Vec<String> = app.data.pending.keys().cloned().collect();
            unread::learned(app, &overview.sessions);
            for session in &overview.sessions {
                app.activity.learned(session);
            }
            app.data.replace(*overview);
            let unconfirmed = std::mem::take(&mut app.inbox.unconfirmed);
            let (open, over): (Vec<String>, Vec<String>) = unconfirmed
                .into_iter()
                .partition(|id| app.data.pending.contains_key(id));
            if !open.is_empty() {
                let what = match open.as_slice() {
                    [id] => app.inbox.summary(id).to_owned(),
                    many => format!("{} requests", many.len()),
                };
                notify(
                    app,
                    Tone::Bad,
                    format!(
                        "Reconnected; still to be decided, as the daemon had not begun: {what}"
                    ),
                );
            } else if again {
                // What went wrong meanwhile, such as a decision that was not made, is still to be read.
                let wrong = app
                    .notice
                    .as_ref()
                    .filter(|notice| notice.tone == Tone::Bad && !notice.is_over(app.now));
                match wrong.map(|notice| notice.text.clone()) {
                    Some(text) => {
                        let text = text.strip_prefix("Reconnected; ").unwrap_or(&text);
                        notify(app, Tone::Bad, format!("Reconnected; {text}"));
                    }
                    None => notify(app, Tone::Good, "Reconnected"),
                }
            }
            // What was decided after all is said as any decision is.
            let mut effects: Vec<Effect> = over.into_iter().map(Effect::Approval).collect();
            let news: Vec<Approval> = app
                .data
                .pending
                .values()
                .filter(|approval| !known.contains(&approval.id))
                .cloned()
                .collect();
            match news.last() {
                Some(newest) if !first => {
                    let body = summary_line(&newest.tool_name, &newest.tool_input);
                    effects.extend(call(app, &newest.session_id, body));
                }
                Some(_) | None => {}
            }
            effects
        }
        Link::MorePending(approvals) => {
            for approval in approvals {
                app.data.upsert_approval(approval);
            }
            Vec::new()
        }
        Link::More(sessions) => {
            unread::learned(app, &sessions);
            for session in &sessions {
                app.activity.learned(session);
            }
            app.data.add(sessions);
            Vec::new()
        }
        Link::Complete => {
            app.data.complete = true;
            unread::complete(app)
        }
        Link::Lost { why, problem } => {
            app.detail.transcript.drop_drafts();
            let (since, same) = match &app.connection {
                Connection::Lost {
                    since,
                    problem: before,
                    ..
                } => (*since, *before == problem),
                Connection::Connecting | Connection::Up { .. } => (app.now, false),
            };
            // Said once, where there is more to it than the status line goes on saying.
            let telling = match problem {
                ConnectionProblem::NotStarted
                | ConnectionProblem::Refused
                | ConnectionProblem::Foreign => true,
                ConnectionProblem::Stopped
                | ConnectionProblem::Broken
                | ConnectionProblem::Silent => false,
            };
            if telling && !same {
                notify(app, Tone::Bad, why.clone());
            }
            app.connection = Connection::Lost {
                why,
                since,
                problem,
            };
            // Whether those were taken is not known; what is pending then is asked for anew.
            app.inbox.sending.clear();
            Vec::new()
        }
        Link::Event(event) => event_of_any(app, &event),
    }
}

/// An event that concerns the lists.
fn event_of_any(app: &mut App, event: &EventNotification) -> Vec<Effect> {
    let session = event.session_id();
    let mut effects = Vec::new();
    let mut is_changed = false;
    match event.body() {
        EventBody::NewApproval(change)
        | EventBody::ApprovalResolved(change)
        | EventBody::ApprovalDelivered(change) => {
            effects.extend(take_approval(app, change.approval));
        }
        EventBody::SessionUpdated(change) => {
            let (id, now) = (change.session.id.clone(), change.session.status);
            let before = app.data.session(&id).map(|session| session.status);
            if before.is_none() {
                app.activity.learned(&change.session);
            }
            app.data.upsert_session(change.session);
            if let Some(before) = before {
                effects.extend(status_changed(app, &id, before, now, event.timestamp));
            }
            return effects;
        }
        EventBody::AlarmsChanged(AlarmsChange { open }) => {
            if open > app.data.open_alarms {
                notify(
                    app,
                    Tone::Bad,
                    "Alarm: `humanlayer alarms` in a shell says what happened",
                );
            }
            app.data.open_alarms = open;
            return effects;
        }
        EventBody::ProblemChanged(change) => {
            if let Connection::Up { problem, .. } = &mut app.connection {
                let before = std::mem::replace(problem, change.problem.clone());
                // What is over need not be read any more.
                app.notice
                    .take_if(|notice| before.as_ref() == Some(&notice.text));
                if let Some(words) = change.problem {
                    notify(app, Tone::Bad, words);
                }
            }
            return effects;
        }
        EventBody::SessionDeleted => {
            if let Some(id) = session {
                app.data.remove_session(id);
                app.sessions.marked.remove(id);
                app.activity.forget(id);
                effects.extend(unread::deleted(app, id));
            }
            return effects;
        }
        EventBody::SessionStatusChanged(change) => {
            if let Some(id) = session {
                let new = change.new_status;
                let before = app.data.session(id).map(|session| session.status);
                app.data.set_status(id, new, event.timestamp);
                if let Some(before) = before {
                    effects.extend(status_changed(app, id, before, new, event.timestamp));
                }
                if !new.is_active() && app.detail.session.as_deref() == Some(id) {
                    // Nothing is being written any more; what was is stored, or never will be.
                    app.detail.transcript.drop_drafts();
                }
            }
        }
        EventBody::SessionSettingsChanged(_) => is_changed = true,
        // The open conversation's come another way; what is unknown may still be about a new session.
        EventBody::ConversationUpdated(_)
        | EventBody::MessageUpdated(_)
        | EventBody::MessageDelta(_)
        | EventBody::Resync
        | EventBody::Unknown => {}
    }
    // Its record says more than the event, and may not be here at all.
    if let Some(id) = session
        && (is_changed || app.data.session(id).is_none())
    {
        effects.push(Effect::Session(id.to_owned()));
    }
    effects
}

/// A session has another status than before.
fn status_changed(
    app: &mut App,
    id: &str,
    before: Status,
    now: Status,
    at: Timestamp,
) -> Vec<Effect> {
    if let Some(session) = app.data.session(id) {
        app.activity.status_changed(session, before, at);
    }
    unread::status_changed(app, id, before, now)
}

/// Notes the end of an approval that is part of a batch, and reports the batch once all have ended;
/// whether it is part of one.
fn batch_ended(app: &mut App, approval: &str, outcome: Outcome) -> bool {
    let Some(batch) = &mut app.inbox.batch else {
        return false;
    };
    let wanted = if batch.yes {
        Outcome::Approved
    } else {
        Outcome::Denied
    };
    let is_part = batch.ended(approval, outcome == wanted);
    report_batch(app);
    is_part
}

/// Reports a batch, once all of it has ended.
pub fn report_batch(app: &mut App) {
    let Some(report) = app.inbox.batch.as_ref().and_then(Batch::report) else {
        return;
    };
    let failed = app.inbox.batch.take().is_some_and(|batch| batch.failed > 0);
    let tone = if failed { Tone::Bad } else { Tone::Good };
    notify(app, tone, report);
}

/// Takes an approval in as it is now, and says what is worth saying.
pub fn take_approval(app: &mut App, approval: Approval) -> Vec<Effect> {
    let position = app.data.pending.get_index_of(&approval.id);
    let was_pending = position.is_some();
    let ours = app.inbox.sending.remove(&approval.id);
    let input = crate::format::effective_input(&approval);
    let subject = summary_line(&approval.tool_name, input);
    let is_edited = crate::format::is_edited(&approval);
    let remarks = crate::format::remarks(is_edited, approval.unread_lines);
    let outcome = approval.outcome;
    let news =
        outcome == Outcome::Pending && !was_pending && app.data.recent(&approval.id).is_none();
    if app.detail.session.as_deref() == Some(approval.session_id.as_str()) {
        app.detail.transcript.approval(&approval);
    }
    let by = approval.decided_by.clone();
    let undelivered = approval.undelivered.clone();
    if let (Some(tour), true, Some(_)) = (&mut app.tour, was_pending, &ours) {
        tour.decided(approval.kind, outcome);
    }
    let (id, session) = (approval.id.clone(), approval.session_id.clone());
    app.data.upsert_approval(approval);
    if let (Some(position), Some(_), true) = (position, ours, outcome != Outcome::Pending) {
        select::after_decision(app, &id, &session, position);
    }
    let is_of_batch = outcome != Outcome::Pending && batch_ended(app, &id, outcome);
    if was_pending && outcome != Outcome::Pending && !is_of_batch {
        let who = match (&ours, by) {
            // What was sent from here is known to be one's own; a rule that followed from it is not.
            (Some(_), _) | (None, None) => String::new(),
            (None, Some(by)) => format!(" by {}", crate::format::decided_by(&by)),
        };
        let tone = match outcome {
            Outcome::Approved | Outcome::Answered => Tone::Good,
            Outcome::Denied
            | Outcome::Withdrawn
            | Outcome::Abandoned
            | Outcome::Expired
            | Outcome::Pending => Tone::Plain,
        };
        notify(
            app,
            tone,
            format!("{}{who}{remarks}: {subject}", outcome.as_str()),
        );
    }
    if let Some(why) = undelivered {
        notify(app, Tone::Bad, format!("not delivered: {why}: {subject}"));
    }
    if news {
        call(app, &session, subject)
    } else {
        Vec::new()
    }
}

/// Calls the user for an approval of a session, of which it says what it touches.
fn call(app: &App, session: &str, body: String) -> Vec<Effect> {
    let session = app.data.session(session);
    let title = session.map_or_else(
        || "humanlayer".to_owned(),
        |session| crate::format::subject(session, 60),
    );
    unread::call(app, Alert::NeedsYou, title, body)
}

/// An event of the open conversation.
pub fn stream(app: &mut App, session: &str, what: Stream) -> Vec<Effect> {
    if app.detail.session.as_deref() != Some(session) {
        return Vec::new();
    }
    let event = match what {
        Stream::Event(event) => event,
        Stream::Gap => {
            // What became of messages that were not read is in the page from the first of them on.
            let unread = app.detail.transcript.first_unread().map(|first| first - 1);
            let newest = app.detail.transcript.newest();
            let newest = newest.map(|newest| unread.map_or(newest, |unread| unread.min(newest)));
            let page = match (newest, &app.detail.place) {
                (Some(newest), _) => ConversationPage::After(newest),
                (None, Some(place)) => ConversationPage::After(place.begin()),
                (None, None) => ConversationPage::Last,
            };
            return vec![Effect::Page {
                session: session.to_owned(),
                page,
            }];
        }
    };
    match event.body() {
        // The conversation is being read from a place on; what comes at its end is read with it.
        EventBody::ConversationUpdated(_) | EventBody::MessageDelta(_)
            if app.detail.place.is_some() => {}
        EventBody::ConversationUpdated(piece) => app.detail.transcript.push(*piece),
        EventBody::MessageUpdated(change) => app.detail.transcript.message_updated(
            change.sequence,
            change.message_id,
            change.delivery,
        ),
        EventBody::MessageDelta(change) => app.detail.transcript.delta(&change.delta),
        // A newer daemon's piece; the page that is read next has what we can show of it.
        EventBody::Unknown if app.detail.place.is_none() => {
            return vec![Effect::Page {
                session: session.to_owned(),
                page: ConversationPage::Last,
            }];
        }
        EventBody::Unknown
        | EventBody::NewApproval(_)
        | EventBody::ApprovalResolved(_)
        | EventBody::ApprovalDelivered(_)
        | EventBody::SessionStatusChanged(_)
        | EventBody::SessionSettingsChanged(_)
        | EventBody::SessionDeleted
        | EventBody::SessionUpdated(_)
        | EventBody::AlarmsChanged(_)
        | EventBody::ProblemChanged(_)
        | EventBody::Resync => {}
    }
    Vec::new()
}
