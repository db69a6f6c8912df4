//! Keys in the open form, a file a form.
//!
//! Yes and no are said alike in all of them ([`yes`](crate::tui::state::form::yes)): `y` and `n`, `!` where something dangerous is
//! approved, and Enter only where nothing is lost or approved. A yes that approves, also that of a batch, counts
//! once the dialog has been on the screen, unchanged, for the guard time; all others once it was drawn.

mod always;
mod confirm;
mod contact;
mod deny;
mod edit;
mod help;
mod launch;
pub mod offers;
mod palette;
mod question;
mod read;
mod say;
mod search;
mod several;

pub use launch::recent_for;
pub use read::pasted_search;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{Effect, decide};
use crate::tui::forms::batch;
use crate::tui::state::form::yes::is_no;
use crate::tui::state::notice::Tone;
use crate::tui::state::{App, Form};

/// What becomes of the form after a key.
pub enum After {
    /// It stays open.
    Stay(Form),
    /// It stays open, and something is done.
    And(Form, Vec<Effect>),
    /// It closes, and this is done.
    Close(Vec<Effect>),
}

/// Takes a key for the open form. Esc goes back a step, from the first one out of the form, and does
/// nothing else.
pub fn key(app: &mut App, key: KeyEvent) -> Vec<Effect> {
    let Some(form) = app.form.take() else {
        return Vec::new();
    };
    if key.code == KeyCode::Esc {
        back(app, form);
        return Vec::new();
    }
    if let Some(yes) = form.yes() {
        if is_no(key) {
            back(app, form);
            return Vec::new();
        }
        if yes.refuses(key) {
            super::say(app, Tone::Hint, yes.instead(form.verb()));
            app.form = Some(form);
            return Vec::new();
        }
    }
    if sends(&form, key) && !counts(app, &form) {
        app.form = Some(form);
        return Vec::new();
    }
    let after = match form {
        Form::Deny(form) => deny::key(app, form, key),
        Form::Edit(form) => edit::key(app, form, key),
        Form::Always(form) => always::key(app, form, key),
        Form::Batch(form) => batch::key(app, form, key),
        Form::Question(form) => question::key(app, form, key),
        Form::Contact(form) => contact::key(app, form, key),
        Form::Say(form) => say::key(app, form, key),
        Form::Confirm(form) => confirm::key(app, form, key),
        Form::Several(form) => several::key(app, form, key),
        Form::Launch(form) => launch::key(app, form, key),
        Form::Search(form) => search::key(app, form, key),
        Form::Read(form) => read::key(app, form, key),
        Form::Help(form) => help::key(form, key),
        Form::Palette(form) => palette::key(app, form, key),
    };
    match after {
        After::Stay(form) => {
            app.form = Some(form);
            Vec::new()
        }
        After::And(form, effects) => {
            app.form = Some(form);
            effects
        }
        After::Close(effects) => effects,
    }
}

/// Whether a key could send what the form is about.
fn sends(form: &Form, key: KeyEvent) -> bool {
    match (form.yes(), key.code) {
        (Some(yes), _) => yes.takes(key),
        (None, KeyCode::Enter) => true,
        (None, KeyCode::Char('s')) => key.modifiers == KeyModifiers::CONTROL,
        (None, _) => false,
    }
}

/// Whether such a key counts: what is sent at a single key must have been on the screen when it was
/// pressed, a decision for the guard time; and a key that is held down decides nothing.
fn counts(app: &mut App, form: &Form) -> bool {
    let is_decision = form.decides() || form.approval().is_some();
    if is_decision && app.guard.is_repeat() {
        return false;
    }
    if form.identity().is_some_and(|it| app.frame.form != Some(it)) {
        return false;
    }
    !form.decides() || decide::admits_key(app)
}

/// One step back.
fn back(app: &mut App, form: Form) {
    match form {
        Form::Edit(mut form) if form.review.is_some() => {
            form.review = None;
            app.form = Some(Form::Edit(form));
        }
        Form::Read(mut form) if form.is_searching() => {
            form.end_search();
            app.form = Some(Form::Read(form));
        }
        Form::Question(_) | Form::Contact(_) => {
            app.inbox.save(form);
        }
        Form::Say(form) => say::put_by(app, &form),
        Form::Launch(form) => app.form = launch::esc(app, form),
        Form::Deny(_)
        | Form::Edit(_)
        | Form::Always(_)
        | Form::Batch(_)
        | Form::Several(_)
        | Form::Search(_)
        | Form::Confirm(_)
        | Form::Read(_)
        | Form::Help(_)
        | Form::Palette(_) => {}
    }
}

/// Moves a row number up or down within a list.
fn moved(selected: usize, key: KeyEvent, count: usize) -> Option<usize> {
    let last = count.saturating_sub(1);
    match key.code {
        KeyCode::Up => Some(selected.saturating_sub(1)),
        KeyCode::Down => Some((selected + 1).min(last)),
        KeyCode::PageUp => Some(selected.saturating_sub(10)),
        KeyCode::PageDown => Some((selected + 10).min(last)),
        _ => None,
    }
}

/// The same for what is only read, with the letters that readers expect. Where the end is, the view
/// knows: it keeps the row within what there is.
fn scrolled(first: usize, key: KeyEvent) -> Option<usize> {
    match key.code {
        KeyCode::Up | KeyCode::Char('k') => Some(first.saturating_sub(1)),
        KeyCode::Down | KeyCode::Char('j') => Some(first.saturating_add(1)),
        KeyCode::PageUp => Some(first.saturating_sub(10)),
        KeyCode::PageDown | KeyCode::Char(' ') => Some(first.saturating_add(10)),
        KeyCode::Home | KeyCode::Char('g') => Some(0),
        KeyCode::End | KeyCode::Char('G') => Some(usize::MAX),
        _ => None,
    }
}
