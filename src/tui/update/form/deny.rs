//! The reason of a denial.

use crossterm::event::{KeyCode, KeyEvent};

use super::After;
use super::offers::{self, Typed};
use crate::domain::Decision;
use crate::protocol::decision::SendDecisionParams;
use crate::tui::effect::{Effect, Purpose};
use crate::tui::state::form::deny::{Deny, NO_REASON};
use crate::tui::state::{App, Form};
use crate::tui::update::decide;

/// Enter sends the reason, up and down choose one that is offered, tab also ends the turn.
pub fn key(app: &mut App, mut form: Deny, key: KeyEvent) -> After {
    if key.code == KeyCode::Tab {
        form.interrupt = form.can_interrupt && !form.interrupt;
        return After::Stay(Form::Deny(form));
    }
    match offers::key(&mut form.reason, key) {
        Typed::Taken => After::Stay(Form::Deny(form)),
        Typed::Editor => {
            let text = form.reason.text.text();
            let effect = Effect::Editor {
                purpose: Purpose::Field,
                text,
                extension: "md",
            };
            After::And(Form::Deny(form), vec![effect])
        }
        Typed::Send => {
            let params = params(&form);
            app.inbox.save(Form::Deny(form));
            After::Close(decide::send(app, "denying", params))
        }
    }
}

/// A chosen option's own words are the reason where nothing else is typed.
fn params(form: &Deny) -> SendDecisionParams {
    let option = form.reason.option();
    let reason = match (&option, form.reason.typed()) {
        (_, Some(reason)) => reason,
        (Some(_), None) => String::new(),
        (None, None) => NO_REASON.to_owned(),
    };
    let decision = Decision::Deny {
        reason,
        interrupt: form.interrupt,
        option,
    };
    SendDecisionParams::new(&form.approval, decision)
}
