//! What a message changes, and what must be done because of it.
//!
//! Pure: `App` and a [`Msg`] in, [`Effect`]s out. Owns the rules of the dashboard; files mirror the
//! panes and forms of [`super::state`]. Must not do anything itself.

pub mod act;
pub mod card;
pub mod decide;
pub mod done;
pub mod inbox;
pub mod key;
pub mod launch;
pub mod link;
pub mod list;
pub mod mouse;
pub mod offline;
pub mod search;
pub mod select;
pub mod session;
pub mod unread;

pub use act::act;

use super::effect::Effect;
use super::msg::Msg;
use super::state::{App, Connection, Moment, Notice, notice::Tone};

/// Takes a message in.
#[must_use]
pub fn update(app: &mut App, msg: Msg, at: Moment) -> Vec<Effect> {
    let now = at.wall;
    (app.now, app.elapsed, app.pressed) = (now, at.elapsed, at.pressed);
    if app
        .notice
        .as_ref()
        .is_some_and(|notice| notice.is_over(now))
    {
        app.notice = None;
    }
    let mut effects = match msg {
        Msg::Key(key) => offline::guard(app, |app| key::key(app, key)),
        Msg::Mouse(event) => offline::guard(app, |app| mouse::mouse(app, event)),
        Msg::Paste(text) => key::paste(app, &text),
        Msg::Resize | Msg::Tick | Msg::Repaint => Vec::new(),
        Msg::Attention(has) => {
            app.attention = has;
            Vec::new()
        }
        Msg::Link(link) => link::link(app, link),
        Msg::Stream { session, what } => link::stream(app, &session, what),
        Msg::Done(done) => done::done(app, done),
    };
    effects.extend(select::reconcile(app));
    act::settle_search(app);
    effects.extend(unread::settle(app));
    if app.data.is_empty() && app.connection != Connection::Connecting && app.first_run.begins(now)
    {
        effects.push(Effect::Check);
    }
    effects
}

/// Says a word to the user.
pub fn say(app: &mut App, tone: Tone, text: impl Into<String>) {
    app.notice = Some(Notice::new(tone, text, app.now));
}
