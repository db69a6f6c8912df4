//! Approve and make it last.

use crossterm::event::{KeyCode, KeyEvent};

use super::After;
use crate::domain::Decision;
use crate::protocol::decision::SendDecisionParams;
use crate::protocol::session::UpdateSessionSettingsParams;
use crate::tui::effect::Effect;
use crate::tui::state::form::always::Always;
use crate::tui::state::form::yes::Yes;
use crate::tui::state::{App, Form};
use crate::tui::update::decide;

/// Space and digits choose, left and right change how far it reaches, a yes sends.
pub fn key(app: &mut App, mut form: Always, key: KeyEvent) -> After {
    let last = form.choices.len().saturating_sub(1);
    match key.code {
        _ if Yes::Letter.takes(key) => return send(app, form),
        KeyCode::Up | KeyCode::Char('k') => form.at = form.at.saturating_sub(1),
        KeyCode::Down | KeyCode::Char('j') => form.at = (form.at + 1).min(last),
        KeyCode::Left | KeyCode::Char('h') => form.reach(false),
        KeyCode::Right | KeyCode::Char('l') => form.reach(true),
        KeyCode::Char(' ') => toggle(&mut form),
        KeyCode::Char(digit @ '1'..='9') => {
            let at = usize::from(digit as u8 - b'1');
            if at <= last {
                form.at = at;
                toggle(&mut form);
            }
        }
        _ => {}
    }
    After::Stay(Form::Always(form))
}

fn toggle(form: &mut Always) {
    if let Some(choice) = form.choices.get_mut(form.at) {
        choice.chosen = !choice.chosen;
    }
}

fn send(app: &mut App, form: Always) -> After {
    let Some(approval) = decide::still_pending(app, &form.approval) else {
        return After::Close(Vec::new());
    };
    let updates = form.updates();
    let decision = Decision::Approve {
        comment: None,
        updated_input: None,
        updated_permissions: (!updates.is_empty()).then_some(updates),
        unread_lines: None,
    };
    let params = SendDecisionParams::new(&approval.id, decision);
    let mut effects = Vec::new();
    if form.accepts_edits() {
        // Before the yes, so that the first edit after it is accepted already.
        effects.push(Effect::Settings(UpdateSessionSettingsParams {
            session_id: approval.session_id.clone(),
            auto_accept_edits: Some(true),
            ..UpdateSessionSettingsParams::default()
        }));
    }
    effects.push(Effect::Decide(Box::new(params)));
    let effects = decide::confirmed(app, &approval, effects);
    match app.form.take() {
        Some(opened) => After::And(opened, effects),
        None => After::Close(effects),
    }
}
