//! The whole of an approval.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::domain::Kind;
use crate::tui::effect::Effect;
use crate::tui::forms::Form;
use crate::tui::forms::keys::{After, scrolled};
use crate::tui::forms::read::Read;
use crate::tui::keymap::{Action, Chord, KeyContext};
use crate::tui::state::notice::Tone;
use crate::tui::state::{App, offered};
use crate::tui::update::line::one_line;
use crate::tui::update::{actions, card, decide, notify};

/// Rows before the end of what is laid out at which more of it is.
const NEAR: usize = 200;

/// Scrolls and searches; the keys that decide work here too, as it shows what they are about.
pub fn key(app: &mut App, mut form: Read, key: KeyEvent) -> After {
    if form.typing {
        typed(app, &mut form, key);
        return After::Stay(Form::Read(form));
    }
    let page = form.height.saturating_sub(1).max(1);
    let control = key.modifiers == KeyModifiers::CONTROL;
    let there = match key.code {
        KeyCode::PageUp => Some(form.scroll.saturating_sub(page)),
        KeyCode::PageDown | KeyCode::Char(' ') => Some(form.scroll.saturating_add(page)),
        KeyCode::Char('u') if control => Some(form.scroll.saturating_sub(page / 2)),
        KeyCode::Char('d') if control => Some(form.scroll.saturating_add(page / 2)),
        KeyCode::Char('k') if control => Some(form.scroll.saturating_sub(1)),
        KeyCode::Char('j') if control => Some(form.scroll.saturating_add(1)),
        _ if control => None,
        _ => scrolled(form.scroll, key),
    };
    if let Some(there) = there {
        form.scroll = there;
        widen(&mut form);
        return After::Stay(Form::Read(form));
    }
    let chord = Chord::of(key);
    if form.is_searching() {
        return searching(app, form, chord);
    }
    match app.keymap.action(KeyContext::Inbox, chord) {
        Some(Action::Filter) => {
            form.typing = true;
        }
        Some(Action::Copy) => return copy(app, form),
        Some(Action::Answer) => match app.data.pending(&form.approval).map(|found| found.kind) {
            Some(Kind::Question | Kind::Contact) => return decided(app, form, Action::Answer),
            Some(Kind::Permission | Kind::Plan) | None => {}
        },
        Some(Action::Approve) if must_read(app, &form) => {
            app.acting_form = Some("read");
            let counts = decide::on_screen(app).is_some();
            app.acting_form = None;
            if counts && let Some(unread) = decide::must_read(app) {
                form.scroll = unread.first;
                widen(&mut form);
            }
        }
        Some(
            action @ (Action::Approve
            | Action::ApproveUnread
            | Action::Deny
            | Action::Edit
            | Action::AlwaysAllow),
        ) => {
            return decided(app, form, action);
        }
        Some(Action::ReadApproval | Action::Quit) => return After::Close(Vec::new()),
        Some(_) | None => {}
    }
    After::Stay(Form::Read(form))
}

/// While something is searched for, keys step through its matches, and none decides.
fn searching(app: &mut App, mut form: Read, chord: Chord) -> After {
    match app.keymap.own_action(KeyContext::Search, chord) {
        Some(Action::PreviousMatch) => step(app, &mut form, false),
        Some(_) => step(app, &mut form, true),
        None => match app.keymap.action(KeyContext::Inbox, chord) {
            Some(Action::Filter) => {
                form.end_search();
                form.typing = true;
            }
            Some(Action::Copy) => return copy(app, form),
            Some(Action::ReadApproval | Action::Quit) => return After::Close(Vec::new()),
            Some(Action::Answer) if chord.typed().is_none() => step(app, &mut form, true),
            Some(action) if actions::decides(action) => {
                notify(
                    app,
                    Tone::Plain,
                    "Nothing is decided while a search is open: esc ends it",
                );
            }
            Some(_) | None => {}
        },
    }
    After::Stay(Form::Read(form))
}

fn copy(app: &App, form: Read) -> After {
    let copied = app.data.pending(&form.approval).map(card::copied);
    let effects = copied.map(Effect::Copy).into_iter().collect();
    After::And(Form::Read(form), effects)
}

/// Whether a yes first reads on.
fn must_read(app: &App, form: &Read) -> bool {
    let unread = decide::must_read(app).unwrap_or_default();
    let approval = app.data.pending(&form.approval);
    approval.is_some_and(|approval| offered::must_read(approval, unread))
}

/// An action may open a form of its own, which must not be closed by this one.
fn decided(app: &mut App, form: Read, action: Action) -> After {
    app.acting_form = Some("read");
    let effects = actions::act(app, action);
    app.acting_form = None;
    match app.form.take() {
        Some(opened) => After::And(opened, effects),
        // A key that did not count leaves everything as it was.
        None if effects.is_empty() => After::Stay(Form::Read(form)),
        None => After::Close(effects),
    }
}

/// Lays out more of a long input as one comes near the end of what there is.
fn widen(form: &mut Read) {
    if form.laid.left_out.bytes() == 0 {
        return;
    }
    if form.scroll == usize::MAX {
        form.budget = usize::MAX;
    } else if form.scroll.saturating_add(NEAR) > form.laid.rows.len() {
        form.budget = form.budget.saturating_mul(4);
    }
}

/// The search, as it is typed.
fn typed(app: &mut App, form: &mut Read, key: KeyEvent) {
    if key.code == KeyCode::Enter {
        form.typing = false;
        return;
    }
    let before = form.needle();
    form.search.key(key);
    if form.needle() != before {
        changed(app, form);
    }
}

/// Text is pasted into the search.
pub fn pasted_search(app: &mut App, text: &str) -> Vec<Effect> {
    if let Some(Form::Read(mut form)) = app.form.take() {
        form.search.insert(&one_line(text));
        changed(app, &mut form);
        app.form = Some(Form::Read(form));
    }
    Vec::new()
}

/// Something else is searched for.
fn changed(app: &mut App, form: &mut Read) {
    // What is not laid out cannot be found.
    if form.laid.left_out.bytes() > 0 {
        form.budget = usize::MAX;
    }
    form.at = None;
    step(app, form, true);
}

/// To the next match, or the one before.
fn step(app: &mut App, form: &mut Read, is_forward: bool) {
    if !form.step(is_forward) && !form.needle().is_empty() {
        notify(app, Tone::Plain, "Not found in this text");
    }
}
