//! The form that starts a session.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::domain::Tool;
use crate::tui::effect::{Effect, Purpose};
use crate::tui::forms::keys::{After, moved};
use crate::tui::forms::launch::{Inner, Launching, MODELS, Slot, TOOLS};
use crate::tui::forms::{Field, Form};
use crate::tui::memory::ASKS_NOTHING;
use crate::tui::state::fuzzy::Fuzzy;
use crate::tui::state::notice::Tone;
use crate::tui::state::{App, complete};
use crate::tui::update::connection::can_send;
use crate::tui::update::launch::start_form;
use crate::tui::update::line::is_new_line;
use crate::tui::update::notify;

/// Directories used lately that are offered beside what is there.
const RECENT: usize = 5;

/// Goes back one step: the list that is open, the name, the templates, then the form, which is kept
/// for when it is opened again.
pub fn esc(app: &mut App, mut form: Box<Launching>) -> Option<Form> {
    if form.completion.is_open() {
        form.completion.close();
        return Some(Form::Launch(form));
    }
    match form.inner {
        Inner::SaveAs(_) | Inner::Templates(_) => {
            form.inner = Inner::Fields;
            Some(Form::Launch(form))
        }
        Inner::Fields => {
            let begun = Slot::ALL
                .iter()
                .any(|slot| slot.has_lines() && !form.field(*slot).is_blank());
            app.launch.draft = begun.then_some(form);
            None
        }
    }
}

pub fn key(app: &mut App, form: Box<Launching>, key: KeyEvent) -> After {
    match form.inner {
        Inner::Fields => fields(app, form, key),
        Inner::SaveAs(_) => save_as(app, form, key),
        Inner::Templates(_) => templates(app, form, key),
    }
}

fn fields(app: &mut App, mut form: Box<Launching>, key: KeyEvent) -> After {
    let open = form.completion.is_open();
    let plain = key.modifiers.is_empty();
    let control = key.modifiers == KeyModifiers::CONTROL;
    let at = form.at;
    match key.code {
        KeyCode::Tab if open => return take(app, form),
        // Half a path must not be sent; what is typed out already is none.
        KeyCode::Enter if open && plain && !form.completion.is_complete() => {
            let mut after = take(app, form);
            if let After::Stay(Form::Launch(form)) = &mut after {
                // The next enter is for the form, not for the first thing within a directory.
                form.completion.close();
            }
            return after;
        }
        KeyCode::Up | KeyCode::Down if open => form.completion.step(key.code == KeyCode::Down),
        KeyCode::Tab => form.step(1),
        KeyCode::BackTab => form.step(-1),
        KeyCode::Up if is_edge(form.field(at), false) => form.step(-1),
        KeyCode::Down if is_edge(form.field(at), true) => form.step(1),
        KeyCode::Enter if plain => return submit(app, form),
        KeyCode::Char('s') if control => {
            form.completion.close();
            form.inner = Inner::SaveAs(Box::default());
        }
        KeyCode::Char('t') if control => {
            form.completion.close();
            if app.launch.memory.templates.is_empty() {
                notify(app, Tone::Plain, "No templates yet (ctrl-s saves one)");
            } else {
                form.inner = Inner::Templates(0);
            }
        }
        KeyCode::Char('g') if control && !at.is_chosen() => {
            let text = form.field(at).text();
            let effect = Effect::Editor {
                purpose: Purpose::Field,
                text,
                extension: "md",
            };
            return After::And(Form::Launch(form), vec![effect]);
        }
        KeyCode::Char('n') if control => other_value(app, &mut form, true),
        KeyCode::Char('p') if control => other_value(app, &mut form, false),
        _ if at.is_chosen() => match key.code {
            KeyCode::Right | KeyCode::Char(' ' | 'l') => other_value(app, &mut form, true),
            KeyCode::Left | KeyCode::Char('h') => other_value(app, &mut form, false),
            _ => {}
        },
        _ if is_new_line(key) => {
            if at.has_lines() {
                form.field_mut(at).area.insert_newline();
            }
        }
        _ => {
            form.field_mut(at).key(key);
            form.problem = None;
            return typed(app, form);
        }
    }
    After::Stay(Form::Launch(form))
}

/// Whether the cursor can go no further in a field.
fn is_edge(field: &Field, down: bool) -> bool {
    let row = field.area.cursor().0;
    if down {
        row + 1 >= field.area.lines().len()
    } else {
        row == 0
    }
}

/// After a field changed: what can complete it.
fn typed(app: &App, mut form: Box<Launching>) -> After {
    let at = form.at;
    let field = form.field(at);
    let piece = match at {
        Slot::Directory => Some(field.text()).filter(|text| !text.is_empty()),
        Slot::Query | Slot::System => complete::file(field),
        Slot::Model | Slot::Additional | Slot::Allowed | Slot::Disallowed => {
            Some(complete::entry(field)).filter(|entry| !entry.is_empty())
        }
        Slot::Mode | Slot::Isolation | Slot::Turns | Slot::Title => None,
    };
    let ask = piece.clone();
    let (true, Some(typed)) = (form.completion.typing(piece), ask) else {
        return After::Stay(Form::Launch(form));
    };
    let names = match at {
        Slot::Model => MODELS.to_vec(),
        Slot::Allowed | Slot::Disallowed => TOOLS.map(Tool::name).to_vec(),
        Slot::Directory
        | Slot::Query
        | Slot::System
        | Slot::Additional
        | Slot::Mode
        | Slot::Isolation
        | Slot::Turns
        | Slot::Title => {
            let base = match at {
                Slot::Directory => app.directory.clone(),
                _ => form.place(&app.directory, app.home.as_deref()),
            };
            let effect = Effect::Complete {
                typed,
                base,
                directories: matches!(at, Slot::Directory | Slot::Additional),
            };
            return After::And(Form::Launch(form), vec![effect]);
        }
    };
    let lower = typed.to_lowercase();
    let found = names
        .iter()
        .filter(|name| name.to_lowercase().starts_with(&lower))
        .map(|name| (*name).to_owned());
    let found: Vec<String> = found.collect();
    form.completion.take(&typed, found);
    After::Stay(Form::Launch(form))
}

/// Directories used lately that fit what is typed.
pub fn recent_for(typed: &str, recent: &[String]) -> Vec<String> {
    let mut fuzzy = Fuzzy::new(typed.trim_start_matches('~'));
    recent
        .iter()
        .filter(|path| fuzzy.fits(&[path]))
        .take(RECENT)
        .cloned()
        .collect()
}

/// Puts the chosen entry in; within a directory the next piece is looked for at once.
fn take(app: &App, mut form: Box<Launching>) -> After {
    let at = form.at;
    let mut list = std::mem::take(&mut form.completion);
    let taken = list.put_into(form.field_mut(at));
    match taken {
        Some(entry) if entry.ends_with('/') => typed(app, form),
        Some(_) if at.has_lines() => {
            form.field_mut(at).area.insert_char(' ');
            After::Stay(Form::Launch(form))
        }
        Some(_) | None => After::Stay(Form::Launch(form)),
    }
}

/// The next value of a field that has some to choose from.
fn other_value(app: &App, form: &mut Launching, forward: bool) {
    let values: Vec<String> = match form.at {
        Slot::Directory => {
            let recent = app.launch.recent.iter();
            recent.map(|path| app.relative_to_home(path)).collect()
        }
        Slot::Model => MODELS.iter().map(ToString::to_string).collect(),
        Slot::Mode | Slot::Isolation => form.values(form.at),
        Slot::Query
        | Slot::Additional
        | Slot::Allowed
        | Slot::Disallowed
        | Slot::System
        | Slot::Turns
        | Slot::Title => return,
    };
    let count = values.len();
    let here = values.iter().position(|value| *value == form.line(form.at));
    let there = match (here, forward) {
        (None, true) => 0,
        (None, false) => count.saturating_sub(1),
        (Some(at), true) => (at + 1) % count,
        (Some(at), false) => (at + count - 1) % count,
    };
    if let Some(value) = values.get(there) {
        form.completion.close();
        let at = form.at;
        form.field_mut(at).set(value);
        form.problem = None;
    }
}

/// Starts the session, or says what is wrong and goes there.
fn submit(app: &mut App, mut form: Box<Launching>) -> After {
    match form.wanted(&app.directory, app.home.as_deref()) {
        Ok(_) if !can_send(app) => After::Stay(Form::Launch(form)),
        Ok(wanted) => {
            form.problem = None;
            After::Close(start_form(app, form, wanted))
        }
        Err((slot, why)) => {
            form.at = slot;
            form.completion.close();
            form.problem = Some((slot, why));
            After::Stay(Form::Launch(form))
        }
    }
}

/// The name under which the settings are saved.
fn save_as(app: &mut App, mut form: Box<Launching>, key: KeyEvent) -> After {
    let Inner::SaveAs(name) = &mut form.inner else {
        return After::Stay(Form::Launch(form));
    };
    if key.code != KeyCode::Enter {
        name.key(key);
        return After::Stay(Form::Launch(form));
    }
    let name = name.text().trim().to_owned();
    if name.is_empty() {
        notify(app, Tone::Plain, "Name required");
        return After::Stay(Form::Launch(form));
    }
    form.inner = Inner::Fields;
    let mut template = form.template();
    let said = if template.permission_mode == ASKS_NOTHING {
        template.permission_mode = String::new();
        format!("saved as template “{name}” without {ASKS_NOTHING} (ctrl-t to list)")
    } else {
        format!("saved as template “{name}” (ctrl-t to list)")
    };
    app.launch.memory.templates.insert(name, template);
    notify(app, Tone::Good, said);
    let effect = Effect::SaveMemory(Box::new(app.launch.memory.clone()));
    After::And(Form::Launch(form), vec![effect])
}

/// The list of templates.
fn templates(app: &mut App, mut form: Box<Launching>, key: KeyEvent) -> After {
    let Inner::Templates(selected) = form.inner else {
        return After::Stay(Form::Launch(form));
    };
    let names: Vec<String> = app.launch.memory.templates.keys().cloned().collect();
    if let Some(moved) = moved(selected, key, names.len()) {
        form.inner = Inner::Templates(moved);
        return After::Stay(Form::Launch(form));
    }
    let Some(name) = names.get(selected) else {
        form.inner = Inner::Fields;
        return After::Stay(Form::Launch(form));
    };
    match key.code {
        KeyCode::Enter => {
            if let Some(template) = app.launch.memory.templates.get(name) {
                form.fill(template);
            }
            form.inner = Inner::Fields;
            form.at = Slot::Query;
            form.problem = None;
            notify(
                app,
                Tone::Plain,
                format!("Filled in from template “{name}”"),
            );
            After::Stay(Form::Launch(form))
        }
        KeyCode::Delete | KeyCode::Char('d') => {
            app.launch.memory.templates.remove(name);
            let left = names.len() - 1;
            form.inner = match left.checked_sub(1) {
                Some(last) => Inner::Templates(selected.min(last)),
                None => Inner::Fields,
            };
            notify(app, Tone::Plain, format!("Deleted template “{name}”"));
            let effect = Effect::SaveMemory(Box::new(app.launch.memory.clone()));
            After::And(Form::Launch(form), vec![effect])
        }
        _ => After::Stay(Form::Launch(form)),
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
