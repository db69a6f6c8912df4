//! A text that is typed: what it holds, the cursor, and the keys that edit.
//!
//! The keys are readline's. The cursor moves, and text is deleted, by what a reader takes for one
//! character (a grapheme cluster): half of an emoji or of a syllable is never left behind.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui_textarea::{CursorMove, TextArea};
use unicode_segmentation::UnicodeSegmentation as _;

/// Characters beside the cursor in which its neighbouring cluster is looked for.
const NEAR: usize = 64;

/// A text that is typed.
#[derive(Clone, Debug, Default)]
pub struct Field {
    /// The library's own state: text, cursor, undo.
    pub area: TextArea<'static>,
}

impl Field {
    /// A field that holds a text, the cursor at its end.
    #[must_use]
    pub fn holding(text: &str) -> Self {
        let mut field = Self::default();
        field.insert(text);
        field
    }

    /// What it holds.
    #[must_use]
    pub fn text(&self) -> String {
        self.area.lines().join("\n")
    }

    /// Whether it holds nothing but white space.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.area.lines().iter().all(|line| line.trim().is_empty())
    }

    /// Replaces what it holds.
    pub fn set(&mut self, text: &str) {
        *self = Self::holding(text);
    }

    /// Puts text in at the cursor, as if it were typed. Carriage returns, which terminals paste for
    /// line ends, become line ends.
    pub fn insert(&mut self, text: &str) {
        self.area
            .insert_str(text.replace("\r\n", "\n").replace('\r', "\n"));
    }

    /// Takes a key that edits, as readline does; every other key does nothing.
    pub fn key(&mut self, key: KeyEvent) {
        const CTRL: KeyModifiers = KeyModifiers::CONTROL;
        const ALT: KeyModifiers = KeyModifiers::ALT;
        let modifiers = key.modifiers - KeyModifiers::SHIFT;
        let to = |area: &mut TextArea<'static>, place| {
            area.cancel_selection();
            area.move_cursor(place);
        };
        let area = &mut self.area;
        match (key.code, modifiers) {
            (KeyCode::Char(c), KeyModifiers::NONE) => area.insert_char(c),
            (KeyCode::Tab, KeyModifiers::NONE) => {
                area.insert_tab();
            }
            (KeyCode::Enter, KeyModifiers::NONE) => area.insert_newline(),
            (KeyCode::Char('a'), CTRL) | (KeyCode::Home, KeyModifiers::NONE) => {
                to(area, CursorMove::Head);
            }
            (KeyCode::Char('e'), CTRL) | (KeyCode::End, KeyModifiers::NONE) => {
                to(area, CursorMove::End);
            }
            (KeyCode::Char('b'), CTRL) | (KeyCode::Left, KeyModifiers::NONE) => self.step(false),
            (KeyCode::Char('f'), CTRL) | (KeyCode::Right, KeyModifiers::NONE) => self.step(true),
            (KeyCode::Char('p'), CTRL) | (KeyCode::Up, KeyModifiers::NONE) => {
                to(area, CursorMove::Up);
                self.leave_cluster();
            }
            (KeyCode::Char('n'), CTRL) | (KeyCode::Down, KeyModifiers::NONE) => {
                to(area, CursorMove::Down);
                self.leave_cluster();
            }
            (KeyCode::Char('b'), ALT) | (KeyCode::Left, CTRL | ALT) => {
                to(area, CursorMove::WordBack)
            }
            (KeyCode::Char('f'), ALT) | (KeyCode::Right, CTRL | ALT) => {
                to(area, CursorMove::WordForward);
            }
            (KeyCode::Char('<'), ALT) | (KeyCode::Home, CTRL) => to(area, CursorMove::Top),
            (KeyCode::Char('>'), ALT) | (KeyCode::End, CTRL) => to(area, CursorMove::Bottom),
            (KeyCode::Backspace, KeyModifiers::NONE) | (KeyCode::Char('h'), CTRL) => {
                self.delete(false);
            }
            (KeyCode::Delete, KeyModifiers::NONE) | (KeyCode::Char('d'), CTRL) => self.delete(true),
            (KeyCode::Char('u'), CTRL) => {
                area.delete_line_by_head();
            }
            (KeyCode::Char('k'), CTRL) => {
                area.delete_line_by_end();
            }
            (KeyCode::Char('w'), CTRL) => self.delete_word_back(),
            (KeyCode::Backspace, ALT | CTRL) => {
                area.delete_word();
            }
            (KeyCode::Char('d'), ALT) | (KeyCode::Delete, ALT | CTRL) => {
                area.delete_next_word();
            }
            (KeyCode::Char('y'), CTRL) => {
                area.paste();
            }
            // What terminals make of ctrl-_ and ctrl-/.
            (KeyCode::Char('_' | '/' | '7'), CTRL) => {
                area.undo();
            }
            _ => {}
        }
    }

    /// Moves the cursor over a cluster, or over the end of a line.
    fn step(&mut self, forward: bool) {
        let (by, over_end) = if forward {
            (CursorMove::Forward, self.cluster(true))
        } else {
            (CursorMove::Back, self.cluster(false))
        };
        self.area.cancel_selection();
        for _ in 0..over_end.max(1) {
            self.area.move_cursor(by);
        }
    }

    /// Deletes what is selected, else a cluster, or the end of a line.
    fn delete(&mut self, forward: bool) {
        let letters = self.cluster(forward);
        if self.area.is_selecting() || letters <= 1 {
            if forward {
                self.area.delete_next_char();
            } else {
                self.area.delete_char();
            }
            return;
        }
        if !forward {
            for _ in 0..letters {
                self.area.move_cursor(CursorMove::Back);
            }
        }
        self.delete_letters(letters);
    }

    /// Deletes characters behind the cursor, so that ctrl-y puts back what ctrl-k took, not these.
    fn delete_letters(&mut self, letters: usize) {
        let kept = self.area.yank_text();
        self.area.delete_str(letters);
        self.area.set_yank_text(kept);
    }

    /// Deletes back to the white space before the word, as readline's ctrl-w does.
    fn delete_word_back(&mut self) {
        if self.area.is_selecting() {
            self.area.delete_char();
            return;
        }
        let cursor = self.area.cursor();
        let (row, column) = (cursor.0, cursor.1);
        let line = self.area.lines().get(row).map(String::as_str);
        let before: Vec<char> = line.unwrap_or_default().chars().take(column).collect();
        let word_end = before.iter().rposition(|c| !c.is_whitespace());
        let begin = word_end.map_or(0, |end| {
            let space = before[..end].iter().rposition(|c| c.is_whitespace());
            space.map_or(0, |at| at + 1)
        });
        if column == 0 {
            // At the head of a line its end is what is before.
            self.area.delete_char();
            return;
        }
        for _ in begin..column {
            self.area.move_cursor(CursorMove::Back);
        }
        self.area.delete_str(column - begin);
    }

    /// Characters of the cluster beside the cursor; 0 at the line's edge.
    fn cluster(&self, forward: bool) -> usize {
        let cursor = self.area.cursor();
        let (row, column) = (cursor.0, cursor.1);
        let Some(line) = self.area.lines().get(row) else {
            return 0;
        };
        if forward {
            let near: String = line.chars().skip(column).take(NEAR).collect();
            let cluster = near.graphemes(true).next();
            return cluster.map_or(0, |cluster| cluster.chars().count());
        }
        let from = column.saturating_sub(NEAR);
        let near: String = line.chars().skip(from).take(column - from).collect();
        let cluster = near.graphemes(true).next_back();
        cluster.map_or(0, |cluster| cluster.chars().count())
    }

    /// Moves a cursor that came to stand within a cluster before it.
    fn leave_cluster(&mut self) {
        let cursor = self.area.cursor();
        let (row, column) = (cursor.0, cursor.1);
        let Some(line) = self.area.lines().get(row) else {
            return;
        };
        let mut at = 0;
        for cluster in line.graphemes(true) {
            let next = at + cluster.chars().count();
            if next > column {
                break;
            }
            at = next;
        }
        for _ in at..column {
            self.area.move_cursor(CursorMove::Back);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(field: &mut Field, keys: &str) {
        for name in keys.split(' ').filter(|name| !name.is_empty()) {
            let (modifiers, name) = match name.split_once('-') {
                Some(("ctrl", rest)) => (KeyModifiers::CONTROL, rest),
                Some(("alt", rest)) => (KeyModifiers::ALT, rest),
                _ => (KeyModifiers::NONE, name),
            };
            let code = match name {
                "left" => KeyCode::Left,
                "right" => KeyCode::Right,
                "up" => KeyCode::Up,
                "backspace" => KeyCode::Backspace,
                "delete" => KeyCode::Delete,
                one => KeyCode::Char(one.chars().next().unwrap_or(' ')),
            };
            field.key(KeyEvent::new(code, modifiers));
        }
    }

    #[test]
    fn the_keys_are_readlines() {
        for (keys, text) in [
            ("ctrl-a X", "Xone two-three four"),
            ("ctrl-a ctrl-e X", "one two-three fourX"),
            ("ctrl-u", ""),
            ("alt-b ctrl-u", "four"),
            ("ctrl-a ctrl-k", ""),
            ("ctrl-a alt-f ctrl-k", "one "),
            ("ctrl-w", "one two-three "),
            ("ctrl-w ctrl-w", "one "),
            ("ctrl-w ctrl-w ctrl-w ctrl-w", ""),
            ("ctrl-w ctrl-y", "one two-three four"),
            ("ctrl-a ctrl-d", "ne two-three four"),
            ("ctrl-b ctrl-h", "one two-three for"),
            ("ctrl-u ctrl-_", "one two-three four"),
            // Keys of something else type nothing.
            ("ctrl-x alt-x ctrl-v", "one two-three four"),
        ] {
            let mut field = Field::holding("one two-three four");
            press(&mut field, keys);
            assert_eq!(field.text(), text, "{keys}");
        }
    }

    #[test]
    fn the_cursor_moves_and_deletes_by_what_a_reader_takes_for_one_character() {
        for cluster in [
            "👩\u{200d}💻",
            "🇩🇪",
            "\u{928}\u{93f}",
            "e\u{301}",
            "⚠\u{fe0f}",
            "👍🏽",
            "x",
        ] {
            let holding = || Field::holding(&format!("a{cluster}b"));
            for (keys, rest) in [
                ("left backspace", "ab".to_owned()),
                ("left left delete", "ab".to_owned()),
                ("ctrl-a right right X", format!("a{cluster}Xb")),
                ("left left X", format!("aX{cluster}b")),
            ] {
                let mut field = holding();
                press(&mut field, keys);
                assert_eq!(field.text(), rest, "{keys} in a{cluster}b");
            }
        }
        // Over the end of a line, and never into the middle of a cluster of the line above.
        let mut field = Field::holding("👩\u{200d}💻\nab");
        press(&mut field, "ctrl-a left backspace");
        assert_eq!(field.text(), "\nab");
        let mut field = Field::holding("👩\u{200d}💻\nab");
        press(&mut field, "up X");
        assert_eq!(field.text(), "X👩\u{200d}💻\nab");
    }
}
