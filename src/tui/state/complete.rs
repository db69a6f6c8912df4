//! What the text before the cursor can be completed with.
//!
//! Owns the list that is shown while typing and which entry is chosen; finds the piece that is being
//! typed. Where candidates come from is not its business. Used by the prompt line and the form that
//! starts a session.

use crate::tui::forms::Field;

/// The list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completion {
    /// The piece that was being typed when the list was asked for; none: nothing to complete.
    pub of: Option<String>,
    /// What it can become.
    pub found: Vec<String>,
    /// The chosen entry; none until somebody chooses.
    pub chosen: Option<usize>,
}

impl Completion {
    /// Whether there is a list to show.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.of.is_some() && !self.found.is_empty()
    }

    /// Takes it away.
    pub fn close(&mut self) {
        *self = Self::default();
    }

    /// Notes what is being typed now; says whether that is another piece than before.
    pub fn typing(&mut self, piece: Option<String>) -> bool {
        if self.of == piece {
            return false;
        }
        if piece.is_none() {
            self.found.clear();
        }
        self.chosen = None;
        self.of = piece;
        true
    }

    /// Takes candidates in, if they are for what is being typed now.
    pub fn take(&mut self, of: &str, found: Vec<String>) {
        if self.of.as_deref() != Some(of) {
            return;
        }
        // What is typed out already needs no list.
        self.found = match found.as_slice() {
            [only] if only == of => Vec::new(),
            _ => found,
        };
        self.chosen = None;
    }

    /// Chooses the next entry, or the one before; before the first one none is chosen.
    pub fn step(&mut self, down: bool) {
        let count = self.found.len();
        self.chosen = match (self.chosen, down) {
            (None, true) => Some(0),
            (None, false) => count.checked_sub(1),
            (Some(at), true) => Some((at + 1).min(count.saturating_sub(1))),
            (Some(at), false) => at.checked_sub(1),
        };
    }

    /// Whether what is typed is an entry itself, so that nothing is left to complete.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let typed = self.of.as_deref().unwrap_or_default();
        let bare = |entry: &str| entry.trim_end_matches('/').to_owned();
        !typed.is_empty()
            && self.chosen.is_none()
            && self.found.iter().any(|entry| bare(entry) == bare(typed))
    }

    /// Puts the chosen entry, or the first one, in the place of what was typed; gives it back.
    pub fn put_into(&mut self, field: &mut Field) -> Option<String> {
        let of = self.of.clone()?;
        let entry = self.found.get(self.chosen.unwrap_or(0))?.clone();
        for _ in of.chars() {
            field.area.delete_char();
        }
        field.area.insert_str(&entry);
        self.close();
        Some(entry)
    }
}

/// The `@file` that is being typed, without its `@`.
#[must_use]
pub fn file(field: &Field) -> Option<String> {
    let before = before_cursor(field);
    let word = before.rsplit(char::is_whitespace).next()?;
    word.strip_prefix('@').map(str::to_owned)
}

/// The entry of a list with commas that is being typed.
#[must_use]
pub fn entry(field: &Field) -> String {
    let before = before_cursor(field);
    let entry = before.rsplit(',').next().unwrap_or_default();
    entry.trim_start().to_owned()
}

/// What is on the cursor's line before it.
#[must_use]
pub fn before_cursor(field: &Field) -> String {
    let cursor = field.area.cursor();
    let line = field.area.lines().get(cursor.0).map(String::as_str);
    line.unwrap_or_default().chars().take(cursor.1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_piece_that_is_being_typed() {
        for (text, piece) in [
            ("", None),
            ("look at @", Some("")),
            ("look at @src/ma", Some("src/ma")),
            ("@a b", None),
            ("me@example.org", None),
            ("first\n@x", Some("x")),
        ] {
            let found = file(&Field::holding(text));
            assert_eq!(found.as_deref(), piece, "{text:?}");
        }
        assert_eq!(entry(&Field::holding("Bash, Re")), "Re");
    }

    #[test]
    fn an_entry_takes_the_place_of_what_was_typed() {
        let mut field = Field::holding("see @src/m");
        let mut list = Completion::default();
        assert!(list.typing(file(&field)));
        assert!(!list.typing(file(&field)), "asked for once");
        list.take("other", vec!["x".to_owned()]);
        assert!(!list.is_open(), "an answer that comes late is not for this");
        list.take(
            "src/m",
            vec!["src/main.rs".to_owned(), "src/mod.rs".to_owned()],
        );
        list.step(true);
        list.step(true);
        list.step(true);
        assert_eq!(list.put_into(&mut field).as_deref(), Some("src/mod.rs"));
        assert_eq!(field.text(), "see @src/mod.rs");
        assert!(!list.is_open());
    }

    #[test]
    fn none_is_chosen_before_the_first() {
        let mut list = Completion::default();
        list.typing(Some(String::new()));
        list.take("", vec!["a".to_owned(), "b".to_owned()]);
        for (down, chosen) in [
            (false, Some(1)),
            (false, Some(0)),
            (false, None),
            (true, Some(0)),
        ] {
            list.step(down);
            assert_eq!(list.chosen, chosen);
        }
    }
}
