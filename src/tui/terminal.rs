//! The terminal: taken over while the dashboard runs, given back however it ends.
//!
//! Owns raw mode, the alternate screen, the window's title, the bell, the clipboard and programs
//! that borrow the terminal. The only module that writes to it: what the drawing library makes of a
//! frame is collected and written as a whole. Called by the runtime and, when a signal ends the
//! dashboard, by the thread for those.

use std::cell::RefCell;
use std::io::{self, IsTerminal, Write};
use std::process::{Command, ExitStatus};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

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
use crossterm::{cursor, queue};
use ratatui::Frame;
use ratatui::backend::CrosstermBackend;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Signal, getpid, kill_process};
use rustix::stdio::{stdin, stdout};
use rustix::termios::{QueueSelector, tcflush};

use super::color_depth::ColorDepth;
use super::ground::Ground;
use crate::domain::text::sanitize_line;
use crate::platform;

/// Whether the terminal is ours at the moment; the panic hook must know.
static TAKEN: AtomicBool = AtomicBool::new(false);
/// Whether it is just being given back.
static LEAVING: AtomicBool = AtomicBool::new(false);
/// Whether another program has it until it ends, and until when it counts as having it.
static LENT: Mutex<Option<Option<Instant>>> = Mutex::new(None);
/// How much later than a program's end a signal may come that was for it. Keys of ours send none.
const LATE: Duration = Duration::from_millis(100);
/// Whether it was given back for good, although something was still being written.
static GIVEN_BACK: AtomicBool = AtomicBool::new(false);

/// Bytes that are written at once: a terminal that takes nothing is noticed between two such parts.
const PART: usize = 4 * 1024;
/// How long such a terminal may take to make room for what gives it back.
const ROOM: Duration = Duration::from_millis(200);

/// Asks the terminal what it is (DA1), which nearly every terminal answers.
const WHAT_ARE_YOU: &[u8] = b"\x1b[c";
/// Asks it for the colour of its ground (OSC 11), which many do.
const WHICH_GROUND: &[u8] = b"\x1b]11;?\x1b\\";

/// The terminal, as long as it is ours.
pub struct Terminal {
    screen: ratatui::Terminal<CrosstermBackend<Page>>,
    page: Page,
    mouse: bool,
    title: String,
    depth: ColorDepth,
    ground: Ground,
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
        let page = Page::default();
        let screen = ratatui::Terminal::new(CrosstermBackend::new(page.clone()))?;
        Ok(Self {
            screen,
            page,
            mouse,
            title: String::new(),
            depth: ColorDepth::of(|name| std::env::var(name).ok()),
            ground: Ground::default(),
        })
    }

    /// Sets the window's title, if it is another one.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn set_title(&mut self, title: String) -> io::Result<()> {
        if title != self.title {
            write(|out| queue!(out, SetTitle(sanitize_line(&title))))?;
            self.title = title;
        }
        Ok(())
    }

    /// What is behind everything that has no ground of its own.
    pub fn set_ground(&mut self, ground: Ground) {
        self.ground = ground;
    }

    /// Asks the terminal what it is, and before that for its ground where that is wanted.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn ask(&self, ground: bool) -> io::Result<()> {
        if ground {
            put(WHICH_GROUND)?;
        }
        put(WHAT_ARE_YOU)
    }

    /// Lets a program have the terminal until it ends. Nothing may read from the terminal meanwhile.
    ///
    /// # Errors
    /// The program could not be run, or the terminal not be taken back.
    pub fn lend(&mut self, command: &mut Command) -> io::Result<ExitStatus> {
        leave();
        set_lent(None);
        let ended = command.status();
        set_lent(Some(Instant::now() + LATE));
        self.take_again()?;
        ended
    }

    /// Stops this program until the shell lets it go on; with `group` also those that were started with
    /// it. A shell that has no such thing leaves it running.
    ///
    /// # Errors
    /// The terminal could not be taken back.
    pub fn suspend(&mut self, group: bool) -> io::Result<()> {
        leave();
        // What is not possible does not stop us, and we just go on.
        let _ = platform::stop(group);
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
        write(|out| queue!(out, Clear(ClearType::All)))?;
        self.screen = ratatui::Terminal::new(CrosstermBackend::new(self.page.clone()))?;
        self.page.take();
        Ok(())
    }

    /// Draws a frame, which a terminal that can shows as a whole; `asking` behind it what it is. Gives
    /// how many bytes that was.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn draw(&mut self, asking: bool, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<usize> {
        let mut page = self.page.clone();
        queue!(page, BeginSynchronizedUpdate)?;
        let (depth, ground) = (self.depth, self.ground);
        self.screen.draw(|frame| {
            draw(frame);
            depth.reduce(ground, frame.buffer_mut());
        })?;
        queue!(page, EndSynchronizedUpdate)?;
        if asking {
            page.write_all(WHAT_ARE_YOU)?;
        }
        let bytes = self.page.take();
        put(&bytes)?;
        Ok(bytes.len())
    }
}

/// What the drawing library writes, until it is written to the terminal. It never fails: the library
/// would complain on a standard error that may be gone as well.
#[derive(Clone, Default)]
struct Page(Rc<RefCell<Vec<u8>>>);

impl Page {
    fn take(&self) -> Vec<u8> {
        self.0.take()
    }
}

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        leave();
    }
}

/// Why a terminal that calls itself so cannot be drawn on.
#[must_use]
pub fn cannot_draw(name: Option<&str>) -> Option<String> {
    match name {
        None | Some("") => Some("TERM is not set".to_owned()),
        Some(name @ ("dumb" | "unknown")) => Some(format!("TERM is {name}")),
        Some(_) => None,
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
    put(b"\x07")
}

/// Tells the desktop through the terminal, which also works from a distant machine.
///
/// # Errors
/// The terminal is gone.
pub fn notify(title: &str, body: &str) -> io::Result<()> {
    let words = format!("{title}: {body}");
    let words = sanitize_line(&words).replace(';', ",");
    put(format!("\x1b]9;{words}\x1b\\").as_bytes())
}

/// Longest text, in bytes, that is put on the clipboard through the terminal: none takes much more, and
/// the screen waits for what is written to it.
pub const MAX_CLIPBOARD: usize = 1024 * 1024;

/// Bytes of a string that screen hands on: it keeps no more.
const MAX_HANDED_ON: usize = 256;

/// Puts a text on the clipboard through the terminal, unless it is too long for that; past screen where
/// that is between.
///
/// # Errors
/// The terminal is gone.
pub fn copy(text: &str, past_screen: bool) -> io::Result<()> {
    if text.len() > MAX_CLIPBOARD {
        return Ok(());
    }
    write(|out| {
        queue!(out, CopyToClipboard::to_clipboard_from(text))?;
        if past_screen {
            // It drops that, and hands on what is in strings of another kind (DCS), which cannot hold the
            // end of one.
            let mut whole = out.strip_suffix(b"\x1b\\").unwrap_or(out).to_vec();
            whole.push(0x07);
            for part in whole.chunks(MAX_HANDED_ON) {
                out.extend_from_slice(b"\x1bP");
                out.extend_from_slice(part);
                out.extend_from_slice(b"\x1b\\");
            }
        }
        Ok(())
    })
}

fn enter(mouse: bool) -> io::Result<()> {
    enable_raw_mode()?;
    let is_first = !TAKEN.swap(true, Ordering::SeqCst);
    write(|out| {
        if is_first {
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
        Ok(())
    })
}

/// Gives the terminal back. Nothing can be done about a failure: the terminal is gone then.
fn leave() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        LEAVING.store(true, Ordering::SeqCst);
        let _ = write(restoring);
        let _ = disable_raw_mode();
        LEAVING.store(false, Ordering::SeqCst);
    }
}

/// Puts the terminal back to what a shell expects.
fn restoring(out: &mut Vec<u8>) -> io::Result<()> {
    queue!(
        out,
        DisableMouseCapture,
        DisableFocusChange,
        DisableBracketedPaste,
        PopKeyboardEnhancementFlags,
        LeaveAlternateScreen,
        cursor::Show,
        Print("\x1b[23;0t")
    )
}

/// Gives the terminal back while something is being written that it does not take: what it has not
/// taken is dropped, and nothing else is written any more.
pub fn give_back_at_once() {
    let is_ours = TAKEN.swap(false, Ordering::SeqCst) || LEAVING.load(Ordering::SeqCst);
    if !is_ours {
        return;
    }
    GIVEN_BACK.store(true, Ordering::SeqCst);
    // What was cut off in the middle ends here.
    let mut bytes = b"\x18".to_vec();
    if restoring(&mut bytes).is_ok() {
        let _ = tcflush(stdout(), QueueSelector::OFlush);
        // Whoever waits there has the terminal locked, and does not notice that there is room: a signal
        // wakes it. It comes to the first thread, which is the one that draws.
        let _ = kill_process(getpid(), Signal::WINCH);
        std::thread::sleep(Duration::from_millis(10));
        let _ = tcflush(stdout(), QueueSelector::OFlush);
        if has_room() {
            let _ = rustix::io::write(stdout(), &bytes);
        }
    }
    let _ = disable_raw_mode();
}

/// Waits a moment until the terminal takes something.
fn has_room() -> bool {
    let wait = Timespec::try_from(ROOM).ok();
    let out = stdout();
    let mut files = [PollFd::new(&out, PollFlags::OUT)];
    matches!(poll(&mut files, wait.as_ref()), Ok(1..))
}

/// Drops what the terminal has sent: an answer that nobody takes would be the next command line.
pub fn drop_answers() {
    let _ = tcflush(stdin(), QueueSelector::IFlush);
}

/// Whether another program has the terminal until it ends.
#[must_use]
pub fn is_lent() -> bool {
    let lent = *LENT.lock().unwrap_or_else(PoisonError::into_inner);
    lent.is_some_and(|until| until.is_none_or(|until| Instant::now() < until))
}

fn set_lent(until: Option<Instant>) {
    *LENT.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
}

fn write(make: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> io::Result<()> {
    let mut bytes = Vec::new();
    make(&mut bytes)?;
    put(&bytes)
}

/// Writes to the terminal.
fn put(bytes: &[u8]) -> io::Result<()> {
    let mut rest = bytes;
    while !rest.is_empty() {
        // The thread that has given it back ends the process.
        while GIVEN_BACK.load(Ordering::SeqCst) {
            std::thread::park();
        }
        let part = rest.len().min(PART);
        match rustix::io::write(stdout(), &rest[..part]) {
            Ok(written) => rest = &rest[written..],
            Err(rustix::io::Errno::INTR) => {}
            // Another program has made the file one that does not wait.
            Err(rustix::io::Errno::AGAIN) => drop(has_room()),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
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
