//! What is asked of the daemon while there is no connection to it.
//!
//! The rule: nothing is kept for later without a word. What a key would have sent is not sent, the
//! user is told so, and what they typed stays where it is.

use super::{Effect, say};
use crate::tui::state::{App, notice::Tone};

/// Takes an input in, and takes back what it would have sent if there is nobody to send it to.
pub fn guard(app: &mut App, take: impl FnOnce(&mut App) -> Vec<Effect>) -> Vec<Effect> {
    if app.is_connected() {
        return take(app);
    }
    let (form, prompt, focus) = (app.form.clone(), app.launch.prompt.clone(), app.focus);
    let mut effects = take(app);
    let sent = effects.len();
    effects.retain(|effect| !asks_the_daemon(effect));
    if effects.len() < sent {
        app.form = form;
        app.launch.prompt = prompt;
        app.focus = focus;
        app.inbox.sending.clear();
        say(app, Tone::Bad, "Not sent: not connected to the daemon");
    }
    effects
}

/// Whether it changes something by way of the daemon.
fn asks_the_daemon(effect: &Effect) -> bool {
    match effect {
        Effect::Decide(_)
        | Effect::Launch(_)
        | Effect::Continue(_)
        | Effect::Message { .. }
        | Effect::Unsend(_)
        | Effect::Interrupt(_)
        | Effect::End(_)
        | Effect::RestartSession(_)
        | Effect::Move(_)
        | Effect::Rename { .. }
        | Effect::Archive { .. }
        | Effect::Delete(_)
        | Effect::Settings(_)
        | Effect::Each { .. } => true,
        // What only reads fails by itself and costs nothing.
        Effect::Page { .. }
        | Effect::Follow(_)
        | Effect::Session(_)
        | Effect::Approval(_)
        | Effect::RestartDaemon
        | Effect::Pager(_)
        | Effect::Editor { .. }
        | Effect::Copy(_)
        | Effect::Export { .. }
        | Effect::Bell
        | Effect::Notify { .. }
        | Effect::Remembered
        | Effect::Remember(_)
        | Effect::RecentPaths
        | Effect::AgentInfo(_)
        | Effect::Complete { .. }
        | Effect::Find { .. }
        | Effect::File { .. }
        | Effect::Branch { .. }
        | Effect::Check
        | Effect::Redraw
        | Effect::Suspend
        | Effect::Demo
        | Effect::Quit => false,
    }
}
