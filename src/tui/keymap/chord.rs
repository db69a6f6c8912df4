//! A key with its modifiers, as it is written in the configuration file and shown in help.

use std::fmt;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// A key press.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Chord {
    code: KeyCode,
    modifiers: KeyModifiers,
}

/// Names of keys that are not a character.
const NAMED: [(&str, KeyCode); 17] = [
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("shift-tab", KeyCode::BackTab),
    ("space", KeyCode::Char(' ')),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("insert", KeyCode::Insert),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("pageup", KeyCode::PageUp),
    ("pagedown", KeyCode::PageDown),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("minus", KeyCode::Char('-')),
];

/// Why a text names no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} names no key: write a character (`y`, `Y`, `/`), a name (`enter`, `esc`, `tab`, `space`, `up`, `pagedown`, `f5` …), or one of them after `ctrl-`, `alt-` or `shift-`"
)]
pub struct NoChord(pub String);

impl Chord {
    /// The chord of a key press. Terminals disagree about shift, so it counts only where the
    /// character does not show it.
    #[must_use]
    pub fn of(key: KeyEvent) -> Self {
        let mut modifiers =
            key.modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SHIFT);
        let mut code = key.code;
        match code {
            KeyCode::Char(c) => {
                if modifiers.contains(KeyModifiers::SHIFT) && c.is_ascii_lowercase() {
                    code = KeyCode::Char(c.to_ascii_uppercase());
                }
                modifiers.remove(KeyModifiers::SHIFT);
            }
            KeyCode::BackTab => modifiers.remove(KeyModifiers::SHIFT),
            KeyCode::Tab if modifiers.contains(KeyModifiers::SHIFT) => {
                code = KeyCode::BackTab;
                modifiers.remove(KeyModifiers::SHIFT);
            }
            _ => {}
        }
        Self { code, modifiers }
    }

    /// Reads a chord, such as `y`, `ctrl-u` or `shift-tab`.
    ///
    /// # Errors
    /// [`NoChord`].
    pub fn parse(text: &str) -> Result<Self, NoChord> {
        let wrong = || NoChord(text.to_owned());
        let mut modifiers = KeyModifiers::NONE;
        let mut rest = text;
        loop {
            if let Some(code) = named(rest) {
                return Ok(Self::of(KeyEvent::new(code, modifiers)));
            }
            let (prefix, modifier) = [
                ("ctrl-", KeyModifiers::CONTROL),
                ("alt-", KeyModifiers::ALT),
                ("shift-", KeyModifiers::SHIFT),
            ]
            .into_iter()
            .find(|(prefix, _)| rest.starts_with(prefix) && rest.len() > prefix.len())
            .ok_or_else(wrong)?;
            modifiers |= modifier;
            rest = &rest[prefix.len()..];
        }
    }

    /// The character typed, where the press types one.
    #[must_use]
    pub fn typed(self) -> Option<char> {
        match self.code {
            KeyCode::Char(c) if (self.modifiers - KeyModifiers::SHIFT).is_empty() => Some(c),
            _ => None,
        }
    }
}

fn named(text: &str) -> Option<KeyCode> {
    let mut characters = text.chars();
    if let (Some(c), None) = (characters.next(), characters.next()) {
        return Some(KeyCode::Char(c)).filter(|_| !c.is_whitespace() && !c.is_control());
    }
    if let Some(number) = text.strip_prefix('f').and_then(|n| n.parse::<u8>().ok()) {
        return (1..=24).contains(&number).then_some(KeyCode::F(number));
    }
    NAMED
        .iter()
        .find(|(name, _)| *name == text)
        .map(|(_, code)| *code)
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (modifier, prefix) in [
            (KeyModifiers::CONTROL, "ctrl-"),
            (KeyModifiers::ALT, "alt-"),
            (KeyModifiers::SHIFT, "shift-"),
        ] {
            if self.modifiers.contains(modifier) {
                f.write_str(prefix)?;
            }
        }
        match self.code {
            KeyCode::F(number) => write!(f, "f{number}"),
            KeyCode::Up => f.write_str("↑"),
            KeyCode::Down => f.write_str("↓"),
            KeyCode::Left => f.write_str("←"),
            KeyCode::Right => f.write_str("→"),
            code => match NAMED.iter().find(|(_, named)| *named == code) {
                Some((name, KeyCode::Char('-'))) if *name == "minus" => f.write_str("-"),
                Some((name, _)) => f.write_str(name),
                None => match code {
                    KeyCode::Char(c) => write!(f, "{c}"),
                    _ => f.write_str("?"),
                },
            },
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn chords_are_read_and_shown() {
        for (text, shown) in [
            ("y", "y"),
            ("Y", "Y"),
            ("shift-y", "Y"),
            ("ctrl-u", "ctrl-u"),
            ("alt-enter", "alt-enter"),
            ("shift-tab", "shift-tab"),
            ("f5", "f5"),
            ("f", "f"),
            ("-", "-"),
            ("minus", "-"),
            ("space", "space"),
            ("up", "↑"),
        ] {
            assert_eq!(Chord::parse(text).unwrap().to_string(), shown);
        }
        for text in ["", "yy", "ctrl-", "hyper-x", "f99", " "] {
            assert_eq!(Chord::parse(text), Err(NoChord(text.to_owned())));
        }
    }

    #[test]
    fn a_press_is_the_chord_that_names_it() {
        let press = |code, modifiers| Chord::of(KeyEvent::new(code, modifiers));
        let cases = [
            (KeyCode::Char('Y'), KeyModifiers::SHIFT, "Y"),
            (KeyCode::Char('y'), KeyModifiers::SHIFT, "Y"),
            (KeyCode::Char('?'), KeyModifiers::SHIFT, "?"),
            (KeyCode::Char('d'), KeyModifiers::CONTROL, "ctrl-d"),
            (KeyCode::BackTab, KeyModifiers::SHIFT, "shift-tab"),
            (KeyCode::Tab, KeyModifiers::SHIFT, "shift-tab"),
        ];
        for (code, modifiers, text) in cases {
            assert_eq!(press(code, modifiers), Chord::parse(text).unwrap());
        }
    }
}
