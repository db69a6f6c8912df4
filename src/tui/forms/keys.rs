//! Which keys reach the open form, and which of them count; each form's own file says what they do.
//!
//! Yes and no are said alike in all of them ([`yes`](crate::tui::forms::yes)): `y` and `n`, `!` where something dangerous is
//! approved, and Enter only where nothing is lost or approved. A yes that approves, also that of a batch, counts
//! once the dialog has been on the screen, unchanged, for the guard time; all others once it was drawn.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::tui::effect::Effect;
use crate::tui::forms::Form;
use crate::tui::forms::yes::is_no;
use crate::tui::state::App;
use crate::tui::state::notice::Tone;
use crate::tui::update::{decide, notify};

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
        form.back(app);
        return Vec::new();
    }
    if let Some(yes) = form.yes() {
        if is_no(key) {
            form.back(app);
            return Vec::new();
        }
        if yes.refuses(key) {
            notify(app, Tone::Hint, yes.instead(form.verb()));
            app.form = Some(form);
            return Vec::new();
        }
    }
    if sends(&form, key) && !counts(app, &form) {
        app.form = Some(form);
        return Vec::new();
    }
    let after = form.press(app, key);
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

/// Moves a row number up or down within a list.
pub fn moved(selected: usize, key: KeyEvent, count: usize) -> Option<usize> {
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
pub fn scrolled(first: usize, key: KeyEvent) -> Option<usize> {
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
