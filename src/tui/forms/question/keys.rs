//! The answers to an agent's questions.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::domain::Decision;
use crate::protocol::decision::SendDecisionParams;
use crate::tui::effect::{Effect, Purpose};
use crate::tui::forms::Form;
use crate::tui::forms::keys::After;
use crate::tui::forms::question::{Asked, Question};
use crate::tui::state::App;
use crate::tui::state::notice::Tone;
use crate::tui::update::connection::can_send;
use crate::tui::update::{decide, notify};

/// Digits choose, Enter goes on and at the end sends.
pub fn key(app: &mut App, mut form: Question, key: KeyEvent) -> After {
    let count = form.asked.len();
    let single = form.is_single();
    let Some(asked) = form.current_mut() else {
        return review(app, form, key);
    };
    match key.code {
        KeyCode::Enter if key.modifiers.is_empty() => {
            // Of one choice the marked one is meant; of several only those that were ticked.
            if !asked.is_on_other() && !asked.several {
                let at = asked.at;
                if !asked.chosen.contains(&at) {
                    asked.choose(at);
                }
            }
            if asked.answer().is_none() {
                let words = match asked.several {
                    true => "Nothing is selected: space selects, or type an answer",
                    false => "Choose an answer, or type one",
                };
                notify(app, Tone::Plain, words);
                return After::Stay(Form::Question(form));
            }
            if single {
                return send(app, form);
            }
            form.at += 1;
        }
        KeyCode::Tab => form.at = (form.at + 1).min(if single { 0 } else { count }),
        KeyCode::BackTab => form.at = form.at.saturating_sub(1),
        KeyCode::Up => asked.at = asked.at.saturating_sub(1),
        KeyCode::Down => asked.at = (asked.at + 1).min(asked.choices.len()),
        KeyCode::Char('g') if key.modifiers == KeyModifiers::CONTROL => {
            asked.at = asked.choices.len();
            let text = asked.other.text();
            let effect = Effect::Editor {
                purpose: Purpose::Field,
                text,
                extension: "md",
            };
            return After::And(Form::Question(form), vec![effect]);
        }
        _ if asked.is_on_other() => type_in(asked, key),
        KeyCode::Char('k') => asked.at = asked.at.saturating_sub(1),
        KeyCode::Char('j') => asked.at += 1,
        KeyCode::Right | KeyCode::Char('l') if !single => form.at = (form.at + 1).min(count),
        KeyCode::Left | KeyCode::Char('h') => form.at = form.at.saturating_sub(1),
        KeyCode::Char(' ') => {
            let at = asked.at;
            asked.choose(at);
        }
        KeyCode::Char(digit @ '1'..='9') => {
            let index = usize::from(digit as u8 - b'1');
            if index == asked.choices.len() {
                asked.at = index;
            } else {
                asked.choose(index);
            }
        }
        _ => {}
    }
    After::Stay(Form::Question(form))
}

fn type_in(asked: &mut Asked, key: KeyEvent) {
    let key = match key.code {
        KeyCode::Enter => KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE),
        _ => key,
    };
    asked.other.key(key);
    asked.typed();
}

/// All answers, before they are sent.
fn review(app: &mut App, mut form: Question, key: KeyEvent) -> After {
    match key.code {
        KeyCode::Enter => return send(app, form),
        KeyCode::BackTab | KeyCode::Left | KeyCode::Char('h') => {
            form.at = form.asked.len().saturating_sub(1);
        }
        KeyCode::Char(digit @ '1'..='9') => {
            let index = usize::from(digit as u8 - b'1');
            if index < form.asked.len() {
                form.at = index;
            }
        }
        _ => {}
    }
    After::Stay(Form::Question(form))
}

fn send(app: &mut App, mut form: Question) -> After {
    if let Some(missing) = form.missing() {
        form.at = missing;
        notify(app, Tone::Plain, "This question has no answer yet");
        return After::Stay(Form::Question(form));
    }
    if !can_send(app) {
        return After::Stay(Form::Question(form));
    }
    let decision = Decision::Answer {
        answers: form.answers(),
        comment: None,
    };
    let params = SendDecisionParams::new(&form.approval, decision);
    app.inbox.save(Form::Question(form));
    After::Close(decide::send(app, "answering", params))
}
