//! The answer to a message.

use crossterm::event::KeyEvent;

use super::After;
use super::offers::{self, Typed};
use crate::domain::Decision;
use crate::protocol::decision::SendDecisionParams;
use crate::tui::effect::{Effect, Purpose};
use crate::tui::state::form::contact::Contact;
use crate::tui::state::notice::Tone;
use crate::tui::state::{App, Form};
use crate::tui::update::{decide, say};

/// Enter sends the words, or the option chosen.
pub fn key(app: &mut App, mut form: Contact, key: KeyEvent) -> After {
    match offers::key(&mut form.answer, key) {
        Typed::Taken => After::Stay(Form::Contact(form)),
        Typed::Editor => {
            let text = form.answer.text.text();
            let effect = Effect::Editor {
                purpose: Purpose::Field,
                text,
                extension: "md",
            };
            After::And(Form::Contact(form), vec![effect])
        }
        Typed::Send => {
            let (text, option) = (form.answer.typed(), form.answer.option());
            if text.is_none() && option.is_none() {
                say(app, Tone::Plain, "Type or choose an answer");
                return After::Stay(Form::Contact(form));
            }
            let decision = Decision::Respond { text, option };
            let params = SendDecisionParams::new(&form.approval, decision);
            app.inbox.save(Form::Contact(form));
            After::Close(decide::send(app, "answering", params))
        }
    }
}
