//! What became of errands.

use super::{Effect, link, say};
use crate::protocol::approval::SendDecisionResponse;
use crate::tui::effect::{Page, Purpose};
use crate::tui::msg::{Done, Refused};
use crate::tui::state::{App, notice::Tone};

/// Takes in how an errand ended.
pub fn done(app: &mut App, done: Done) -> Vec<Effect> {
    match done {
        Done::Decided { id, answer } => decided(app, &id, answer),
        Done::Page {
            session,
            page,
            pieces,
            full,
        } => {
            if app.detail.session.as_deref() != Some(session.as_str()) {
                return Vec::new();
            }
            app.detail.loading = false;
            match pieces {
                Ok(pieces) => {
                    app.detail.problem = None;
                    let more = pieces
                        .events
                        .first()
                        .is_some_and(|first| first.sequence > 1);
                    match page {
                        Page::Last => app.detail.transcript.replace(pieces.events, more),
                        Page::Before(_) => app.detail.transcript.prepend(pieces.events, more),
                        Page::After(_) => {
                            app.detail.transcript.append(pieces.events, full);
                        }
                    }
                    for approval in app.data.pending.values() {
                        if approval.session_id == session {
                            app.detail.transcript.approval(approval);
                        }
                    }
                }
                Err(why) => app.detail.problem = Some(why),
            }
            Vec::new()
        }
        Done::Session(Ok(session)) => {
            app.data.put(*session);
            Vec::new()
        }
        Done::Approval(Ok(approval)) => link::take_approval(app, *approval),
        Done::Session(Err(_)) | Done::Approval(Err(_)) => Vec::new(),
        Done::Started(Ok(session)) => {
            app.sessions.selected = Some(session.clone());
            vec![Effect::Session(session)]
        }
        Done::Started(Err(Refused { query, why })) => {
            if app.launch.prompt.is_blank() {
                app.launch.prompt.set(&query);
            }
            say(app, Tone::Bad, why);
            Vec::new()
        }
        Done::Said(Ok(words)) => {
            if !words.is_empty() {
                say(app, Tone::Good, words);
            }
            Vec::new()
        }
        Done::Said(Err(why)) => {
            say(app, Tone::Bad, why);
            Vec::new()
        }
        Done::Edited { purpose, text } => match (purpose, text) {
            (_, Err(why)) => {
                say(app, Tone::Bad, why);
                Vec::new()
            }
            (Purpose::Look, Ok(_)) => Vec::new(),
            (Purpose::Input { approval }, Ok(text)) => super::decide::edited(app, &approval, &text),
            (Purpose::Field, Ok(text)) => {
                if let Some(field) = app.form.as_mut().and_then(super::super::state::Form::field) {
                    field.set(text.trim_end_matches('\n'));
                }
                Vec::new()
            }
        },
        Done::Remembered(remembered) => {
            app.launch.remembered = *remembered;
            Vec::new()
        }
        Done::RecentPaths(_) | Done::Completions { .. } | Done::Found { .. } => Vec::new(),
        Done::Checked(findings) => {
            app.first_run = Some(findings);
            Vec::new()
        }
    }
}

/// The screen says «approved» only when the event comes; this is for when it does not.
fn decided(
    app: &mut App,
    id: &str,
    answer: Result<Box<SendDecisionResponse>, String>,
) -> Vec<Effect> {
    match answer {
        Ok(answer) if answer.success => Vec::new(),
        Ok(answer) => {
            app.inbox.sending.remove(id);
            let why = answer
                .error
                .unwrap_or_else(|| "somebody else was first".to_owned());
            let effects = match answer.approval {
                Some(approval) => link::take_approval(app, approval),
                None => vec![Effect::Approval(id.to_owned())],
            };
            say(app, Tone::Bad, why);
            effects
        }
        Err(why) => {
            app.inbox.sending.remove(id);
            say(app, Tone::Bad, format!("not decided: {why}"));
            vec![Effect::Approval(id.to_owned())]
        }
    }
}
