//! The mouse: the wheel scrolls what is under it, a click selects.

use crossterm::event::MouseEvent;

use super::Effect;
use crate::tui::state::App;

/// Takes what the mouse did.
pub fn mouse(app: &mut App, event: MouseEvent) -> Vec<Effect> {
    let _ = (app, event);
    Vec::new()
}
