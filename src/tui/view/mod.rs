//! The screen, from the state alone.
//!
//! A file a pane or form, as in [`super::state`]. Changes nothing but what is derived for drawing
//! (the conversation's layout, the first row of a list). Everything foreign is made safe before it
//! is drawn ([`crate::domain::text`]).

mod card;
mod completion;
mod conversation;
mod first_run;
mod form;
mod inbox;
pub mod layout;
mod prompt;
mod sessions;
mod status;
mod typed;
mod widgets;

use ratatui::Frame;
use ratatui::layout::Rect;

use super::state::{App, Drawn};

/// Draws everything, and notes what of it a key is about.
pub fn draw(app: &mut App, frame: &mut Frame<'_>) {
    let area = frame.area();
    app.size = (area.width, area.height);
    app.sessions.arrange(&app.data);
    let panes = panes(app, area);
    let buf = frame.buffer_mut();
    buf.set_style(area, app.theme.text);
    inbox::draw(app, panes.inbox, buf);
    sessions::draw(app, panes.sessions, buf);
    prompt::draw(app, panes.prompt, buf);
    conversation::draw(app, panes.conversation, buf);
    card::draw(app, panes.card, buf);
    status::draw(app, panes.status, panes.hints, buf);
    let cursor =
        form::draw(app, area, buf).or_else(|| prompt::finish(app, panes.prompt, area, buf));
    app.drawn = Drawn {
        approval: drawn_approval(app, panes.card),
        inbox: inbox::drawn(app, panes.inbox),
        card_most: card::hidden(app, panes.card),
        panes,
    };
    if let Some(at) = cursor {
        frame.set_cursor_position(at);
    }
}

/// Where everything is.
#[must_use]
pub fn panes(app: &App, area: Rect) -> layout::Layout {
    // Whether there are two columns decides how wide the card is, and so how many rows it wants.
    let without = layout::layout(app, area, 0);
    let width = if without.conversation.width > 0 {
        without.conversation.width
    } else {
        area.width
    };
    layout::layout(app, area, card::height(app, width))
}

/// The approval that the screen asks about.
fn drawn_approval(app: &App, card: Rect) -> Option<String> {
    match &app.form {
        Some(form) => form.approval().map(str::to_owned),
        None if card.height > 0 => app.inbox.selected.clone(),
        None => None,
    }
}

/// The title of the terminal's window.
#[must_use]
pub fn title(app: &App) -> String {
    match app.data.pending.len() {
        0 => "humanlayer".to_owned(),
        waiting => format!("({waiting}) humanlayer"),
    }
}
