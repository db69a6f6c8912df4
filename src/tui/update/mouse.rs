//! The mouse: the wheel scrolls what is under it, a click selects, a second click opens.
//!
//! What is under it is told by what was drawn last ([`App::frame`]), so that a click is about the row
//! that was there when the finger moved, whatever has arrived since. The mouse decides nothing.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

use super::{Effect, actions, list, select};
use crate::tui::forms::{self, Form};
use crate::tui::state::sessions::Target;
use crate::tui::state::{App, Pane};
use crate::tui::transcript::Scroll;

/// Rows that a turn of the wheel scrolls.
const WHEEL: u16 = 3;

/// Takes what the mouse did.
pub fn mouse(app: &mut App, event: MouseEvent) -> Vec<Effect> {
    let at = Position::new(event.column, event.row);
    match event.kind {
        MouseEventKind::ScrollUp => wheel(app, at, false),
        MouseEventKind::ScrollDown => wheel(app, at, true),
        MouseEventKind::Down(MouseButton::Left) => click(app, at),
        MouseEventKind::Down(_)
        | MouseEventKind::Up(_)
        | MouseEventKind::Drag(_)
        | MouseEventKind::Moved
        | MouseEventKind::ScrollLeft
        | MouseEventKind::ScrollRight => Vec::new(),
    }
}

fn wheel(app: &mut App, at: Position, down: bool) -> Vec<Effect> {
    if app.form.is_some() {
        return wheel_form(app, down);
    }
    let panes = app.frame.panes;
    if panes.sessions.contains(at) {
        let rows = app.sessions.rows().len();
        let most = rows.saturating_sub(usize::from(app.sessions.height));
        let offset = &mut app.sessions.offset;
        *offset = if down {
            (*offset + usize::from(WHEEL)).min(most)
        } else {
            offset.saturating_sub(usize::from(WHEEL))
        };
        app.sessions.scrolled_away = true;
    } else if panes.conversation.contains(at) {
        let rows = i32::from(WHEEL);
        let rows = if down { rows } else { -rows };
        app.detail.transcript.scroll(Scroll::Lines(rows));
    } else if panes.card.contains(at) {
        let scroll = &mut app.card.scroll;
        *scroll = if down {
            scroll.saturating_add(WHEEL).min(app.frame.card_most)
        } else {
            scroll.saturating_sub(WHEEL)
        };
    } else if panes.inbox.contains(at) {
        return actions::step_approval(app, if down { 1 } else { -1 });
    }
    Vec::new()
}

/// In a form the wheel is the arrow keys, where those only move about.
fn wheel_form(app: &mut App, down: bool) -> Vec<Effect> {
    let moves = match &app.form {
        Some(
            Form::Read(_)
            | Form::Help(_)
            | Form::Palette(_)
            | Form::Bulk(_)
            | Form::Confirm(_)
            | Form::Search(_),
        ) => true,
        // In a review the arrows only move about, elsewhere they choose.
        Some(Form::Batch(form)) => form.yes,
        Some(Form::Edit(form)) => form.review.is_some(),
        Some(
            Form::Deny(_)
            | Form::AlwaysAllow(_)
            | Form::Question(_)
            | Form::Contact(_)
            | Form::Message(_)
            | Form::Launch(_),
        )
        | None => false,
    };
    if !moves {
        return Vec::new();
    }
    let code = if down { KeyCode::Down } else { KeyCode::Up };
    let mut effects = Vec::new();
    for _ in 0..WHEEL {
        effects.extend(forms::keys::key(
            app,
            KeyEvent::new(code, KeyModifiers::NONE),
        ));
    }
    effects
}

fn click(app: &mut App, at: Position) -> Vec<Effect> {
    if app.form.is_some() {
        return Vec::new();
    }
    let panes = app.frame.panes;
    app.sessions.typing = false;
    if let Some(row) = row_of(panes.sessions, at) {
        let had_keys = app.focus == Pane::Sessions;
        app.focus = Pane::Sessions;
        click_session(app, row, had_keys);
    } else if let Some(row) = row_of(panes.inbox, at) {
        app.focus = Pane::Inbox;
        if let Some(id) = app.frame.inbox.get(row).cloned() {
            select::approval(app, &id);
        }
    } else if panes.card.contains(at) {
        app.focus = Pane::Inbox;
    } else if panes.prompt.contains(at) {
        app.focus = Pane::Prompt;
    } else if panes.conversation.contains(at) {
        let had_keys = app.focus == Pane::Conversation;
        app.focus = Pane::Conversation;
        app.detail.open = true;
        // Inside the frame and below the line of facts.
        if let Some(row) = row_of(panes.conversation, at)
            && let Some(row) = row.checked_sub(1)
        {
            let transcript = &mut app.detail.transcript;
            let was_selected = transcript.click(u16::try_from(row).unwrap_or(u16::MAX));
            if was_selected && had_keys {
                transcript.toggle_fold();
            }
        }
    }
    Vec::new()
}

fn click_session(app: &mut App, row: usize, had_keys: bool) {
    match app.sessions.target(app.sessions.offset + row) {
        Some(Target::Group(group)) => list::toggle(app, group),
        Some(Target::Session(id)) => {
            let again = app.sessions.selected.as_ref() == Some(&id);
            if again && had_keys {
                list::open(app);
            } else {
                select::session(app, id);
                // The row stays under the mouse.
                app.sessions.scrolled_away = true;
            }
        }
        None => {}
    }
}

/// Which row within a pane's frame is meant.
fn row_of(pane: Rect, at: Position) -> Option<usize> {
    let inside = pane.inner(ratatui::layout::Margin::new(1, 1));
    inside.contains(at).then(|| usize::from(at.y - inside.y))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use serde_json::json;

    use super::*;
    use crate::tui::msg::Msg;
    use crate::tui::testing::{TuiHarness, approval, session};

    fn tui(size: (u16, u16)) -> TuiHarness {
        let sessions: Vec<_> = (0..40)
            .map(|n| {
                let minute = format!("2026-03-01T11:{:02}:00Z", 59 - n);
                session(&format!("s{n:02}"), json!({"last_activity_at": minute}))
            })
            .collect();
        let asked = [
            approval("a1", "s00", json!({})),
            approval("a2", "s01", json!({"created_at": "2026-03-01T11:59:10Z"})),
        ];
        TuiHarness::new(size, &sessions, &asked)
    }

    /// Where a text is on the screen.
    fn find(tui: &mut TuiHarness, text: &str) -> Position {
        let screen = tui.screen();
        let (y, line) = screen
            .lines()
            .enumerate()
            .find(|(_, line)| line.contains(text))
            .unwrap();
        let x = line[..line.find(text).unwrap()].chars().count();
        Position::new(u16::try_from(x).unwrap(), u16::try_from(y).unwrap())
    }

    fn mouse(tui: &mut TuiHarness, kind: MouseEventKind, at: Position) {
        tui.tell(Msg::Mouse(MouseEvent {
            kind,
            column: at.x,
            row: at.y,
            modifiers: KeyModifiers::NONE,
        }));
        tui.draw();
    }

    const CLICK: MouseEventKind = MouseEventKind::Down(MouseButton::Left);

    #[test]
    fn a_click_selects_a_session_and_another_opens_it() {
        for size in [(80, 24), (140, 40)] {
            let mut tui = tui(size);
            let at = find(&mut tui, "the work of s05");
            mouse(&mut tui, CLICK, at);
            assert_eq!(tui.app.sessions.selected.as_deref(), Some("s05"));
            assert_eq!(tui.app.focus, Pane::Sessions);
            mouse(&mut tui, CLICK, at);
            assert_eq!(tui.app.focus, Pane::Conversation);
        }
    }

    #[test]
    fn a_click_on_a_heading_folds_and_unfolds() {
        let mut tui = tui((140, 40));
        let at = find(&mut tui, "Running 38");
        mouse(&mut tui, CLICK, at);
        assert_eq!(tui.app.sessions.rows().len(), 1);
        mouse(&mut tui, CLICK, at);
        assert_eq!(tui.app.sessions.rows().len(), 39);
    }

    #[test]
    fn a_click_is_about_the_row_that_was_drawn() {
        let mut tui = tui((140, 40));
        let at = find(&mut tui, "the work of s01 ");
        assert_eq!(at.y, 2, "the second row of the inbox");
        // The first one goes before the click arrives, and nothing was drawn since.
        let gone = approval(
            "a1",
            "s00",
            json!({"outcome": "denied", "status": "denied"}),
        );
        tui.approval_event("approval_resolved", &gone);
        mouse(&mut tui, CLICK, at);
        assert_eq!(tui.shown_approval(), Some("a2"));
        assert_eq!(tui.app.focus, Pane::Inbox);
    }

    #[test]
    fn the_wheel_scrolls_the_list_and_leaves_the_selection() {
        let mut tui = tui((140, 40));
        let at = find(&mut tui, "the work of s05");
        let before = tui.app.sessions.selected.clone();
        for _ in 0..40 {
            mouse(&mut tui, MouseEventKind::ScrollDown, at);
        }
        assert_eq!(tui.app.sessions.selected, before);
        assert!(tui.screen().contains("the work of s39"));
        tui.keys("j");
        assert!(tui.screen().contains("the work of s01"), "back to it");
    }

    #[test]
    fn the_mouse_decides_nothing() {
        let mut tui = tui((140, 40));
        let at = find(&mut tui, "y approve");
        let effects = tui.tell(Msg::Mouse(MouseEvent {
            kind: CLICK,
            column: at.x,
            row: at.y,
            modifiers: KeyModifiers::NONE,
        }));
        assert!(!effects.iter().any(|e| matches!(e, Effect::Decide(_))));
    }
}
