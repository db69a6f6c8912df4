//! The loop: waits for whatever comes first, takes in all that is queued, draws once.
//!
//! The only place that awaits on behalf of the screen. Owns the queue of messages (bounded: when it
//! is full, the tasks that fill it wait, and the client library catches up from the store later),
//! the pace of drawing (a terminal that is slow is drawn to more rarely), and the effects that need
//! the terminal. Called by the command line.

use std::future::poll_fn;
use std::io;
use std::os::fd::AsFd as _;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use crossterm::event::Event;
use jiff::Timestamp;
use rustix::process::Signal;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, mpsc};
use tokio::task::{JoinHandle, LocalSet, spawn_local};
use tokio::time::Instant;

use super::effect::{Effect, Purpose};
use super::errands::{self, Errands, copy};
use super::fence::{Fence, Need};
use super::ground::Ground;
use super::input::{Input, Terminal as Keys};
use super::msg::{Done, Msg};
use super::presses::Presses;
use super::signals::{Told, Watch};
use super::state::launch::Remembered;
use super::state::{App, LastFrame, Moment, Sent};
use super::terminal::{self, Terminal};
use super::theme::Syntax;
use super::transcript::highlight;
use super::{link, update::update, view};
use crate::config::Config;
use crate::doctor;

/// Messages that may wait to be taken in.
const QUEUE: usize = 4_096;
/// The least time between two frames that no key asked for.
const FRAME: Duration = Duration::from_millis(16);
/// How long the first frame waits for the terminal to say what it is. One that says it later is
/// believed then.
const INTRODUCTION: Duration = Duration::from_millis(100);
/// How long answers of the terminal are waited for before another program gets what it sends.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// How the dashboard ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The user left.
    ByUser,
    /// A signal ended it, or the terminal went away, which is one, too.
    BySignal(i32),
}

impl Ended {
    /// Ends the process as whatever ended the dashboard ends every program.
    pub fn pass_on(self) {
        match self {
            Self::ByUser => {}
            Self::BySignal(signal) => super::signals::die_of(signal),
        }
    }
}

/// Why the dashboard ended badly.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The terminal could not be used.
    #[error(
        "using the terminal: {0}; the dashboard needs one, `humanlayer sessions` and `humanlayer approvals` do not"
    )]
    Terminal(#[from] io::Error),
    /// A mistake in this program.
    #[error("the dashboard ended by a mistake of its own, as said above; sessions go on")]
    Panicked,
}

/// Whether there is a terminal for the dashboard.
#[must_use]
pub fn has_terminal() -> bool {
    terminal::is_there()
}

/// Why the terminal that is there is none for the dashboard.
#[must_use]
pub fn cannot_draw() -> Option<String> {
    terminal::cannot_draw(std::env::var("TERM").ok().as_deref())
}

/// What the dashboard remembers from earlier; nothing where there is nothing readable.
#[must_use]
pub fn remembered(config: &Config) -> Remembered {
    errands::remembered(config)
}

/// Runs the dashboard until the user leaves, or the process is told to.
///
/// # Errors
/// The terminal could not be used.
pub async fn run(
    config: Config,
    app: App,
    inspect: doctor::InspectDatabase,
) -> Result<Ended, RunError> {
    // Errands borrow across waits on this one thread, so their futures stay on it.
    let ended = LocalSet::new()
        .run_until(run_here(config, app, inspect))
        .await;
    match ended {
        // Written to before its end was read: the same.
        Err(RunError::Terminal(error))
            if error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error()) =>
        {
            Ok(Ended::BySignal(Signal::HUP.as_raw()))
        }
        ended => ended,
    }
}

async fn run_here(
    config: Config,
    app: App,
    inspect: doctor::InspectDatabase,
) -> Result<Ended, RunError> {
    let signals = Watch::begin()?;
    // Whoever stopped us may have changed the terminal meanwhile.
    let mut continued = signal(SignalKind::from_raw(Signal::CONT.as_raw()))?;
    let mut resized = signal(SignalKind::window_change())?;
    // Told apart by the handler itself: a key that was typed meanwhile may be read before the stream
    // above has the signal.
    let was_stopped = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(Signal::CONT.as_raw(), Arc::clone(&was_stopped))?;
    let (to, mut queue) = mpsc::channel(QUEUE);
    // Also one in a task that nobody waits for.
    let panicked = Arc::new(Notify::new());
    let mut terminal = Terminal::take(app.preferences.mouse, {
        let panicked = Arc::clone(&panicked);
        move || panicked.notify_one()
    })?;
    let mut keys = Keys::new(io::stdin().as_fd().try_clone_to_owned()?)?;
    let mut dashboard = Dashboard {
        app,
        errands: Errands::new(&config, inspect),
        to: to.clone(),
        followed: None,
        config: config.clone(),
        opened: Instant::now(),
        over: false,
        redraw: false,
        fence: Fence::default(),
    };
    dashboard.introduce(&mut terminal, &mut keys).await?;
    dashboard.draw(&mut terminal)?;
    // Loading what code is highlighted by takes longer than the first frame may.
    let repaint = to.clone();
    highlight::on_change(Box::new(move || {
        // A full queue is drawn after anyway.
        let _ = repaint.try_send(Msg::Repaint);
    }));
    std::thread::Builder::new()
        .name("highlight".to_owned())
        .spawn(highlight::warm)?;
    let linked = spawn_local(link::all(config, to));
    dashboard.start(Effect::Remembered);
    let mut drawn = Instant::now();
    let mut looked = drawn;
    let mut stale = false;
    let mut presses = Presses::default();
    let ended = loop {
        if dashboard.over {
            break Ended::ByUser;
        }
        let wait = if stale && dashboard.fence.has_room() {
            FRAME
        } else {
            dashboard.app.changes_within()
        };
        let mut urgent = false;
        // Whether anything has happened that may be seen: an answer of the terminal is nothing.
        let mut touched = false;
        let mut effects = Vec::new();
        let due = drawn.max(looked) + wait;
        presses.begin(due - dashboard.opened);
        tokio::select! {
            biased;
            told = signals.next() => match told {
                Told::End(signal) => break Ended::BySignal(signal),
                Told::Stop => {
                    dashboard.settle(&mut keys).await;
                    terminal.suspend(false)?;
                    dashboard.app.frame_hidden();
                    urgent = true;
                }
            },
            () = panicked.notified() => return Err(RunError::Panicked),
            _ = continued.recv() => {
                touched = true;
                if was_stopped.swap(false, Ordering::Relaxed) {
                    dashboard.show_again(&mut terminal)?;
                }
            }
            _ = resized.recv() => {
                urgent = true;
                // Another size may have come and gone since the last frame; the terminal has lost what
                // it showed then, although the size is the same.
                dashboard.redraw = true;
                effects.extend(dashboard.take(Msg::Resize));
            }
            input = poll_fn(|waking| {
                let polled = keys.poll_next(waking);
                if polled.is_pending() {
                    presses.none(dashboard.opened.elapsed());
                }
                polled
            }) => match input {
                Some(input) => {
                    if was_stopped.swap(false, Ordering::Relaxed) {
                        dashboard.show_again(&mut terminal)?;
                    }
                    let pressed = presses.one(dashboard.opened.elapsed());
                    urgent |= matches!(input, Input::Event(_));
                    touched |= input != Input::Attributes;
                    effects.extend(dashboard.input(input, pressed));
                }
                // No more keys will come: the terminal is gone.
                None => break Ended::BySignal(Signal::HUP.as_raw()),
            },
            Some(msg) = queue.recv() => {
                touched = true;
                effects.extend(dashboard.take(msg));
            }
            () = tokio::time::sleep_until(due) => {
                if !stale {
                    touched = true;
                    effects.extend(dashboard.take(Msg::Tick));
                }
                // Where nothing more can be drawn now.
                looked = if dashboard.fence.has_room() { drawn } else { Instant::now() };
            }
        }
        // What is queued already belongs to the same frame.
        for _ in 0..QUEUE {
            match queue.try_recv() {
                Ok(msg) => {
                    touched = true;
                    effects.extend(dashboard.take(msg));
                }
                Err(_) => break,
            }
        }
        // Asked on behalf of this task: who asks in nobody's name would keep the stream from waking it
        // for the next key.
        while let Poll::Ready(Some(input)) =
            poll_fn(|waking| Poll::Ready(keys.poll_next(waking))).await
        {
            urgent |= matches!(input, Input::Event(_));
            touched |= input != Input::Attributes;
            // Each key is about what the frame before it showed.
            let pressed = presses.found();
            effects.extend(dashboard.input(input, pressed));
        }
        presses.none(dashboard.opened.elapsed());
        let followed = effects
            .iter()
            .rposition(|effect| matches!(effect, Effect::Follow(_)));
        for (index, effect) in effects.into_iter().enumerate() {
            // A selection that was only passed by is not looked at.
            if matches!(effect, Effect::Follow(_)) && followed != Some(index) {
                continue;
            }
            if effect == Effect::Suspend {
                dashboard.settle(&mut keys).await;
                terminal.suspend(true)?;
                dashboard.app.frame_hidden();
                urgent = true;
            } else if needs_terminal(&effect) {
                dashboard.settle(&mut keys).await;
                let done = lend(&mut terminal, effect)?;
                dashboard.app.frame_hidden();
                let after = dashboard.take(Msg::Done(done));
                for effect in after {
                    dashboard.start(effect);
                }
                urgent = true;
            } else {
                dashboard.start(effect);
            }
        }
        dashboard.tend(&terminal)?;
        keys.owes_answer(dashboard.fence.owes(dashboard.opened.elapsed()));
        stale |= touched || urgent || dashboard.redraw;
        let is_due = urgent || drawn.elapsed() >= FRAME;
        if stale && is_due && dashboard.fence.has_room() {
            if std::mem::take(&mut dashboard.redraw) {
                terminal.forget()?;
            }
            dashboard.draw(&mut terminal)?;
            drawn = Instant::now();
            // Where there was too much code to highlight in one frame, the next ones do the rest.
            stale = dashboard.app.detail.transcript.wants_frame();
        }
    };
    linked.abort();
    if ended != Ended::BySignal(Signal::HUP.as_raw()) {
        dashboard.settle(&mut keys).await;
    }
    Ok(ended)
}

struct Dashboard {
    app: App,
    errands: Errands,
    to: mpsc::Sender<Msg>,
    followed: Option<JoinHandle<()>>,
    config: Config,
    opened: Instant,
    over: bool,
    redraw: bool,
    fence: Fence<Sent>,
}

impl Dashboard {
    /// Asks the terminal what it is, and waits a moment for the answer. Keys that come meanwhile wait.
    async fn introduce(&mut self, terminal: &mut Terminal, keys: &mut Keys) -> io::Result<()> {
        // Nobody asks who knows already, or has no use for it.
        let takes_any = self.app.theme.ground.is_none() && self.app.theme.syntax == Syntax::Off;
        terminal.ask(!self.app.ground.is_known() && (!takes_any || self.app.theme_by_ground))?;
        self.fence.asked(None, 0, self.opened.elapsed());
        keys.owes_answer(true);
        self.listen(keys, INTRODUCTION).await;
        Ok(())
    }

    /// Waits until the terminal has answered what it was asked: another program would take that for
    /// keys.
    async fn settle(&mut self, keys: &mut Keys) {
        self.listen(keys, LAST_WORDS).await;
        if self.fence.owes(self.opened.elapsed()) {
            terminal::drop_answers();
        }
        self.fence.forget();
    }

    /// Takes answers of the terminal for so long, or until it owes none. Everything else waits.
    async fn listen(&mut self, keys: &mut Keys, limit: Duration) {
        let until = Instant::now() + limit;
        let mut others = Vec::new();
        while self.fence.owes(self.opened.elapsed()) {
            let next = poll_fn(|waking| keys.poll_next(waking));
            match tokio::time::timeout_at(until, next).await {
                Ok(Some(input @ Input::Event(_))) => others.push(input),
                Ok(Some(answer)) => drop(self.input(answer, Duration::ZERO)),
                // The terminal is gone, which the loop finds as well; or it says nothing.
                Ok(None) | Err(_) => break,
            }
        }
        keys.put_back(others);
    }

    /// Does what is to be done because the terminal does not answer.
    fn tend(&mut self, terminal: &Terminal) -> io::Result<()> {
        let now = self.opened.elapsed();
        match self.fence.need(now) {
            Some(Need::Ask) => {
                terminal.ask(false)?;
                self.fence.asked_again(now);
            }
            Some(Need::Draw) => {
                self.redraw = true;
                self.app.frame_hidden();
            }
            None => {}
        }
        Ok(())
    }

    /// Takes what the terminal sent.
    fn input(&mut self, input: Input, pressed: Duration) -> Vec<Effect> {
        match input {
            Input::Event(event) => return self.event(event, pressed),
            Input::Ground(colour) => {
                self.app.set_ground(Ground::of(colour));
                self.redraw = true;
            }
            Input::Attributes => {
                let now = self.opened.elapsed();
                if let Some(frame) = self.fence.answered(now) {
                    self.app.frame_arrived(&frame, now);
                }
            }
        }
        Vec::new()
    }

    fn take(&mut self, msg: Msg) -> Vec<Effect> {
        let elapsed = self.opened.elapsed();
        self.take_pressed(msg, elapsed)
    }

    fn take_pressed(&mut self, msg: Msg, pressed: Duration) -> Vec<Effect> {
        let at = Moment {
            wall: Timestamp::now(),
            elapsed: self.opened.elapsed(),
            pressed,
        };
        update(&mut self.app, msg, at)
    }

    /// Takes what the terminal sent, which was not done before `pressed`.
    fn event(&mut self, event: Event, pressed: Duration) -> Vec<Effect> {
        let msg = match event {
            Event::Key(key) => Msg::Key(key),
            Event::Mouse(mouse) => Msg::Mouse(mouse),
            Event::Paste(text) => Msg::Paste(text),
            Event::Resize(_, _) => Msg::Resize,
            Event::FocusGained => Msg::Attention(true),
            Event::FocusLost => Msg::Attention(false),
        };
        self.take_pressed(msg, pressed)
    }

    /// Draws all of it after the process was stopped: what was on the screen counts as new.
    fn show_again(&mut self, terminal: &mut Terminal) -> io::Result<()> {
        terminal.take_again()?;
        self.app.frame_hidden();
        self.draw(terminal)
    }

    fn draw(&mut self, terminal: &mut Terminal) -> io::Result<()> {
        crate::failpoint::hit("dashboard.draw");
        let mut shown = LastFrame::default();
        let asking = self.fence.does_answer();
        terminal.set_ground(self.app.ground);
        let bytes = terminal.draw(asking, |frame| shown = view::draw(&mut self.app, frame))?;
        let now = self.opened.elapsed();
        // Only then has the screen got it: what a key decides must have been there.
        let sent = self.app.frame_sent(shown);
        if asking {
            self.fence.asked(Some(sent), bytes, now);
        } else {
            self.app.frame_arrived(&sent, now);
        }
        terminal.set_title(view::title(&self.app))
    }

    /// Has an effect done; errands go their own way and come back as messages.
    fn start(&mut self, effect: Effect) {
        match effect {
            Effect::Quit => self.over = true,
            Effect::Redraw => self.redraw = true,
            // A terminal that is gone ends the loop by its own way.
            Effect::Bell => drop(terminal::bell()),
            Effect::Notify { title, body } => drop(terminal::notify(&title, &body)),
            Effect::Follow(session) => {
                if let Some(followed) = self.followed.take() {
                    followed.abort();
                }
                self.followed = session.map(|session| {
                    let (config, to) = (self.config.clone(), self.to.clone());
                    spawn_local(link::conversation(config, session, to))
                });
            }
            errand => {
                if let Effect::Copy(text) = &errand {
                    let past_screen = copy::is_in_screen(copy::variable);
                    drop(terminal::copy(text, past_screen));
                }
                let (errands, to) = (self.errands.clone(), self.to.clone());
                spawn_local(async move {
                    if let Some(done) = errands.run(errand).await {
                        // Nobody listens when the dashboard is closing.
                        let _ = to.send(Msg::Done(done)).await;
                    }
                });
            }
        }
    }
}

fn needs_terminal(effect: &Effect) -> bool {
    matches!(
        effect,
        Effect::Pager(_) | Effect::Editor { .. } | Effect::Demo
    )
}

/// Lets the editor or the pager have the terminal.
fn lend(terminal: &mut Terminal, effect: Effect) -> io::Result<Done> {
    match effect {
        Effect::Pager(text) => Ok(Done::Edited {
            purpose: Purpose::Look,
            text: with_file(terminal, &text, "md", "PAGER", "less"),
        }),
        Effect::Demo => Ok(Done::Said(demo(terminal))),
        Effect::Editor {
            purpose,
            text,
            extension,
        } => Ok(Done::Edited {
            text: with_file(terminal, &text, extension, "EDITOR", "vi"),
            purpose,
        }),
        _ => Ok(Done::Said(Ok(String::new()))),
    }
}

/// Shows the demonstration, which is this program in another life.
fn demo(terminal: &mut Terminal) -> Result<String, String> {
    let failed = |error: io::Error| format!("starting the demonstration: {error}");
    let program = crate::platform::installed_program().map_err(failed)?;
    let ended = terminal
        .lend(Command::new(program).arg("demo"))
        .map_err(failed)?;
    if ended.success() {
        Ok(String::new())
    } else {
        Err(format!("the demonstration ended with {ended}"))
    }
}

/// Runs a program on a private file with a text and returns what the file holds afterwards.
fn with_file(
    terminal: &mut Terminal,
    text: &str,
    extension: &str,
    variable: &str,
    default: &str,
) -> Result<String, String> {
    let line = std::env::var(variable)
        .ok()
        .filter(|line| !line.trim().is_empty())
        .unwrap_or_else(|| default.to_owned());
    let words = shell_words::split(&line)
        .map_err(|error| format!("reading ${variable} ({line:?}): {error}"))?;
    let Some((program, arguments)) = words.split_first() else {
        return Err(format!("${variable} names no program"));
    };
    let failed = |error: io::Error| format!("writing a file for {program}: {error}");
    let file = tempfile::Builder::new()
        .prefix("humanlayer-")
        .suffix(&format!(".{extension}"))
        .tempfile()
        .map_err(failed)?;
    std::fs::write(file.path(), text).map_err(failed)?;
    let mut command = Command::new(program);
    command.args(arguments).arg(file.path());
    let ended = terminal
        .lend(&mut command)
        .map_err(|error| format!("running {program}: {error}; set ${variable}"))?;
    if !ended.success() {
        return Err(format!(
            "{program} ended with {ended}; nothing was taken over"
        ));
    }
    std::fs::read_to_string(file.path())
        .map_err(|error| format!("reading what {program} wrote: {error}"))
}
