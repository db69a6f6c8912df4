//! What a sequence of a terminal means: a key, the mouse, the user's attention, or an answer.
//!
//! The library that knows the sequences has types of its own; they become those that the rest of the
//! dashboard uses. What is not known means nothing. Pure.

use crossterm::event::{
    Event, KeyCode, KeyEvent, KeyEventKind, KeyEventState, KeyModifiers, MouseButton, MouseEvent,
    MouseEventKind,
};
use termina::escape::csi::{Csi, Device};
use termina::escape::osc::{ColorOrQuery, DynamicColorNumber, Osc};
use termina::event as theirs;

/// What the terminal sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Something that the user did.
    Event(Event),
    /// The colour of its ground, which it was asked for.
    Ground([u8; 3]),
    /// What it is (DA1). Terminals answer in order, so whatever was sent before the question has been
    /// taken in.
    Attributes,
}

/// What a whole sequence means.
#[must_use]
pub fn decode(sequence: &[u8]) -> Option<Input> {
    // The library waits for the rest of these, which does not come.
    if let [0x1b, letter @ (b'[' | b'O' | b']' | b'P' | b'_' | b'^')] = sequence {
        let code = KeyCode::Char(char::from(*letter));
        let shift = match letter.is_ascii_uppercase() {
            true => KeyModifiers::SHIFT,
            false => KeyModifiers::NONE,
        };
        let key = KeyEvent::new(code, KeyModifiers::ALT | shift);
        return Some(Input::Event(Event::Key(key)));
    }
    if !is_known(sequence) {
        return None;
    }
    // A new one each time: it would keep what it does not understand, and add to it.
    let mut parser = termina::Parser::default();
    parser.parse(sequence, false);
    match parser.pop()? {
        termina::Event::Key(key) => Some(Input::Event(Event::Key(self::key(key)?))),
        termina::Event::Mouse(mouse) => Some(Input::Event(Event::Mouse(self::mouse(mouse)))),
        termina::Event::FocusIn => Some(Input::Event(Event::FocusGained)),
        termina::Event::FocusOut => Some(Input::Event(Event::FocusLost)),
        termina::Event::Csi(Csi::Device(Device::DeviceAttributes(()))) => Some(Input::Attributes),
        termina::Event::Osc(Osc::ChangeDynamicColors(
            DynamicColorNumber::TextBackgroundColor,
            colors,
        )) => match colors.first()? {
            ColorOrQuery::Color(color) => Some(Input::Ground([color.red, color.green, color.blue])),
            ColorOrQuery::Query => None,
        },
        _ => None,
    }
}

/// Whether the library knows sequences that begin so. Of others it drops the beginning, and takes the
/// rest for keys.
fn is_known(sequence: &[u8]) -> bool {
    match sequence {
        [0x1b, b'[', third, ..] => b"[DCABHFZM<IOPQS?0123456789".contains(third),
        [0x1b, b'P' | b'_' | b'^', ..] => false,
        _ => true,
    }
}

fn key(key: theirs::KeyEvent) -> Option<KeyEvent> {
    use theirs::KeyCode as Their;
    let code = match key.code {
        Their::Char(c) => KeyCode::Char(c),
        Their::Enter => KeyCode::Enter,
        Their::Backspace => KeyCode::Backspace,
        Their::Tab => KeyCode::Tab,
        Their::Escape => KeyCode::Esc,
        Their::Left => KeyCode::Left,
        Their::Right => KeyCode::Right,
        Their::Up => KeyCode::Up,
        Their::Down => KeyCode::Down,
        Their::Home => KeyCode::Home,
        Their::End => KeyCode::End,
        Their::BackTab => KeyCode::BackTab,
        Their::PageUp => KeyCode::PageUp,
        Their::PageDown => KeyCode::PageDown,
        Their::Insert => KeyCode::Insert,
        Their::Delete => KeyCode::Delete,
        Their::Function(number) => KeyCode::F(number),
        // Nothing is bound to the others.
        _ => return None,
    };
    let kind = match key.kind {
        theirs::KeyEventKind::Press => KeyEventKind::Press,
        theirs::KeyEventKind::Repeat => KeyEventKind::Repeat,
        theirs::KeyEventKind::Release => KeyEventKind::Release,
    };
    Some(KeyEvent {
        code,
        modifiers: modifiers(key.modifiers),
        kind,
        state: KeyEventState::NONE,
    })
}

fn modifiers(theirs: theirs::Modifiers) -> KeyModifiers {
    use theirs::Modifiers as Their;
    [
        (Their::SHIFT, KeyModifiers::SHIFT),
        (Their::ALT, KeyModifiers::ALT),
        (Their::CONTROL, KeyModifiers::CONTROL),
        (Their::SUPER, KeyModifiers::SUPER),
        (Their::HYPER, KeyModifiers::HYPER),
        (Their::META, KeyModifiers::META),
    ]
    .into_iter()
    .filter(|(their, _)| theirs.contains(*their))
    .fold(KeyModifiers::NONE, |all, (_, ours)| all | ours)
}

fn mouse(mouse: theirs::MouseEvent) -> MouseEvent {
    use theirs::MouseEventKind as Their;
    let button = |button| match button {
        theirs::MouseButton::Left => MouseButton::Left,
        theirs::MouseButton::Right => MouseButton::Right,
        theirs::MouseButton::Middle => MouseButton::Middle,
    };
    MouseEvent {
        kind: match mouse.kind {
            Their::Down(which) => MouseEventKind::Down(button(which)),
            Their::Up(which) => MouseEventKind::Up(button(which)),
            Their::Drag(which) => MouseEventKind::Drag(button(which)),
            Their::Moved => MouseEventKind::Moved,
            Their::ScrollDown => MouseEventKind::ScrollDown,
            Their::ScrollUp => MouseEventKind::ScrollUp,
            Their::ScrollLeft => MouseEventKind::ScrollLeft,
            Their::ScrollRight => MouseEventKind::ScrollRight,
        },
        column: mouse.column,
        row: mouse.row,
        modifiers: modifiers(mouse.modifiers),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_what_they_were() {
        const NONE: KeyModifiers = KeyModifiers::NONE;
        const ALT: KeyModifiers = KeyModifiers::ALT;
        const CTRL: KeyModifiers = KeyModifiers::CONTROL;
        const SHIFT: KeyModifiers = KeyModifiers::SHIFT;
        for (sequence, code, modifiers) in [
            ("y", KeyCode::Char('y'), NONE),
            ("Y", KeyCode::Char('Y'), SHIFT),
            ("漢", KeyCode::Char('漢'), NONE),
            ("\r", KeyCode::Enter, NONE),
            ("\n", KeyCode::Char('j'), CTRL),
            ("\t", KeyCode::Tab, NONE),
            ("\x1b[Z", KeyCode::BackTab, SHIFT),
            ("\x7f", KeyCode::Backspace, NONE),
            ("\x08", KeyCode::Char('h'), CTRL),
            ("\x00", KeyCode::Char(' '), CTRL),
            ("\x1b", KeyCode::Esc, NONE),
            ("\x1b\r", KeyCode::Enter, ALT),
            ("\x1bé", KeyCode::Char('é'), ALT),
            ("\x1b[", KeyCode::Char('['), ALT),
            ("\x1bO", KeyCode::Char('O'), ALT | SHIFT),
            ("\x1b[A", KeyCode::Up, NONE),
            ("\x1bOA", KeyCode::Up, NONE),
            ("\x1b[1;5C", KeyCode::Right, CTRL),
            ("\x1b[3~", KeyCode::Delete, NONE),
            ("\x1b[5~", KeyCode::PageUp, NONE),
            ("\x1bOP", KeyCode::F(1), NONE),
            ("\x1b[[A", KeyCode::F(1), NONE),
            ("\x1b[27u", KeyCode::Esc, NONE),
            ("\x1b[99;5u", KeyCode::Char('c'), CTRL),
            ("\x1f", KeyCode::Char('7'), CTRL),
        ] {
            let wanted = Input::Event(Event::Key(KeyEvent::new(code, modifiers)));
            assert_eq!(decode(sequence.as_bytes()), Some(wanted), "{sequence:?}");
        }
        let held = Input::Event(Event::Key(KeyEvent::new_with_kind(
            KeyCode::Char('y'),
            NONE,
            KeyEventKind::Repeat,
        )));
        assert_eq!(decode(b"\x1b[121;1:2u"), Some(held));
    }

    #[test]
    fn reports_and_answers_are_understood_and_the_rest_means_nothing() {
        let click = MouseEvent {
            kind: MouseEventKind::Down(MouseButton::Left),
            column: 9,
            row: 4,
            modifiers: KeyModifiers::NONE,
        };
        for (sequence, input) in [
            ("\x1b[<0;10;5M", Some(Input::Event(Event::Mouse(click)))),
            ("\x1b[I", Some(Input::Event(Event::FocusGained))),
            ("\x1b[?62;22c", Some(Input::Attributes)),
            ("\x1b[?6c", Some(Input::Attributes)),
            (
                "\x1b]11;rgb:ffff/ffff/dddd\x1b\\",
                Some(Input::Ground([255, 255, 221])),
            ),
            (
                "\x1b]11;rgb:1e/1e/1e\x07",
                Some(Input::Ground([30, 30, 30])),
            ),
            ("\x1b]10;rgb:1e/1e/1e\x07", None),
            ("\x1b]52;c;eQ==\x07", None),
            ("\x1b[>0;276;0c", None),
            ("\x1b[=1;2c", None),
            ("\x1b[=c", None),
            ("\x1b[;y", None),
            ("\x1b^y\x1b\\", None),
            ("\x1b[?2026;2$y", None),
            ("\x1b[12;40R", None),
            ("\x1b[99999999999999999999u", None),
            ("\x1bP1$r0m\x1b\\", None),
            ("\x1b_Gi=1;OK\x1b\\", None),
        ] {
            assert_eq!(decode(sequence.as_bytes()), input, "{sequence:?}");
        }
    }
}
