//! The loop: waits for whatever comes first, takes in all that is queued, draws once.
//!
//! The only place that awaits on behalf of the screen. Owns the queue of messages (bounded: when it
//! is full, the tasks that fill it wait, and the client library catches up from the store later),
//! the pace of drawing, and the effects that need the terminal. Called by the command line.

use std::future::poll_fn;
use std::io;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use crossterm::event::{Event, EventStream};
use futures_util::StreamExt;
use jiff::Timestamp;
use rustix::process::Signal;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, mpsc};
use tokio::task::{JoinHandle, LocalSet, spawn_local};
use tokio::time::Instant;

use super::effect::{Effect, Purpose};
use super::errands::Errands;
use super::msg::{Done, Msg};
use super::presses::Presses;
use super::state::launch::Remembered;
use super::state::{App, LastFrame, Moment};
use super::terminal::{self, Terminal};
use super::transcript::highlight;
use super::{link, update::update, view};
use crate::config::Config;

/// Messages that may wait to be taken in.
const QUEUE: usize = 4_096;
/// The least time between two frames that no key asked for.
const FRAME: Duration = Duration::from_millis(16);

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

/// What the dashboard remembers from earlier; nothing where there is nothing readable.
#[must_use]
pub fn remembered(config: &Config) -> Remembered {
    Errands::new(config).remembered()
}

/// Runs the dashboard until the user leaves, or the process is told to.
///
/// # Errors
/// The terminal could not be used.
pub async fn run(config: Config, app: App) -> Result<(), RunError> {
    // Errands borrow across waits on this one thread, so their futures stay on it.
    LocalSet::new().run_until(run_here(config, app)).await
}

async fn run_here(config: Config, app: App) -> Result<(), RunError> {
    let mut terminated = signal(SignalKind::terminate())?;
    let mut hung_up = signal(SignalKind::hangup())?;
    // Whoever stopped us may have changed the terminal meanwhile.
    let mut continued = signal(SignalKind::from_raw(Signal::CONT.as_raw()))?;
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
    let mut dashboard = Dashboard {
        app,
        errands: Errands::new(&config),
        to: to.clone(),
        followed: None,
        config: config.clone(),
        opened: Instant::now(),
        over: false,
        redraw: false,
    };
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
    let mut keys = Some(EventStream::new());
    let mut drawn = Instant::now();
    let mut stale = false;
    let mut presses = Presses::default();
    while !dashboard.over {
        let wait = if stale {
            FRAME
        } else {
            dashboard.app.changes_within()
        };
        let stream = keys.get_or_insert_with(EventStream::new);
        let mut urgent = false;
        let mut effects = Vec::new();
        let due = drawn + wait;
        presses.begin(due - dashboard.opened);
        tokio::select! {
            biased;
            _ = terminated.recv() => break,
            _ = hung_up.recv() => break,
            () = panicked.notified() => return Err(RunError::Panicked),
            _ = continued.recv() => {
                if was_stopped.swap(false, Ordering::Relaxed) {
                    dashboard.show_again(&mut terminal)?;
                }
            }
            event = poll_fn(|waking| {
                let polled = stream.poll_next_unpin(waking);
                if polled.is_pending() {
                    presses.none(dashboard.opened.elapsed());
                }
                polled
            }) => match event {
                Some(Ok(event)) => {
                    urgent = true;
                    if was_stopped.swap(false, Ordering::Relaxed) {
                        dashboard.show_again(&mut terminal)?;
                    }
                    let pressed = presses.one(dashboard.opened.elapsed());
                    effects.extend(dashboard.event(event, pressed));
                }
                // No more keys will come: the terminal is gone.
                Some(Err(_)) | None => break,
            },
            Some(msg) = queue.recv() => effects.extend(dashboard.take(msg)),
            () = tokio::time::sleep_until(due) => {
                if !stale {
                    effects.extend(dashboard.take(Msg::Tick));
                }
            }
        }
        // What is queued already belongs to the same frame.
        for _ in 0..QUEUE {
            match queue.try_recv() {
                Ok(msg) => effects.extend(dashboard.take(msg)),
                Err(_) => break,
            }
        }
        // Asked on behalf of this task: who asks in nobody's name would keep the stream from waking it
        // for the next key.
        while let Poll::Ready(Some(Ok(event))) =
            poll_fn(|waking| Poll::Ready(stream.poll_next_unpin(waking))).await
        {
            urgent = true;
            // Each key is about what the frame before it showed.
            let pressed = presses.found();
            effects.extend(dashboard.event(event, pressed));
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
                keys = None;
                terminal.suspend()?;
                dashboard.app.frame_hidden();
                urgent = true;
            } else if needs_terminal(&effect) {
                // A stream that is merely not read would still take the program's keys.
                keys = None;
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
        stale = true;
        if urgent || drawn.elapsed() >= FRAME {
            if std::mem::take(&mut dashboard.redraw) {
                terminal.forget()?;
            }
            dashboard.draw(&mut terminal)?;
            drawn = Instant::now();
            // Where there was too much code to highlight in one frame, the next ones do the rest.
            stale = dashboard.app.detail.transcript.wants_frame();
        }
    }
    linked.abort();
    Ok(())
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
}

impl Dashboard {
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
            Event::Resize(_, _) => {
                // Another size may have come and gone since the last frame; the terminal has lost what
                // it showed then, although the size is the same.
                self.redraw = true;
                Msg::Resize
            }
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
        let mut shown = LastFrame::default();
        terminal.draw(|frame| shown = view::draw(&mut self.app, frame))?;
        // Only now has the terminal got it: what a key decides must have been there.
        self.app.frame_shown(shown, self.opened.elapsed());
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
                    drop(terminal::copy(text));
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
