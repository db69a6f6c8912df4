//! What a message changes, and what must be done because of it.
//!
//! Pure: `App` and a [`Msg`] in, [`Effect`]s out. Owns the rules of the dashboard; there is
//! a file for each pane, and one for each kind of thing that happens. Clock, time zone and ids come with the message
//! or with the state. Must not do anything itself.

pub mod actions;
pub mod card;
pub mod connection;
pub mod daemon_event;
pub mod decide;
pub mod effect_result;
pub mod inbox;
pub mod key;
pub mod launch;
pub mod line;
pub mod list;
pub mod mouse;
pub mod prompt;
pub mod search;
pub mod select;
pub mod session;
pub mod unread;

use super::effect::Effect;
use super::msg::Msg;
use super::state::notice::Tone;
use super::state::{App, Connection, Moment, Notice};

/// Takes a message in.
#[must_use]
pub fn update(app: &mut App, msg: Msg, at: Moment) -> Vec<Effect> {
    let now = at.wall;
    (app.now, app.elapsed, app.pressed) = (now, at.elapsed, at.pressed);
    app.fresh_id = at.fresh_id;
    if app
        .notice
        .as_ref()
        .is_some_and(|notice| notice.is_over(now))
    {
        app.notice = None;
    }
    let mut effects = match msg {
        Msg::Key(key) => key::key(app, key),
        Msg::Mouse(event) => mouse::mouse(app, event),
        Msg::Paste(text) => key::paste(app, &text),
        Msg::Resize | Msg::Tick | Msg::Repaint => Vec::new(),
        Msg::Attention(has) => {
            app.attention = has;
            Vec::new()
        }
        Msg::Link(link) => daemon_event::link(app, link),
        Msg::Stream { session, what } => daemon_event::stream(app, &session, what),
        Msg::Done(done) => effect_result::done(app, done),
    };
    effects.extend(select::reconcile(app));
    actions::settle_search(app);
    effects.extend(unread::settle(app));
    if app.data.is_empty() && app.connection != Connection::Connecting && app.first_run.begins(now)
    {
        effects.push(Effect::RunDoctor);
    }
    effects
}

/// Shows a notice to the user, for a while.
pub fn notify(app: &mut App, tone: Tone, text: impl Into<String>) {
    app.notice = Some(Notice::new(tone, text, app.now));
}
