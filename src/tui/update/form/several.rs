//! A summary before something is done to several sessions.

use crossterm::event::{KeyCode, KeyEvent};

use super::{After, scrolled};
use crate::tui::effect::{Each, Effect};
use crate::tui::state::form::several::{Several, What};
use crate::tui::state::{App, Form, notice::Tone};
use crate::tui::update::say;

/// `y` does it and takes the marks away, `n` does not and leaves them.
pub fn key(app: &mut App, mut form: Several, key: KeyEvent) -> After {
    match key.code {
        KeyCode::Enter if !form.what.is_confirmed_by_enter() => {
            say(app, Tone::Plain, "y deletes for good, n cancels");
            After::Stay(Form::Several(form))
        }
        KeyCode::Char('y' | 'Y') | KeyCode::Enter => {
            app.sessions.marked.clear();
            let sessions = form.sessions;
            let each = |what, sessions| Effect::Each { what, sessions };
            After::Close(vec![match form.what {
                What::Interrupt => each(Each::Interrupt, sessions),
                What::End => each(Each::End, sessions),
                What::Delete => Effect::Delete(sessions),
                What::Archive | What::Unarchive => Effect::Archive {
                    sessions,
                    archived: form.what == What::Archive,
                },
            }])
        }
        KeyCode::Char('n' | 'N' | 'q') => After::Close(Vec::new()),
        _ => {
            if let Some(first) = scrolled(form.scroll, key) {
                form.scroll = first.min(form.sessions.len().saturating_sub(1));
            }
            After::Stay(Form::Several(form))
        }
    }
}
