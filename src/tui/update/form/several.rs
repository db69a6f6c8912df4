//! A summary before something is done to several sessions.

use crossterm::event::KeyEvent;

use super::{After, scrolled};
use crate::tui::effect::{Each, Effect};
use crate::tui::state::form::several::{Several, What};
use crate::tui::state::{App, Form};

/// A yes does it and takes the marks away, a no leaves them.
pub fn key(app: &mut App, mut form: Several, key: KeyEvent) -> After {
    match form.what.yes().takes(key) {
        true => {
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
        false => {
            if let Some(first) = scrolled(form.scroll, key) {
                form.scroll = first.min(form.sessions.len().saturating_sub(1));
            }
            After::Stay(Form::Several(form))
        }
    }
}
