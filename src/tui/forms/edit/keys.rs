//! Approve with another input.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::domain::Decision;
use crate::protocol::decision::SendDecisionParams;
use crate::tui::effect::{Effect, Purpose};
use crate::tui::forms::Form;
use crate::tui::forms::edit::{self, EditForm};
use crate::tui::forms::keys::{After, scrolled};
use crate::tui::forms::yes::Yes;
use crate::tui::state::App;
use crate::tui::update::connection::can_send;
use crate::tui::update::decide;

/// Enter shows what is changed, a yes then sends it; alt-enter is a new line, ctrl-g the editor.
pub fn key(app: &mut App, mut form: Box<EditForm>, key: KeyEvent) -> After {
    // Whether it still waits is said when it is sent; what was typed stays until then.
    let asked = match app.data.pending(&form.approval) {
        Some(approval) => approval.tool_input.clone(),
        None => return gone(app, form, key),
    };
    if form.review.is_some() {
        return review(app, form, key);
    }
    let control = key.modifiers == KeyModifiers::CONTROL;
    let only = form.parts.len() < 2;
    match key.code {
        KeyCode::Enter if key.modifiers.is_empty() || control => form.show_change(&asked),
        KeyCode::Char('s') if control => form.show_change(&asked),
        KeyCode::Char('g') if control => return editor(form),
        KeyCode::Tab if !only => form.at = (form.at + 1) % form.parts.len(),
        KeyCode::BackTab if !only => {
            form.at = (form.at + form.parts.len() - 1) % form.parts.len();
        }
        _ => {
            let key = match key.code {
                KeyCode::Enter => KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE),
                _ => key,
            };
            if let Some(part) = form.part_mut() {
                part.text.key(key);
            }
            form.check(&asked);
        }
    }
    After::Stay(Form::Edit(form))
}

fn editor(form: Box<EditForm>) -> After {
    let (text, extension) = match form.part() {
        Some(part) => {
            let extension = match (part.form, part.name) {
                (edit::TextFormat::Json, _) => "json",
                (_, "command") => "sh",
                _ => "txt",
            };
            (part.text.text(), extension)
        }
        None => (String::new(), "txt"),
    };
    let purpose = Purpose::Input {
        approval: form.approval.clone(),
    };
    let effect = Effect::Editor {
        purpose,
        text,
        extension,
    };
    After::And(Form::Edit(form), vec![effect])
}

/// What is changed is on the screen.
fn review(app: &mut App, mut form: Box<EditForm>, key: KeyEvent) -> After {
    let control = key.modifiers == KeyModifiers::CONTROL;
    match key.code {
        _ if Yes::Letter.takes(key) => return send(app, form),
        KeyCode::Char('g') if control => {
            form.review = None;
            return editor(form);
        }
        KeyCode::Char('e') | KeyCode::Left | KeyCode::Backspace => form.review = None,
        _ => {
            if let Some(first) = scrolled(form.scroll, key) {
                form.scroll = first;
            }
        }
    }
    After::Stay(Form::Edit(form))
}

fn send(app: &mut App, mut form: Box<EditForm>) -> After {
    let Some(approval) = decide::still_pending(app, &form.approval) else {
        return After::Stay(Form::Edit(form));
    };
    let input = match form.input(&approval.tool_input) {
        Ok(input) => input,
        Err(problem) => {
            form.problem = Some(problem);
            form.review = None;
            return After::Stay(Form::Edit(form));
        }
    };
    if !can_send(app) {
        return After::Stay(Form::Edit(form));
    }
    let updated_input = (input != approval.tool_input).then_some(input);
    let decision = Decision::Approve {
        comment: None,
        updated_input,
        updated_permissions: None,
        unread_lines: None,
    };
    let params = SendDecisionParams::new(&approval.id, decision);
    let yes = vec![Effect::Decide(Box::new(params))];
    form.review = None;
    app.inbox.save(Form::Edit(form));
    let effects = decide::confirmed(app, &approval, yes);
    match app.form.take() {
        Some(opened) => After::And(opened, effects),
        None => After::Close(effects),
    }
}

/// It ended while its input was edited: what was typed can still be copied out by the editor.
fn gone(app: &mut App, form: Box<EditForm>, key: KeyEvent) -> After {
    let is_yes = form.review.is_some() && Yes::Letter.takes(key);
    if is_yes || key.code == KeyCode::Enter {
        let _ = decide::still_pending(app, &form.approval);
    }
    if key.code == KeyCode::Char('g') && key.modifiers == KeyModifiers::CONTROL {
        return editor(form);
    }
    After::Stay(Form::Edit(form))
}
