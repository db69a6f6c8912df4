//! The inbox's filter, as it is typed.

use crossterm::event::{KeyCode, KeyEvent};

use super::line::edit_line;
use super::{Effect, actions, notify, select};
use crate::domain::text::sanitize_line;
use crate::tui::keymap::Action;
use crate::tui::state::App;
use crate::tui::state::notice::Tone;

/// Takes a key while the filter is typed.
pub fn filter(app: &mut App, key: KeyEvent) -> Vec<Effect> {
    match key.code {
        KeyCode::Esc => return actions::act(app, Action::Cancel),
        KeyCode::Enter => {
            app.inbox.typing = false;
            if app.inbox.shown(&app.data).is_empty() {
                let sought = sanitize_line(&std::mem::take(&mut app.inbox.filter)).into_owned();
                notify(
                    app,
                    Tone::Plain,
                    format!("Nothing pending matches {sought}"),
                );
            }
        }
        KeyCode::Down => return actions::act(app, Action::Down),
        KeyCode::Up => return actions::act(app, Action::Up),
        _ => {
            edit_line(&mut app.line, &mut app.inbox.filter, key);
            filtered(app);
        }
    }
    Vec::new()
}

/// The filter has changed.
pub fn filtered(app: &mut App) {
    let shown = app.inbox.shown(&app.data);
    let is_listed = app
        .selected_approval()
        .is_some_and(|approval| shown.contains(&approval.id));
    if let (false, Some(first)) = (is_listed, shown.first()) {
        select::approval(app, first);
    }
}
