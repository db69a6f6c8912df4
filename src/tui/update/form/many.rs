//! One decision about many approvals.

use crossterm::event::{KeyCode, KeyEvent};

use super::After;
use super::offers::{self, Typed};
use crate::domain::Decision;
use crate::protocol::decision::SendDecisionParams;
use crate::tui::effect::Effect;
use crate::tui::state::form::deny::NO_REASON;
use crate::tui::state::form::many::Many;
use crate::tui::state::notice::Tone;
use crate::tui::state::{App, Form};
use crate::tui::update::{decide, say};

/// Enter decides all that is listed, one decision each.
pub fn key(app: &mut App, mut form: Many, key: KeyEvent) -> After {
    match key.code {
        KeyCode::PageDown => form.scroll = form.scroll.saturating_add(10),
        KeyCode::PageUp => form.scroll = form.scroll.saturating_sub(10),
        KeyCode::Tab if form.yes && !form.dangerous.is_empty() => {
            form.with_dangerous = !form.with_dangerous;
        }
        KeyCode::Down | KeyCode::Char('j') if form.yes => {
            form.scroll = form.scroll.saturating_add(1);
        }
        KeyCode::Up | KeyCode::Char('k') if form.yes => {
            form.scroll = form.scroll.saturating_sub(1);
        }
        KeyCode::Enter if form.yes => return send(app, &form),
        _ if form.yes => {}
        _ => match offers::key(&mut form.reason, key) {
            Typed::Send => return send(app, &form),
            Typed::Taken | Typed::Editor => {}
        },
    }
    After::Stay(Form::Many(form))
}

fn send(app: &mut App, form: &Many) -> After {
    let mut effects = Vec::new();
    let mut gone = 0;
    for one in form.decided() {
        if !decide::is_open(app, &one.id) {
            gone += 1;
            continue;
        }
        let (word, decision) = if form.yes {
            ("approving", Decision::approve())
        } else {
            let reason = form.reason.typed();
            let reason = reason.unwrap_or_else(|| NO_REASON.to_owned());
            ("denying", Decision::deny(reason))
        };
        let params = SendDecisionParams::new(&one.id, decision);
        effects.extend(decide::send(app, word, params));
    }
    app.inbox.marked.clear();
    let sent = effects
        .iter()
        .filter(|effect| matches!(effect, Effect::Decide(_)))
        .count();
    let word = if form.yes { "approving" } else { "denying" };
    let words = match gone {
        0 => format!("{word} {sent}"),
        _ => format!("{word} {sent}; {gone} no longer pending"),
    };
    say(app, Tone::Plain, words);
    After::Close(effects)
}
