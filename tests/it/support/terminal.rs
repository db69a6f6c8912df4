//! A terminal with the binary in it: a PTY, what the screen shows, and a person's hands.
//!
//! The screen is what a real terminal would show of the bytes that came, and it answers what a real one
//! answers. It can stand still, as one behind a slow line does. Nothing here sleeps: a test waits until
//! the screen says what it must, and fails with the screen when it never does.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::process::Command;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
use rustix::process::Signal;
use vt100::{Callbacks, Parser, Screen};

use super::cli::signal;
use super::daemon::{PATIENCE, wait_until};

/// The binary in a terminal.
pub struct Terminal {
    master: Box<dyn MasterPty>,
    writer: Hand,
    child: Box<dyn Child + Send + Sync>,
    shared: Arc<Shared>,
}

/// What is typed, and what the terminal answers, go the same way.
type Hand = Arc<Mutex<Box<dyn Write + Send>>>;

/// What a terminal answers when it is asked what it is and which ground it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    /// Nothing.
    Nothing,
    /// What it is.
    Attributes,
    /// That, and its ground, as in `1e1e/1e1e/1e1e`.
    Ground(&'static str),
}

/// What the program told its terminal beside what to show.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// How often it was asked what it is, and for its ground.
    pub asked: (usize, usize),
    /// What is to be answered.
    answers: Option<Answers>,
    questions: Vec<String>,
    /// The window's title.
    pub title: String,
    /// How often the bell rang.
    pub bells: usize,
    /// Texts for the clipboard, as base64.
    pub copied: Vec<String>,
    /// Notifications for the desktop.
    pub notified: Vec<String>,
}

impl Callbacks for Told {
    fn audible_bell(&mut self, _: &mut Screen) {
        self.bells += 1;
    }

    fn set_window_title(&mut self, _: &mut Screen, title: &[u8]) {
        self.title = String::from_utf8_lossy(title).into_owned();
    }

    fn copy_to_clipboard(&mut self, _: &mut Screen, _: &[u8], data: &[u8]) {
        self.copied.push(String::from_utf8_lossy(data).into_owned());
    }

    fn unhandled_csi(
        &mut self,
        _: &mut Screen,
        first: Option<u8>,
        _: Option<u8>,
        _: &[&[u16]],
        last: char,
    ) {
        if first.is_none() && last == 'c' {
            self.asked.0 += 1;
            if self.answers != Some(Answers::Nothing) {
                self.questions.push("\x1b[?62;22c".to_owned());
            }
        }
    }

    fn unhandled_osc(&mut self, _: &mut Screen, params: &[&[u8]]) {
        if let [b"11", b"?"] = params {
            self.asked.1 += 1;
            if let Some(Answers::Ground(ground)) = self.answers {
                self.questions.push(format!("\x1b]11;rgb:{ground}\x1b\\"));
            }
        }
        if let [b"9", words @ ..] = params {
            let words = words.join(&b';');
            self.notified
                .push(String::from_utf8_lossy(&words).into_owned());
        }
    }
}

struct Shared {
    seen: Mutex<Seen>,
    changed: Condvar,
    /// Bytes that it takes in before it stands still; none: all.
    takes: Mutex<Option<usize>>,
    more: Condvar,
}

struct Seen {
    parser: Parser<Told>,
    raw: Vec<u8>,
    over: bool,
}

#[allow(dead_code, reason = "the tests of every pane share these hands")]
impl Terminal {
    /// Starts a command in a terminal of so many columns and rows. It gets the environment that the
    /// command sets itself, and no other; see [`super::cli::Cli::command`].
    pub fn start(size: (u16, u16), command: &Command) -> Self {
        Self::start_as(Answers::Ground("0000/0000/0000"), size, command)
    }

    /// The same for a terminal that answers so.
    pub fn start_as(answers: Answers, size: (u16, u16), command: &Command) -> Self {
        let pty = native_pty_system().openpty(pty_size(size)).unwrap();
        let mut builder = CommandBuilder::new(command.get_program());
        builder.args(command.get_args());
        builder.env_clear();
        builder.env("TERM", "xterm-256color");
        builder.env("COLORTERM", "truecolor");
        for (name, value) in command.get_envs() {
            builder.env(name, value.unwrap_or(OsStr::new("")));
        }
        if let Some(directory) = command.get_current_dir() {
            builder.cwd(directory);
        }
        let child = pty.slave.spawn_command(builder).unwrap();
        let shared = Arc::new(Shared {
            seen: Mutex::new(Seen {
                parser: Parser::new_with_callbacks(
                    NonZeroU16::new(size.1).unwrap(),
                    NonZeroU16::new(size.0).unwrap(),
                    0,
                    Told {
                        answers: Some(answers),
                        ..Told::default()
                    },
                ),
                raw: Vec::new(),
                over: false,
            }),
            changed: Condvar::new(),
            takes: Mutex::new(None),
            more: Condvar::new(),
        });
        let reader = pty.master.try_clone_reader().unwrap();
        let writer: Hand = Arc::new(Mutex::new(pty.master.take_writer().unwrap()));
        let (to, hand) = (Arc::clone(&shared), Arc::clone(&writer));
        std::thread::spawn(move || watch(reader, &hand, &to));
        Self {
            master: pty.master,
            writer,
            child,
            shared,
        }
    }

    /// Waits until the screen is as it must be.
    pub fn wait_until(&self, what: &str, mut is: impl FnMut(&Screen) -> bool) {
        self.wait_for_seen(what, |seen| is(seen.parser.screen()));
    }

    /// Waits until the screen shows this text.
    pub fn wait_for(&self, text: &str) {
        self.wait_until(&format!("the screen shows {text:?}"), |screen| {
            screen.contents().contains(text)
        });
    }

    /// Waits until the screen no longer shows this text.
    pub fn wait_gone(&self, text: &str) {
        self.wait_until(&format!("{text:?} is gone from the screen"), |screen| {
            !screen.contents().contains(text)
        });
    }

    /// Waits until the program has told its terminal something.
    pub fn wait_told(&self, what: &str, mut has: impl FnMut(&Told) -> bool) {
        self.wait_for_seen(what, |seen| has(seen.parser.callbacks()));
    }

    fn wait_for_seen(&self, what: &str, mut is: impl FnMut(&Seen) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        let mut seen = self.seen();
        loop {
            if is(&seen) {
                return;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if seen.over || left.is_zero() {
                let shown = seen.parser.screen().contents();
                let how = if seen.over {
                    "the program ended before"
                } else {
                    "waited in vain until"
                };
                drop(seen);
                panic!("{how} {what}; the screen:\n{shown}");
            }
            seen = self
                .shared
                .changed
                .wait_timeout(seen, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// What the screen shows now.
    pub fn screen(&self) -> Screen {
        self.seen().parser.screen().clone()
    }

    /// The same, as text.
    pub fn text(&self) -> String {
        self.screen().contents()
    }

    /// What the program told its terminal beside that.
    pub fn told(&self) -> Told {
        self.seen().parser.callbacks().clone()
    }

    /// Everything that it wrote, as it was.
    pub fn raw(&self) -> Vec<u8> {
        self.seen().raw.clone()
    }

    /// Presses keys by their names in the configuration: `y`, `enter`, `ctrl-c`, `alt-enter`, `up`.
    pub fn keys(&mut self, names: &str) {
        for name in names.split_whitespace() {
            let bytes = bytes_of(name);
            self.send(&bytes);
        }
    }

    /// Waits until a decision key counts: until then it is shown as dim as the words beside it.
    pub fn wait_ready(&self) {
        self.wait_lit(&["y approve", "y answer", "y next page"]);
    }

    /// Waits until one of these offers (a key and its words) is shown as one that counts. What a dialog
    /// offers must be named: the panel below it may not have been drawn anew yet.
    pub fn wait_lit(&self, offers: &[&str]) {
        self.wait_until(&format!("one of {offers:?} counts"), |screen| {
            let (_, columns) = screen.size();
            screen.rows(0, columns.get()).zip(0..).any(|(row, y)| {
                offers.iter().any(|offer| {
                    let Some(at) = row.rfind(offer) else {
                        return false;
                    };
                    let x = u16::try_from(row[..at].chars().count()).unwrap();
                    let words = x + u16::try_from(offer.find(' ').unwrap()).unwrap() + 1;
                    let colour = |x| screen.cell(y, x).map(vt100::Cell::fgcolor);
                    colour(x) != colour(words)
                })
            })
        });
    }

    /// Presses keys that decide, once they count.
    pub fn decide(&mut self, names: &str) {
        self.wait_ready();
        self.keys(names);
    }

    /// Types a text.
    pub fn type_in(&mut self, text: &str) {
        self.send(text.as_bytes());
    }

    /// Pastes a text, as a terminal does when it was asked to bracket it.
    pub fn paste(&mut self, text: &str) {
        self.send(format!("\x1b[200~{text}\x1b[201~").as_bytes());
    }

    /// Sends bytes as they are.
    pub fn send(&mut self, bytes: &[u8]) {
        write(&self.writer, bytes).unwrap();
    }

    /// Has the terminal take in only so many bytes more, and then nothing; none: all.
    pub fn take_in(&self, bytes: Option<usize>) {
        *self.shared.takes.lock().unwrap() = bytes;
        self.shared.more.notify_all();
    }

    /// Waits until it has taken in all that it was to.
    pub fn wait_taken_in(&self) {
        wait_until("the terminal has taken in what it was to", || {
            (*self.shared.takes.lock().unwrap() == Some(0)).then_some(())
        });
    }

    /// Presses and lets go the left button; columns and rows count from 0.
    pub fn click(&mut self, column: u16, row: u16) {
        let (column, row) = (column + 1, row + 1);
        self.send(format!("\x1b[<0;{column};{row}M\x1b[<0;{column};{row}m").as_bytes());
    }

    /// Gives the terminal another size.
    pub fn resize(&self, size: (u16, u16)) {
        // The screen first: what is drawn for the new size must not meet the old one.
        self.seen().parser.set_size(
            NonZeroU16::new(size.1).unwrap(),
            NonZeroU16::new(size.0).unwrap(),
        );
        self.master.resize(pty_size(size)).unwrap();
    }

    /// Sends the program a signal.
    pub fn signal(&self, which: Signal) {
        signal(self.pid(), which);
    }

    /// Writes to the screen past the program, as another one would.
    pub fn scribble(&self, text: &str) {
        let path = self.master.tty_name().unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// The program's process id.
    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.process_id().unwrap()).unwrap()
    }

    /// Asks the program to end, if it has not, and waits until it has.
    pub fn end(&mut self) {
        if self.child.try_wait().unwrap().is_none() {
            self.signal(Signal::TERM);
            wait_until("the program in the terminal ends", || {
                self.child.try_wait().unwrap()
            });
        }
    }

    /// Waits for the program's end and until all that it wrote is seen.
    pub fn wait(&mut self) -> ExitStatus {
        let status = self.wait_dead();
        wait_until("all that it wrote is read", || {
            self.seen().over.then_some(())
        });
        status
    }

    /// Waits for the program's end, whatever of what it wrote is seen.
    pub fn wait_dead(&mut self) -> ExitStatus {
        let what = "the program in the terminal ends";
        wait_until(what, || self.child.try_wait().unwrap())
    }

    /// Whether the terminal is as a shell wants it: lines, echo, no alternate screen, a cursor.
    pub fn is_restored(&self) -> bool {
        let path = self.master.tty_name().unwrap();
        let flags = rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY;
        let tty = rustix::fs::open(path, flags, rustix::fs::Mode::empty()).unwrap();
        let modes = rustix::termios::tcgetattr(&tty).unwrap().local_modes;
        let wanted = rustix::termios::LocalModes::ICANON | rustix::termios::LocalModes::ECHO;
        let screen = self.screen();
        modes.contains(wanted)
            && !screen.alternate_screen()
            && !screen.hide_cursor()
            && !screen.bracketed_paste()
            && screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.shared
            .seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.take_in(None);
        // It may be gone already, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn watch(mut reader: Box<dyn Read + Send>, hand: &Hand, to: &Shared) {
    let mut buffer = [0_u8; 16 * 1024];
    loop {
        let room = {
            let takes = to.takes.lock().unwrap_or_else(PoisonError::into_inner);
            let takes = to.more.wait_while(takes, |takes| *takes == Some(0));
            let takes = *takes.unwrap_or_else(PoisonError::into_inner);
            takes.unwrap_or(buffer.len()).min(buffer.len())
        };
        let read = reader.read(&mut buffer[..room]);
        // It may have been stopped while it waited for something.
        let takes = to.takes.lock().unwrap_or_else(PoisonError::into_inner);
        drop(to.more.wait_while(takes, |takes| *takes == Some(0)));
        let mut seen = to.seen.lock().unwrap_or_else(PoisonError::into_inner);
        match read {
            Ok(count) if count > 0 => {
                seen.raw.extend_from_slice(&buffer[..count]);
                seen.parser.process(&buffer[..count]);
                let mut takes = to.takes.lock().unwrap_or_else(PoisonError::into_inner);
                *takes = takes.map(|takes| takes.saturating_sub(count));
            }
            // Nobody holds the other end any more.
            Ok(_) | Err(_) => seen.over = true,
        }
        let over = seen.over;
        let answers = std::mem::take(&mut seen.parser.callbacks_mut().questions);
        drop(seen);
        for answer in answers {
            // Who asked may be gone.
            let _ = write(hand, answer.as_bytes());
        }
        to.changed.notify_all();
        if over {
            return;
        }
    }
}

fn write(hand: &Hand, bytes: &[u8]) -> std::io::Result<()> {
    let mut hand = hand.lock().unwrap_or_else(PoisonError::into_inner);
    hand.write_all(bytes)?;
    hand.flush()
}

fn pty_size((cols, rows): (u16, u16)) -> PtySize {
    PtySize {
        rows,
        cols,
        pixel_width: 0,
        pixel_height: 0,
    }
}

/// What a terminal sends for a key.
fn bytes_of(name: &str) -> Vec<u8> {
    if let Some(rest) = name.strip_prefix("alt-") {
        return [vec![0x1b], bytes_of(rest)].concat();
    }
    if let Some(rest) = name.strip_prefix("ctrl-") {
        let letter = rest.bytes().next().expect("a letter after ctrl-");
        return vec![letter & 0x1f];
    }
    let mut text = String::new();
    let sequence = match name {
        "enter" => "\r",
        "esc" => "\x1b",
        "tab" => "\t",
        "shift-tab" => "\x1b[Z",
        "space" => " ",
        "backspace" => "\x7f",
        "delete" => "\x1b[3~",
        "up" => "\x1b[A",
        "down" => "\x1b[B",
        "right" => "\x1b[C",
        "left" => "\x1b[D",
        "home" => "\x1b[H",
        "end" => "\x1b[F",
        "pageup" => "\x1b[5~",
        "pagedown" => "\x1b[6~",
        "f1" => "\x1bOP",
        // What terminals say when the user looks at them, or away.
        "focus" => "\x1b[I",
        "blur" => "\x1b[O",
        one if one.chars().count() == 1 => {
            write!(text, "{one}").unwrap();
            &text
        }
        other => panic!("no key is called {other}"),
    };
    sequence.as_bytes().to_vec()
}
