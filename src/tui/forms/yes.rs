//! Which key says yes in a dialog, and which says no.
//!
//! `y` says yes in every dialog that asks for a yes or a no; `n` and Esc say no. Enter says yes as well where
//! nothing is lost and nothing is approved, and only there: it is also the key that opens, chooses and
//! sends. What is dangerous is approved by `!` alone, as `y` is the key that led to that dialog. Where text is
//! typed (a reason, an answer, another input) letters are text, and Enter sends. The user's keymap changes
//! none of this, so that a dialog is answered alike everywhere.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// Which key says yes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Yes {
    /// `y`: something is approved, or lost.
    Letter,
    /// `y` or Enter.
    LetterOrEnter,
    /// `!`: what is approved is dangerous.
    Mark,
}

impl Yes {
    /// How the dialog names it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Letter => "y",
            Self::LetterOrEnter => "y/enter",
            Self::Mark => "!",
        }
    }

    /// What is said to a key that does not say yes here, with the verb of what a yes does.
    #[must_use]
    pub fn instead(self, verb: &str) -> String {
        let key = match self {
            Self::Letter => "y",
            Self::LetterOrEnter => "y or Enter",
            Self::Mark => "!",
        };
        format!("Press {key} to {verb}, n to cancel")
    }

    /// Whether this key says yes.
    #[must_use]
    pub fn takes(self, key: KeyEvent) -> bool {
        match (self, key.code) {
            (Self::Letter | Self::LetterOrEnter, KeyCode::Char('y'))
            | (Self::Mark, KeyCode::Char('!')) => is_plain(key),
            (Self::LetterOrEnter, KeyCode::Enter) => true,
            _ => false,
        }
    }

    /// Whether this key looks like a yes, and is none here.
    #[must_use]
    pub fn refuses(self, key: KeyEvent) -> bool {
        let is_like_one = match key.code {
            KeyCode::Enter => true,
            KeyCode::Char('y' | 'Y' | '!') => is_plain(key),
            _ => false,
        };
        is_like_one && !self.takes(key)
    }
}

/// How a dialog names the keys that say no.
pub const NO: &str = "n/esc";

/// Whether a key says no, besides Esc, which goes back everywhere.
#[must_use]
pub fn is_no(key: KeyEvent) -> bool {
    matches!(key.code, KeyCode::Char('n' | 'q')) && is_plain(key)
}

fn is_plain(key: KeyEvent) -> bool {
    !key.modifiers
        .intersects(KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SUPER)
}
