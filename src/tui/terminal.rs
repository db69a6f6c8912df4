//! The terminal: taken over while the dashboard runs, given back however it ends.
//!
//! Owns raw mode, the alternate screen, the window's title, the bell, the clipboard and programs
//! that borrow the terminal. The only module that writes to it beside the drawing library. Called
//! by the runtime alone.

use std::io::{self, IsTerminal, Stdout, Write};
use std::process::{Command, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::clipboard::CopyToClipboard;
use crossterm::event::{
    DisableBracketedPaste, DisableFocusChange, DisableMouseCapture, EnableBracketedPaste,
    EnableFocusChange, EnableMouseCapture,
};
use crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, SetTitle, disable_raw_mode, enable_raw_mode,
};
use crossterm::{cursor, execute, queue};
use ratatui::backend::CrosstermBackend;

use crate::domain::text::sanitize_line;

/// Whether the terminal is ours at the moment; the panic hook must know.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The terminal, as long as it is ours.
pub struct Terminal {
    /// What is drawn on.
    pub screen: ratatui::Terminal<CrosstermBackend<Stdout>>,
    mouse: bool,
    title: String,
}

impl Terminal {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// The terminal refused.
    pub fn take(mouse: bool) -> io::Result<Self> {
        restore_on_panic();
        // Remembers the title that the shell had set, where the terminal can.
        io::stdout().write_all(b"\x1b[22;0t")?;
        enter(mouse)?;
        let screen = ratatui::Terminal::new(CrosstermBackend::new(io::stdout()))?;
        Ok(Self {
            screen,
            mouse,
            title: String::new(),
        })
    }

    /// Sets the window's title, if it is another one.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn set_title(&mut self, title: String) -> io::Result<()> {
        if title != self.title {
            execute!(io::stdout(), SetTitle(sanitize_line(&title)))?;
            self.title = title;
        }
        Ok(())
    }

    /// Lets a program have the terminal until it ends. Nothing may read from the terminal meanwhile.
    ///
    /// # Errors
    /// The program could not be run, or the terminal not be taken back.
    pub fn lend(&mut self, command: &mut Command) -> io::Result<ExitStatus> {
        leave();
        let ended = command.status();
        enter(self.mouse)?;
        self.screen.clear()?;
        ended
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        leave();
        // What the title was before; terminals that do not know this ignore it.
        let _ = io::stdout().write_all(b"\x1b[23;0t");
        let _ = io::stdout().flush();
    }
}

/// Whether there is a terminal to draw on and to read keys from.
#[must_use]
pub fn is_there() -> bool {
    io::stdout().is_terminal() && io::stdin().is_terminal()
}

/// Rings the bell.
///
/// # Errors
/// The terminal is gone.
pub fn bell() -> io::Result<()> {
    io::stdout().write_all(b"\x07")?;
    io::stdout().flush()
}

/// Tells the desktop through the terminal, which also works from a distant machine.
///
/// # Errors
/// The terminal is gone.
pub fn notify(title: &str, body: &str) -> io::Result<()> {
    let words = format!("{title}: {body}");
    let words = sanitize_line(&words).replace(';', ",");
    write!(io::stdout(), "\x1b]9;{words}\x1b\\")?;
    io::stdout().flush()
}

/// Puts a text on the clipboard through the terminal.
///
/// # Errors
/// The terminal is gone.
pub fn copy(text: &str) -> io::Result<()> {
    execute!(io::stdout(), CopyToClipboard::to_clipboard_from(text))
}

fn enter(mouse: bool) -> io::Result<()> {
    enable_raw_mode()?;
    TAKEN.store(true, Ordering::SeqCst);
    let mut out = io::stdout();
    queue!(
        out,
        EnterAlternateScreen,
        EnableBracketedPaste,
        EnableFocusChange,
        cursor::Hide
    )?;
    if mouse {
        queue!(out, EnableMouseCapture)?;
    }
    out.flush()
}

/// Gives the terminal back. Nothing can be done about a failure: the terminal is gone then.
fn leave() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let _ = execute!(
        io::stdout(),
        DisableMouseCapture,
        DisableFocusChange,
        DisableBracketedPaste,
        LeaveAlternateScreen,
        cursor::Show
    );
    let _ = disable_raw_mode();
}

/// A panic must not leave the terminal unusable, nor its words on the alternate screen.
fn restore_on_panic() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        leave();
        before(panic);
    }));
}
