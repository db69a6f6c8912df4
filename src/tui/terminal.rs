//! The terminal: taken over while the dashboard runs, given back however it ends.
//!
//! Owns raw mode, the alternate screen, the window's title, the bell, the clipboard and programs
//! that borrow the terminal. The only module that writes to it beside the drawing library. Called
//! by the runtime alone.

use std::io::{self, IsTerminal, Stdout, Write};
use std::process::{Command, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossterm::clipboard::CopyToClipboard;
use crossterm::event::{
    DisableBracketedPaste, DisableFocusChange, DisableMouseCapture, EnableBracketedPaste,
    EnableFocusChange, EnableMouseCapture, KeyboardEnhancementFlags, PopKeyboardEnhancementFlags,
    PushKeyboardEnhancementFlags,
};
use crossterm::style::Print;
use crossterm::terminal::{
    BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen,
    LeaveAlternateScreen, SetTitle, disable_raw_mode, enable_raw_mode,
};
use crossterm::{cursor, execute, queue};
use ratatui::Frame;
use ratatui::backend::CrosstermBackend;
use rustix::process::{Signal, kill_current_process_group};

use super::depth::Depth;
use crate::domain::text::sanitize_line;

/// Whether the terminal is ours at the moment; the panic hook must know.
static TAKEN: AtomicBool = AtomicBool::new(false);
/// How long it may take until a signal to stop has stopped every thread.
const STOP: Duration = Duration::from_millis(20);

/// The terminal, as long as it is ours.
pub struct Terminal {
    screen: ratatui::Terminal<CrosstermBackend<Stdout>>,
    mouse: bool,
    title: String,
    depth: Depth,
}

impl Terminal {
    /// Takes the terminal over. A panic anywhere in the program gives it back and is told:
    /// drawing on would spoil it.
    ///
    /// # Errors
    /// The terminal refused.
    pub fn take(mouse: bool, on_panic: impl Fn() + Send + Sync + 'static) -> io::Result<Self> {
        restore_on_panic(on_panic);
        enter(mouse)?;
        let screen = ratatui::Terminal::new(CrosstermBackend::new(io::stdout()))?;
        Ok(Self {
            screen,
            mouse,
            title: String::new(),
            depth: Depth::of(|name| std::env::var(name).ok()),
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
        self.take_again()?;
        ended
    }

    /// Stops this program, and those that were started with it, until the shell lets it go on. A
    /// shell that has no such thing leaves it running.
    ///
    /// # Errors
    /// The terminal could not be taken back.
    pub fn suspend(&mut self) -> io::Result<()> {
        leave();
        // What is not possible does not stop us, and we just go on.
        let _ = kill_current_process_group(Signal::TSTP);
        // The signal may come to another thread first; nothing may be drawn before it has stopped us.
        std::thread::sleep(STOP);
        self.take_again()
    }

    /// Takes the terminal again after somebody else may have had it, and draws all of it the next
    /// time.
    ///
    /// # Errors
    /// The terminal refused.
    pub fn take_again(&mut self) -> io::Result<()> {
        enter(self.mouse)?;
        self.title.clear();
        self.forget()
    }

    /// Has the next frame drawn whole, whatever the terminal shows now. The library's own way would
    /// ask the terminal where its cursor is and wait for an answer, which may not come.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn forget(&mut self) -> io::Result<()> {
        execute!(io::stdout(), Clear(ClearType::All))?;
        self.screen = ratatui::Terminal::new(CrosstermBackend::new(io::stdout()))?;
        Ok(())
    }

    /// Draws a frame, which a terminal that can shows as a whole.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        queue!(io::stdout(), BeginSynchronizedUpdate)?;
        let depth = self.depth;
        self.screen.draw(|frame| {
            draw(frame);
            depth.reduce(frame.buffer_mut());
        })?;
        execute!(io::stdout(), EndSynchronizedUpdate)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        leave();
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

/// Longest text, in bytes, that is put on the clipboard through the terminal: none takes much more, and
/// the screen waits for what is written to it.
pub const MAX_CLIPBOARD: usize = 1024 * 1024;

/// Puts a text on the clipboard through the terminal, unless it is too long for that.
///
/// # Errors
/// The terminal is gone.
pub fn copy(text: &str) -> io::Result<()> {
    if text.len() > MAX_CLIPBOARD {
        return Ok(());
    }
    execute!(io::stdout(), CopyToClipboard::to_clipboard_from(text))
}

fn enter(mouse: bool) -> io::Result<()> {
    enable_raw_mode()?;
    let mut out = io::stdout();
    if !TAKEN.swap(true, Ordering::SeqCst) {
        // Remembers the title that the shell had set; terminals that do not know this ignore it.
        out.write_all(b"\x1b[22;0t")?;
    }
    queue!(
        out,
        EnterAlternateScreen,
        EnableBracketedPaste,
        EnableFocusChange,
        // A terminal that can says which key presses are repeats of a key that is held down; others
        // ignore this.
        PushKeyboardEnhancementFlags(
            KeyboardEnhancementFlags::DISAMBIGUATE_ESCAPE_CODES
                | KeyboardEnhancementFlags::REPORT_EVENT_TYPES
        ),
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
        PopKeyboardEnhancementFlags,
        LeaveAlternateScreen,
        cursor::Show,
        Print("\x1b[23;0t")
    );
    let _ = disable_raw_mode();
}

/// A panic must not leave the terminal unusable, nor its words on the alternate screen.
fn restore_on_panic(then: impl Fn() + Send + Sync + 'static) {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        leave();
        before(panic);
        then();
    }));
}
