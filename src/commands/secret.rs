//! Asking for what must not be seen: a key, typed without an echo, or read from a pipe.
//!
//! The terminal is put back as it was, however the asking ends.

use std::io::{self, IsTerminal as _, Read as _, Write as _};

use rustix::termios::{self, LocalModes, OptionalActions, SpecialCodeIndex, Termios};
use secrecy::{ExposeSecret as _, SecretString};

use super::exit::Failure;

/// Longest secret, in bytes.
const LONGEST: usize = 4096;

/// What ends or changes a line while nobody else looks after it.
const INTERRUPT: u8 = 0x03;
const END: u8 = 0x04;
const BACKSPACE: u8 = 0x08;
const CLEAR: u8 = 0x15;
const DELETE: u8 = 0x7f;

/// Asks for a secret on the terminal, or reads standard input where that is none.
pub fn ask(prompt: &str) -> Result<SecretString, Failure> {
    let given = if io::stdin().is_terminal() {
        let _ = write!(io::stderr(), "{prompt}: ");
        let typed = typed();
        let _ = writeln!(io::stderr());
        typed?.ok_or_else(|| Failure::failed("nothing was typed in"))?
    } else {
        piped()?
    };
    check(given.trim()).map(SecretString::from)
}

fn check(secret: &str) -> Result<&str, Failure> {
    if secret.is_empty() {
        return Err(Failure::usage("no key was given")
            .with_hint("type it in when asked, or pipe it in: humanlayer login < FILE"));
    }
    if !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Failure::usage(
            "that is no key: it has spaces or characters that keys do not have",
        ));
    }
    Ok(secret)
}

fn failed(cause: impl std::fmt::Display) -> Failure {
    Failure::failed(format!("reading the key: {cause}"))
}

fn piped() -> Result<String, Failure> {
    let mut text = String::new();
    io::stdin()
        .lock()
        .take(LONGEST as u64)
        .read_to_string(&mut text)
        .map_err(failed)?;
    Ok(text)
}

/// A line typed in the dark; none when it was broken off.
fn typed() -> Result<Option<String>, Failure> {
    let _echo_off = EchoOff::begin().map_err(failed)?;
    let mut line = Vec::new();
    loop {
        let mut byte = [0];
        match rustix::io::read(io::stdin(), &mut byte) {
            Err(rustix::io::Errno::INTR) => continue,
            Err(cause) => return Err(failed(cause)),
            Ok(0) => return Ok(None),
            Ok(_) => {}
        }
        match byte[0] {
            b'\r' | b'\n' => break,
            INTERRUPT => return Ok(None),
            END if line.is_empty() => return Ok(None),
            END => break,
            BACKSPACE | DELETE => drop(line.pop()),
            CLEAR => line.clear(),
            byte if line.len() < LONGEST => line.push(byte),
            _ => return Err(failed("it is too long")),
        }
    }
    String::from_utf8(line)
        .map(Some)
        .map_err(|_| failed("it is not text"))
}

/// While it lives, the terminal shows nothing of what is typed.
struct EchoOff(Termios);

impl EchoOff {
    fn begin() -> rustix::io::Result<Self> {
        let before = termios::tcgetattr(io::stdin())?;
        let mut dark = before.clone();
        // Without the system's own editing of lines an interrupt comes as a character, and cannot
        // leave the terminal dark.
        dark.local_modes
            .remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        dark.special_codes[SpecialCodeIndex::VMIN] = 1;
        dark.special_codes[SpecialCodeIndex::VTIME] = 0;
        termios::tcsetattr(io::stdin(), OptionalActions::Flush, &dark)?;
        Ok(Self(before))
    }
}

impl Drop for EchoOff {
    fn drop(&mut self) {
        // There is nobody to tell, and nothing else to try.
        let _ = termios::tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}

/// Whether two secrets are the same.
pub fn same(one: &SecretString, other: &str) -> bool {
    one.expose_secret() == other
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_one_word() {
        assert!(matches!(check("hl-a-key_1"), Ok("hl-a-key_1")));
        for wrong in ["", "two words", "line\nbreak", "ünïcode", "esc\u{1b}"] {
            assert!(check(wrong).is_err(), "{wrong:?}");
        }
    }
}
