//! What came of the effects that were carried out.

use super::{Effect, card, daemon_event, launch, notify, search, session};
use crate::protocol::decision::SendDecisionResponse;
use crate::tui::effect::{ConversationPage, Purpose};
use crate::tui::msg::{Begun, EffectResult, Failure, LaunchSource, Refused};
use crate::tui::state::notice::Tone;
use crate::tui::state::{App, Pane};
use crate::tui::transcript::Scroll;

/// Takes in what came of an effect.
pub fn done(app: &mut App, done: EffectResult) -> Vec<Effect> {
    match done {
        EffectResult::Decided { id, answer } => decided(app, &id, answer),
        EffectResult::Page {
            session,
            page,
            pieces,
            full,
        } => {
            if app.detail.session.as_deref() != Some(session.as_str()) {
                return Vec::new();
            }
            app.detail.loading = false;
            let mut effects = Vec::new();
            match pieces {
                Ok(pieces) => {
                    app.detail.problem = None;
                    let more = pieces
                        .events
                        .first()
                        .is_some_and(|first| first.sequence > 1);
                    match page {
                        ConversationPage::Last => {
                            app.detail.transcript.replace(pieces.events, more)
                        }
                        ConversationPage::Before(_) => {
                            app.detail.transcript.prepend(pieces.events, more)
                        }
                        ConversationPage::After(_) if app.detail.transcript.newest().is_none() => {
                            app.detail.transcript.replace(pieces.events, more);
                            go_to_place(app);
                        }
                        ConversationPage::After(_) => {
                            app.detail.transcript.append(pieces.events, full);
                        }
                    }
                    // To the end, so that what is live follows on it.
                    if let (ConversationPage::After(_), true, Some(newest)) =
                        (page, full, app.detail.transcript.newest())
                    {
                        app.detail.loading = true;
                        effects.push(Effect::Page {
                            session: session.clone(),
                            page: ConversationPage::After(newest),
                        });
                    }
                    for approval in app.data.pending.values() {
                        if approval.session_id == session {
                            app.detail.transcript.approval(approval);
                        }
                    }
                }
                Err(why) => app.detail.problem = Some(why),
            }
            effects
        }
        EffectResult::Session(Ok(session)) => {
            app.data.upsert_session(*session);
            Vec::new()
        }
        EffectResult::Approval(Ok(approval)) => daemon_event::take_approval(app, *approval),
        EffectResult::Session(Err(_)) => {
            app.sessions.awaited = None;
            Vec::new()
        }
        EffectResult::Approval(Err(_)) => Vec::new(),
        EffectResult::File {
            approval,
            path,
            found,
        } => {
            card::looked(app, &approval, &path, found);
            Vec::new()
        }
        EffectResult::Branch { directory, name } => {
            card::branch(app, &directory, name);
            Vec::new()
        }
        EffectResult::Started(Ok(Begun { session, sent_as })) => {
            let mut effects = launch::started(app, &sent_as);
            app.sessions.select(Some(session.clone()));
            app.sessions.awaited = Some(session.clone());
            // The keys are where the selected row is, also where other sessions ask.
            if app.focus == Pane::Inbox {
                app.focus = Pane::Sessions;
            }
            effects.push(Effect::Session(session));
            effects
        }
        EffectResult::Started(Err(Refused { query, by, why })) => {
            match by {
                LaunchSource::New(id) => launch::refused(app, &id, &query, &why),
                LaunchSource::From {
                    session: from,
                    about,
                } => {
                    session::unsent(app, from, about, &query, why.why());
                }
            }
            Vec::new()
        }
        EffectResult::MessageSent {
            session: to,
            about,
            text,
            answer,
        } => {
            match answer {
                Ok(queued) => session::sent(app, about, queued),
                Err(why) => session::unsent(app, to, about, &text, &why),
            }
            Vec::new()
        }
        EffectResult::Toast(Ok(words)) => {
            if !words.is_empty() {
                notify(app, Tone::Good, words);
            }
            Vec::new()
        }
        EffectResult::Toast(Err(why)) => {
            notify(app, Tone::Bad, why);
            Vec::new()
        }
        EffectResult::ExportExists { session: id, path } => {
            session::export_exists(app, id, path);
            Vec::new()
        }
        EffectResult::Edited { purpose, text } => match (purpose, text) {
            (_, Err(why)) => {
                notify(app, Tone::Bad, why);
                Vec::new()
            }
            (Purpose::Look, Ok(_)) => Vec::new(),
            (Purpose::Input { approval }, Ok(text)) => {
                super::decide::edited(app, &approval, &text);
                Vec::new()
            }
            (Purpose::Field, Ok(text)) => {
                let text = text.trim_end_matches('\n');
                match &mut app.form {
                    Some(form) => {
                        if let Some(field) = form.field() {
                            field.set(text);
                        }
                    }
                    None => app.launch.prompt.set(text),
                }
                Vec::new()
            }
        },
        EffectResult::MemoryLoaded(memory) => {
            // What was learned before this came stays.
            let unread = std::mem::take(&mut app.launch.memory.unread);
            let seen = app.launch.memory.seen_until;
            app.launch.memory = *memory;
            app.launch.memory.unread.extend(unread);
            app.launch.memory.seen_until = seen.max(app.launch.memory.seen_until);
            Vec::new()
        }
        EffectResult::RecentPaths(paths) => {
            app.launch.recent = paths;
            Vec::new()
        }
        EffectResult::PermissionModes(modes) => {
            launch::offer_modes(app, modes);
            Vec::new()
        }
        EffectResult::Completions { of, found } => {
            launch::completions(app, &of, found);
            Vec::new()
        }
        EffectResult::SearchResults { number, found } => search::found(app, number, found),
        EffectResult::DoctorFindings(findings) => {
            app.first_run.findings = findings;
            app.first_run.looking = false;
            Vec::new()
        }
    }
}

/// Goes to the words that the conversation was opened for.
fn go_to_place(app: &mut App) {
    let Some(place) = app.detail.place.take() else {
        return;
    };
    app.detail.transcript.scroll(Scroll::Top);
    app.detail
        .transcript
        .search_at(&place.words, place.sequence);
    app.detail.search = Some(place.words);
}

/// The screen says "approved" only when the event comes; this is for when it does not.
fn decided(
    app: &mut App,
    id: &str,
    answer: Result<Box<SendDecisionResponse>, Failure>,
) -> Vec<Effect> {
    match answer {
        Ok(answer) if answer.success => Vec::new(),
        Ok(answer) => {
            app.inbox.sending.remove(id);
            let why = answer
                .error
                .unwrap_or_else(|| "somebody else was first".to_owned());
            let effects = match answer.approval {
                Some(approval) => daemon_event::take_approval(app, approval),
                None => vec![Effect::Approval(id.to_owned())],
            };
            if app.inbox.batch.is_none() {
                notify(app, Tone::Bad, why);
            }
            effects
        }
        Err(why) => {
            app.inbox.sending.remove(id);
            let batch = app.inbox.batch.as_mut();
            if batch.is_some_and(|batch| batch.ended(id, false)) {
                daemon_event::report_batch(app);
            } else {
                notify(app, Tone::Bad, why.said_as("not decided"));
            }
            if let Failure::NotKnown(_) = why {
                app.inbox.unconfirmed.insert(id.to_owned());
            }
            vec![Effect::Approval(id.to_owned())]
        }
    }
}
