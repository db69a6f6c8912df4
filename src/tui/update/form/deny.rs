//! The reason of a denial.

use crossterm::event::{KeyCode, KeyEvent};

use super::After;
use super::offers::{self, Typed};
use crate::protocol::approval::SendDecisionParams;
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
            After::Close(decide::send(app, "denying", params))
        }
    }
}

/// A chosen option's own words are the reason where nothing else is typed.
fn params(form: &Deny) -> SendDecisionParams {
    let option = form.reason.option();
    let comment = match (&option, form.reason.typed()) {
        (_, Some(words)) => Some(words),
        (Some(_), None) => None,
        (None, None) => Some(NO_REASON.to_owned()),
    };
    SendDecisionParams {
        approval_id: form.approval.clone(),
        decision: "deny".to_owned(),
        comment,
        option,
        interrupt: form.interrupt.then_some(true),
        ..SendDecisionParams::default()
    }
}
