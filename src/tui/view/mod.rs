//! The screen, made of the state alone.
//!
//! A file a pane; the forms draw themselves ([`super::forms`]). Changes nothing but what is derived for drawing
//! (the conversation's layout, the first row of a list). Everything foreign is made safe before it
//! is drawn ([`crate::domain::text`]).

pub mod card;
pub mod completion;
pub mod conversation;
pub mod first_run;
pub mod hints;
pub mod inbox;
pub mod layout;
pub mod prompt;
pub mod sessions;
pub mod status;
pub mod tour;
pub mod typed;
pub mod widgets;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::forms::{self, Form, batch, confirm, read};
use super::state::guard::TextView;
use super::state::panes::Panes;
use super::state::{App, DecisionView, LastFrame, Pane};

/// Draws everything, and says what of it a key is about once it has reached the terminal.
pub fn draw(app: &mut App, frame: &mut Frame<'_>) -> LastFrame {
    let (tour_line, area) = tour::split(app, frame.area());
    app.size = (area.width, area.height);
    app.sessions.arrange(&app.data);
    forms::arrange(app, area);
    let panes = panes(app, area);
    let with_context = panes.conversation.height == 0;
    app.card.scroll = app
        .card
        .scroll
        .min(card::hidden(app, panes.card, with_context));
    let decision = decision(app, area, panes.card, with_context);
    app.guard.begin_frame(decision.as_ref());
    let buf = frame.buffer_mut();
    buf.set_style(area.union(tour_line), app.theme.text);
    inbox::draw(app, panes.inbox, buf);
    sessions::draw(app, panes.sessions, buf);
    prompt::draw(app, panes.prompt, buf);
    let searching = conversation::draw(app, panes.conversation, buf);
    card::draw(app, panes.card, with_context, buf);
    status::draw(app, panes.status, buf);
    tour::draw(app, tour_line, buf);
    hints::draw(app, panes.hints, panes.status, buf);
    let cursor = forms::draw(app, area, buf)
        .or_else(|| prompt::finish(app, panes.prompt, area, buf))
        .or(searching)
        .or_else(|| filter_cursor(app, &panes, buf));
    app.theme.paint_ground(app.ground, buf);
    if let Some(at) = cursor {
        frame.set_cursor_position(at);
    }
    LastFrame {
        decision,
        form: app.form.as_ref().and_then(Form::identity),
        inbox: inbox::drawn(app, panes.inbox),
        card_most: card::hidden(app, panes.card, with_context),
        panes,
    }
}

/// Where a filter of a list is being typed: at the bar behind its text, in the pane's title.
fn filter_cursor(app: &App, panes: &Panes, buf: &Buffer) -> Option<Position> {
    let pane = match (&app.form, app.inbox.typing, app.sessions.typing) {
        (Some(_), _, _) | (None, false, false) => return None,
        (None, true, _) => panes.inbox,
        (None, false, true) => panes.sessions,
    };
    let title = Rect {
        height: pane.height.min(1),
        ..pane
    };
    let is_bar = |at: &Position| {
        buf.cell(*at)
            .is_some_and(|cell| cell.symbol() == widgets::BAR)
    };
    title.positions().find(is_bar)
}

/// Where everything is. How wide the panel is depends on where it goes, how high on what it says at that
/// width, for which it is laid out here.
fn panes(app: &mut App, area: Rect) -> Panes {
    let bare = layout::layout(app, area, 0);
    let width = match bare.conversation.width {
        0 => area.width,
        width => width,
    };
    card::arrange(app, width);
    let card = card::height(app, bare.conversation.height == 0, width);
    layout::layout(app, area, card)
}

/// What this frame shows under the decision keys; none where they decide nothing, as while something
/// is typed.
fn decision(app: &App, screen: Rect, card: Rect, with_context: bool) -> Option<DecisionView> {
    let panel = || {
        let approval = app.selected_approval()?;
        let text = card::text_view(app, card, with_context)?;
        Some((approval, text))
    };
    let Some(form) = &app.form else {
        let typing = app.sessions.typing || app.inbox.typing || app.is_searching();
        let (approval, text) = panel()?;
        let is_shown = card.height >= 3 && card.width >= 10;
        let decides = is_shown && !typing && app.focus != Pane::Prompt;
        return decides.then(|| DecisionView {
            approval: Some(approval.id.clone()),
            form: None,
            heading: card::heading(app, approval, usize::MAX),
            size: app.size,
            text: Some(text),
        });
    };
    // On such a screen a form has no row for what it is about.
    if screen.height < 6 || screen.width < 10 {
        return None;
    }
    let text = match form {
        Form::Read(form) if form.is_searching() => return None,
        Form::Read(form) => read::view(app, form, screen),
        Form::Confirm(form) if form.approval.is_some() => Some(confirm::view(app, form, screen)),
        Form::Batch(form) => batch::view(form),
        // It covers the panel, which it has nothing to say about: what was read before counts.
        Form::Palette(_) => panel().map(|(_, text)| TextView { rows: 0..0, ..text }),
        Form::Deny(_)
        | Form::Edit(_)
        | Form::AlwaysAllow(_)
        | Form::Question(_)
        | Form::Contact(_)
        | Form::Message(_)
        | Form::Confirm(_)
        | Form::Bulk(_)
        | Form::Launch(_)
        | Form::Search(_)
        | Form::Help(_) => None,
    };
    let is_decision = form.approval().is_some() || form.decides();
    is_decision.then(|| DecisionView {
        approval: form.approval().map(str::to_owned),
        form: Some(form.identity().unwrap_or_else(|| form.name().to_owned())),
        heading: String::new(),
        size: app.size,
        text,
    })
}

/// The title of the terminal's window.
#[must_use]
pub fn title(app: &App) -> String {
    match (app.data.pending.len(), app.data.failed()) {
        (0, 0) => "humanlayer".to_owned(),
        (pending, 0) => format!("({pending}) humanlayer"),
        (0, failed) => format!("({failed} failed) humanlayer"),
        (pending, failed) => format!("({pending}, {failed} failed) humanlayer"),
    }
}

#[cfg(test)]
mod tests;
