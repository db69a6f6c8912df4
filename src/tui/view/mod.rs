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
mod hints;
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
    card::arrange(app, card_width(app, area));
    form::arrange(app, area);
    let panes = panes(app, area);
    let buf = frame.buffer_mut();
    buf.set_style(area, app.theme.text);
    inbox::draw(app, panes.inbox, buf);
    sessions::draw(app, panes.sessions, buf);
    prompt::draw(app, panes.prompt, buf);
    conversation::draw(app, panes.conversation, buf);
    card::draw(app, panes.card, buf);
    status::draw(app, panes.status, buf);
    hints::draw(app, panes.hints, buf);
    let cursor =
        form::draw(app, area, buf).or_else(|| prompt::finish(app, panes.prompt, area, buf));
    app.drawn = Drawn {
        approval: drawn_approval(app, area, panes.card),
        form: app.form.as_ref().and_then(super::state::Form::identity),
        inbox: inbox::drawn(app, panes.inbox),
        card_most: card::hidden(app, panes.card),
        panes,
    };
    if let Some(at) = cursor {
        frame.set_cursor_position(at);
    }
}

/// Where everything is, with the card as it was laid out last.
#[must_use]
pub fn panes(app: &App, area: Rect) -> layout::Layout {
    layout::layout(app, area, card::height(app))
}

/// How wide the card is: that depends on whether there are two columns.
fn card_width(app: &App, area: Rect) -> u16 {
    match layout::layout(app, area, 0).conversation.width {
        0 => area.width,
        width => width,
    }
}

/// The approval that the screen asks about.
fn drawn_approval(app: &App, screen: Rect, card: Rect) -> Option<String> {
    match &app.form {
        // On such a screen a form has no row for what it is about.
        Some(_) if screen.height < 6 || screen.width < 10 => None,
        Some(form) => form.approval().map(str::to_owned),
        None if card::shows_question(card) => app.inbox.selected.clone(),
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

#[cfg(test)]
mod tests;
