//! Where each pane is, for a size of the screen and what there is to show.
//!
//! Pure. The view draws by it and the mouse is understood by it, so that they cannot disagree.

use ratatui::layout::{Constraint, Layout, Rect};

use crate::tui::state::panes::Panes;
use crate::tui::state::{App, Pane};

/// From this width on lists and conversation are side by side.
pub const WIDE: u16 = 100;
/// Below this height the card and the prompt line give way first.
const LOW: u16 = 18;
/// Below this height the prompt line gives way to a card.
const TALL: u16 = 32;

/// Lays the panes out. `card` is how many rows the approval panel would like to have, its frame
/// included; 0 when the selected session asks nothing.
#[must_use]
pub fn layout(app: &App, area: Rect, card: u16) -> Panes {
    let mut layout = Panes::default();
    if area.height < 3 || area.width < 10 {
        layout.status = area;
        return layout;
    }
    let mut rest = area;
    layout.hints = take_bottom(&mut rest, 1);
    layout.status = take_bottom(&mut rest, 1);
    let waiting = u16::try_from(app.data.pending.len()).unwrap_or(u16::MAX);
    if area.width >= WIDE && !is_zoomed(app) {
        let mut left = take_left(&mut rest, (area.width * 2 / 5).clamp(40, 64));
        let rows = super::prompt::height(app, left.width);
        layout.prompt = take_bottom(&mut left, rows);
        if waiting > 0 {
            let rows = inbox_rows(app, waiting, left.height);
            layout.inbox = take_top(&mut left, rows);
        }
        layout.sessions = left;
        if card > 0 {
            // The conversation keeps the agent's last words in sight; the rest may be the panel's.
            let most = rest.height.saturating_sub(8).max(rest.height / 2);
            layout.card = take_bottom(&mut rest, card.min(most));
        }
        layout.conversation = rest;
        return layout;
    }
    let is_open = match is_zoomed(app) {
        true => app.focus == Pane::Conversation,
        false => app.detail.open,
    };
    if card > 0 {
        let most = if is_zoomed(app) && is_open && area.height >= LOW {
            (rest.height / 3).max(8)
        } else if area.height < LOW {
            // One row of the list beside it is all that there is room for.
            rest.height.saturating_sub(3)
        } else if is_open {
            rest.height / 2
        } else {
            rest.height * 3 / 5
        };
        layout.card = take_bottom(&mut rest, card.min(most.max(5)));
    }
    if is_open {
        layout.conversation = rest;
        return layout;
    }
    // Beside a question the list is worth more than a line that a key brings back.
    let roomy = area.height >= if card > 0 { TALL } else { LOW };
    if (roomy && !app.zoomed) || app.focus == Pane::Prompt {
        let rows = super::prompt::height(app, rest.width);
        layout.prompt = take_bottom(&mut rest, rows);
    }
    if waiting > 0 {
        let rows = inbox_rows(app, waiting, rest.height);
        layout.inbox = take_top(&mut rest, rows);
    }
    layout.sessions = rest;
    layout
}

/// Whether one pane has the whole screen. A new session's prompt is beside the lists all the same.
fn is_zoomed(app: &App) -> bool {
    app.zoomed && app.focus != Pane::Prompt
}

/// Rows of the inbox in a column of so many: all that it needs, but the other sessions keep what they
/// need, up to a third.
fn inbox_rows(app: &App, waiting: u16, column: u16) -> u16 {
    let others = u16::try_from(app.sessions.rows().len())
        .unwrap_or(u16::MAX)
        .saturating_add(2);
    let kept = others.min(column / 3).max(3);
    let most = column.saturating_sub(kept).max(3);
    waiting.saturating_add(2).min(most)
}

/// Takes so many rows off the top of what is left, or all that there are.
fn take_top(rest: &mut Rect, rows: u16) -> Rect {
    let taken;
    [taken, *rest] = Layout::vertical([Constraint::Length(rows), Constraint::Fill(1)]).areas(*rest);
    taken
}

fn take_bottom(rest: &mut Rect, rows: u16) -> Rect {
    let taken;
    [*rest, taken] = Layout::vertical([Constraint::Fill(1), Constraint::Length(rows)]).areas(*rest);
    taken
}

fn take_left(rest: &mut Rect, columns: u16) -> Rect {
    let taken;
    [taken, *rest] =
        Layout::horizontal([Constraint::Length(columns), Constraint::Fill(1)]).areas(*rest);
    taken
}
