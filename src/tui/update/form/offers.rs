//! Keys in a text with answers offered for it.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::tui::state::form::offers::Offers;

/// What a key came to.
pub enum Typed {
    /// It was typed, or chose something.
    Taken,
    /// It asks for sending.
    Send,
    /// It asks for the editor.
    Editor,
}

/// Enter sends, alt-enter is a new line, up and down choose while nothing of one's own is typed.
pub fn key(offers: &mut Offers, key: KeyEvent) -> Typed {
    match key.code {
        KeyCode::Enter if key.modifiers.is_empty() => return Typed::Send,
        KeyCode::Char('s') if key.modifiers == KeyModifiers::CONTROL => return Typed::Send,
        KeyCode::Char('g') if key.modifiers == KeyModifiers::CONTROL => return Typed::Editor,
        KeyCode::Up | KeyCode::Down if offers.is_choosing() => {
            offers.step(key.code == KeyCode::Down);
        }
        KeyCode::Enter => {
            offers
                .text
                .key(KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE));
            offers.typing();
        }
        _ => {
            offers.text.key(key);
            offers.typing();
        }
    }
    Typed::Taken
}
