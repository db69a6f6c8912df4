//! The reason of a denial.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::After;
use crate::protocol::approval::SendDecisionParams;
use crate::tui::state::form::deny::Deny;
use crate::tui::state::notice::Tone;
use crate::tui::state::{App, Form};
use crate::tui::update::{decide, say};

/// Enter sends the reason, up and down choose a quick one, tab also ends the turn.
pub fn key(app: &mut App, mut form: Deny, key: KeyEvent) -> After {
    match key.code {
        KeyCode::Enter if key.modifiers.is_empty() => {
            if form.reason.is_blank() {
                say(
                    app,
                    Tone::Plain,
                    "a denial needs a reason: the agent is told it",
                );
                return After::Stay(Form::Deny(form));
            }
            let params = SendDecisionParams {
                approval_id: form.approval,
                decision: "deny".to_owned(),
                comment: Some(form.reason.text()),
                interrupt: form.interrupt.then_some(true),
                ..SendDecisionParams::default()
            };
            After::Close(decide::send(app, "denying", params))
        }
        KeyCode::Tab => {
            form.interrupt = !form.interrupt;
            After::Stay(Form::Deny(form))
        }
        KeyCode::Up | KeyCode::Down if form.quick.is_some() || form.reason.is_blank() => {
            let reasons = &app.wishes.deny_reasons;
            let count = reasons.len();
            let next = match (form.quick, key.code) {
                (None, KeyCode::Up) => count.saturating_sub(1),
                (None, _) => 0,
                (Some(at), KeyCode::Up) => (at + count).saturating_sub(1) % count.max(1),
                (Some(at), _) => (at + 1) % count.max(1),
            };
            if let Some(reason) = reasons.get(next) {
                form.quick = Some(next);
                form.reason.set(reason);
            }
            After::Stay(Form::Deny(form))
        }
        KeyCode::Enter => {
            form.reason
                .key(KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE));
            After::Stay(Form::Deny(form))
        }
        _ => {
            form.quick = None;
            form.reason.key(key);
            After::Stay(Form::Deny(form))
        }
    }
}
