//! The loop: waits for whatever comes first, takes in all that is queued, draws once.
//!
//! The only place that awaits on behalf of the screen. Owns the queue of messages (bounded: when it
//! is full, the tasks that fill it wait, and the client library catches up from the store later),
//! the pace of drawing (a terminal that is slow is drawn to more rarely), and the effects that need
//! the terminal. Called by the command line.

use std::future::poll_fn;
use std::io;
use std::os::fd::AsFd as _;
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
use uuid::Uuid;

use super::effect::Effect;
use super::effects::{self, EffectRunner, copy};
use super::fence::{Fence, Need};
use super::ground::Ground;
use super::input::{Input, Terminal as Keys};
use super::lend::{lend, needs_terminal};
use super::memory::Memory;
use super::msg::Msg;
use super::presses::Presses;
use super::signals::{SignalAction, Watch};
use super::state::{App, LastFrame, Moment, Sent};
use super::terminal::{self, Terminal};
use super::theme::Syntax;
use super::transcript::highlight;
use super::update::update;
use super::{daemon_link, view};
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
pub fn remembered(config: &Config) -> Memory {
    effects::remembered(config)
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
    // Effects borrow across waits on this one thread, so their futures stay on it.
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
    let (mut sources, mut dashboard) = open(config, app, inspect).await?;
    let ended = loop {
        if dashboard.over {
            break Ended::ByUser;
        }
        let mut turn = Turn::default();
        if let Some(ended) = dashboard.wait(&mut sources, &mut turn).await? {
            break ended;
        }
        dashboard.drain(&mut sources, &mut turn).await;
        dashboard.dispatch(&mut turn).await?;
        dashboard.render(turn)?;
    };
    dashboard.close(ended).await;
    Ok(ended)
}

/// Takes the terminal, shows the first frame, and has everything begin that messages come from.
async fn open(
    config: Config,
    app: App,
    inspect: doctor::InspectDatabase,
) -> Result<(Sources, Dashboard), RunError> {
    let signals = Watch::begin()?;
    // Whoever stopped us may have changed the terminal meanwhile.
    let continued = signal(SignalKind::from_raw(Signal::CONT.as_raw()))?;
    let resized = signal(SignalKind::window_change())?;
    let was_stopped = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(Signal::CONT.as_raw(), Arc::clone(&was_stopped))?;
    let (to, queue) = mpsc::channel(QUEUE);
    let panicked = Arc::new(Notify::new());
    let terminal = Terminal::take(app.preferences.mouse, {
        let panicked = Arc::clone(&panicked);
        move || panicked.notify_one()
    })?;
    let keys = Keys::new(io::stdin().as_fd().try_clone_to_owned()?)?;
    let opened = Instant::now();
    let mut dashboard = Dashboard {
        app,
        effects: EffectRunner::new(&config, inspect),
        to: to.clone(),
        followed: None,
        linked: None,
        config: config.clone(),
        terminal,
        keys,
        opened,
        drawn: opened,
        looked: opened,
        stale: false,
        over: false,
        redraw: false,
        fence: Fence::default(),
    };
    dashboard.introduce().await?;
    dashboard.draw()?;
    // Loading what code is highlighted by takes longer than the first frame may.
    let repaint = to.clone();
    highlight::on_change(Box::new(move || {
        // A full queue is drawn after anyway.
        let _ = repaint.try_send(Msg::Repaint);
    }));
    std::thread::Builder::new()
        .name("highlight".to_owned())
        .spawn(highlight::warm)?;
    dashboard.linked = Some(spawn_local(daemon_link::all(config, to)));
    dashboard.start(Effect::LoadMemory);
    dashboard.drawn = Instant::now();
    dashboard.looked = dashboard.drawn;
    let sources = Sources {
        signals,
        continued,
        resized,
        was_stopped,
        panicked,
        queue,
        presses: Presses::default(),
    };
    Ok((sources, dashboard))
}

/// What the loop waits for, beside the keys and the clock.
struct Sources {
    signals: Watch,
    continued: tokio::signal::unix::Signal,
    resized: tokio::signal::unix::Signal,
    /// Told by the signal's handler itself: a key that was typed meanwhile may be read before the stream above has
    /// the signal.
    was_stopped: Arc<AtomicBool>,
    /// A panic, also one in a task that nobody waits for.
    panicked: Arc<Notify>,
    queue: mpsc::Receiver<Msg>,
    presses: Presses,
}

/// What has come of one time around the loop.
#[derive(Default)]
struct Turn {
    effects: Vec<Effect>,
    /// Whether a frame is due at once.
    urgent: bool,
    /// Whether anything has happened that may be seen: an answer of the terminal is nothing.
    touched: bool,
}

impl Turn {
    /// Takes in what the terminal sent led to.
    fn input(&mut self, is_event: bool, is_seen: bool, effects: Vec<Effect>) {
        self.urgent |= is_event;
        self.touched |= is_seen;
        self.effects.extend(effects);
    }

    fn message(&mut self, effects: Vec<Effect>) {
        self.touched = true;
        self.effects.extend(effects);
    }
}

struct Dashboard {
    app: App,
    effects: EffectRunner,
    to: mpsc::Sender<Msg>,
    followed: Option<JoinHandle<()>>,
    linked: Option<JoinHandle<()>>,
    config: Config,
    keys: Keys,
    terminal: Terminal,
    opened: Instant,
    /// When the last frame was drawn.
    drawn: Instant,
    /// When it was last found that nothing more could be drawn yet.
    looked: Instant,
    /// Whether the screen does not show the state as it is.
    stale: bool,
    over: bool,
    redraw: bool,
    fence: Fence<Sent>,
}

impl Dashboard {
    /// Waits for whatever comes first, and takes it in. Gives how the dashboard ended, if it did.
    async fn wait(
        &mut self,
        sources: &mut Sources,
        turn: &mut Turn,
    ) -> Result<Option<Ended>, RunError> {
        let wait = if self.stale && self.fence.has_room() {
            FRAME
        } else {
            self.app.changes_within()
        };
        let due = self.drawn.max(self.looked) + wait;
        let opened = self.opened;
        let presses = &mut sources.presses;
        presses.begin(due - opened);
        tokio::select! {
            biased;
            action = sources.signals.next() => match action {
                SignalAction::End(signal) => return Ok(Some(Ended::BySignal(signal))),
                SignalAction::Stop => {
                    self.suspend(false).await?;
                    turn.urgent = true;
                }
            },
            () = sources.panicked.notified() => return Err(RunError::Panicked),
            _ = sources.continued.recv() => {
                turn.touched = true;
                self.show_again(&sources.was_stopped)?;
            }
            _ = sources.resized.recv() => {
                turn.urgent = true;
                // Another size may have come and gone since the last frame; the terminal has lost what
                // it showed then, although the size is the same.
                self.redraw = true;
                turn.effects.extend(self.take(Msg::Resize));
            }
            input = poll_fn(|waking| {
                let polled = self.keys.poll_next(waking);
                if polled.is_pending() {
                    presses.none(opened.elapsed());
                }
                polled
            }) => match input {
                Some(input) => {
                    self.show_again(&sources.was_stopped)?;
                    let pressed = presses.one(opened.elapsed());
                    self.take_input(input, pressed, turn);
                }
                // No more keys will come: the terminal is gone.
                None => return Ok(Some(Ended::BySignal(Signal::HUP.as_raw()))),
            },
            Some(msg) = sources.queue.recv() => turn.message(self.take(msg)),
            () = tokio::time::sleep_until(due) => {
                if !self.stale {
                    turn.message(self.take(Msg::Tick));
                }
                // Where nothing more can be drawn now.
                self.looked = if self.fence.has_room() { self.drawn } else { Instant::now() };
            }
        }
        Ok(None)
    }

    /// Takes in what is queued already: it belongs to the same frame.
    async fn drain(&mut self, sources: &mut Sources, turn: &mut Turn) {
        for _ in 0..QUEUE {
            match sources.queue.try_recv() {
                Ok(msg) => turn.message(self.take(msg)),
                Err(_) => break,
            }
        }
        // Polled with this task's own waker: with another one the stream would not wake this task for the next key.
        while let Poll::Ready(Some(input)) =
            poll_fn(|waking| Poll::Ready(self.keys.poll_next(waking))).await
        {
            // Each key is about what the frame before it showed.
            let pressed = sources.presses.found();
            self.take_input(input, pressed, turn);
        }
        sources.presses.none(self.opened.elapsed());
    }

    /// Has the effects carried out.
    async fn dispatch(&mut self, turn: &mut Turn) -> io::Result<()> {
        let effects = std::mem::take(&mut turn.effects);
        let followed = effects
            .iter()
            .rposition(|effect| matches!(effect, Effect::Follow(_)));
        for (index, effect) in effects.into_iter().enumerate() {
            // A selection that was only passed by is not looked at.
            if matches!(effect, Effect::Follow(_)) && followed != Some(index) {
                continue;
            }
            if effect == Effect::Suspend {
                self.suspend(true).await?;
                turn.urgent = true;
            } else if needs_terminal(&effect) {
                self.settle().await;
                let done = lend(&mut self.terminal, effect)?;
                self.app.frame_hidden();
                for effect in self.take(Msg::Done(done)) {
                    self.start(effect);
                }
                turn.urgent = true;
            } else {
                self.start(effect);
            }
        }
        Ok(())
    }

    /// Draws, if there is something to draw and the terminal has room for a frame.
    fn render(&mut self, turn: Turn) -> io::Result<()> {
        self.tend()?;
        self.keys
            .owes_answer(self.fence.owes(self.opened.elapsed()));
        self.stale |= turn.touched || turn.urgent || self.redraw;
        let is_due = turn.urgent || self.drawn.elapsed() >= FRAME;
        if self.stale && is_due && self.fence.has_room() {
            if std::mem::take(&mut self.redraw) {
                self.terminal.forget()?;
            }
            self.draw()?;
            self.drawn = Instant::now();
            // Where there was too much code to highlight in one frame, the next ones do the rest.
            self.stale = self.app.detail.transcript.wants_frame();
        }
        Ok(())
    }

    /// Ends what still runs, and waits for the terminal's last answers unless it is gone.
    async fn close(&mut self, ended: Ended) {
        if let Some(linked) = &self.linked {
            linked.abort();
        }
        if ended != Ended::BySignal(Signal::HUP.as_raw()) {
            self.settle().await;
        }
    }

    /// Stops the process until it is told to go on.
    async fn suspend(&mut self, group: bool) -> io::Result<()> {
        self.settle().await;
        self.terminal.suspend(group)?;
        self.app.frame_hidden();
        Ok(())
    }

    fn take_input(&mut self, input: Input, pressed: Duration, turn: &mut Turn) {
        let (is_event, is_seen) = (matches!(input, Input::Event(_)), input != Input::Attributes);
        let effects = self.input(input, pressed);
        turn.input(is_event, is_seen, effects);
    }

    /// Asks the terminal what it is, and waits a moment for the answer. Keys that come meanwhile wait.
    async fn introduce(&mut self) -> io::Result<()> {
        // Nobody asks who knows already, or has no use for it.
        let takes_any = self.app.theme.ground.is_none() && self.app.theme.syntax == Syntax::Off;
        self.terminal
            .ask(!self.app.ground.is_known() && (!takes_any || self.app.theme_by_ground))?;
        self.fence.asked(None, 0, self.opened.elapsed());
        self.keys.owes_answer(true);
        self.listen(INTRODUCTION).await;
        Ok(())
    }

    /// Waits until the terminal has answered what it was asked: another program would take that for
    /// keys.
    async fn settle(&mut self) {
        self.listen(LAST_WORDS).await;
        if self.fence.owes(self.opened.elapsed()) {
            terminal::drop_answers();
        }
        self.fence.forget();
    }

    /// Takes answers of the terminal for so long, or until it owes none. Everything else waits.
    async fn listen(&mut self, limit: Duration) {
        let until = Instant::now() + limit;
        let mut others = Vec::new();
        while self.fence.owes(self.opened.elapsed()) {
            let next = poll_fn(|waking| self.keys.poll_next(waking));
            match tokio::time::timeout_at(until, next).await {
                Ok(Some(input @ Input::Event(_))) => others.push(input),
                Ok(Some(answer)) => drop(self.input(answer, Duration::ZERO)),
                // The terminal is gone, which the loop finds as well; or it says nothing.
                Ok(None) | Err(_) => break,
            }
        }
        self.keys.put_back(others);
    }

    /// Does what is to be done because the terminal does not answer.
    fn tend(&mut self) -> io::Result<()> {
        let now = self.opened.elapsed();
        match self.fence.need(now) {
            Some(Need::Ask) => {
                self.terminal.ask(false)?;
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
            fresh_id: Uuid::new_v4(),
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

    /// Draws all of it if the process was stopped since: what was on the screen counts as new.
    fn show_again(&mut self, was_stopped: &AtomicBool) -> io::Result<()> {
        if !was_stopped.swap(false, Ordering::Relaxed) {
            return Ok(());
        }
        self.terminal.take_again()?;
        self.app.frame_hidden();
        self.draw()
    }

    fn draw(&mut self) -> io::Result<()> {
        crate::failpoint::hit("dashboard.draw");
        let mut shown = LastFrame::default();
        let asking = self.fence.does_answer();
        self.terminal.set_ground(self.app.ground);
        let app = &mut self.app;
        let bytes = self
            .terminal
            .draw(asking, |frame| shown = view::draw(app, frame))?;
        let now = self.opened.elapsed();
        // Only then has the screen got it: what a key decides must have been there.
        let sent = self.app.frame_sent(shown);
        if asking {
            self.fence.asked(Some(sent), bytes, now);
        } else {
            self.app.frame_arrived(&sent, now);
        }
        self.terminal.set_title(view::title(&self.app))
    }

    /// Has an effect done; effects go their own way and come back as messages.
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
                    spawn_local(daemon_link::conversation(config, session, to))
                });
            }
            effect => {
                if let Effect::Copy(text) = &effect {
                    let past_screen = copy::is_in_screen(copy::variable);
                    drop(terminal::copy(text, past_screen));
                }
                let (effects, to) = (self.effects.clone(), self.to.clone());
                spawn_local(async move {
                    if let Some(done) = effects.run(effect).await {
                        // Nobody listens when the dashboard is closing.
                        let _ = to.send(Msg::Done(done)).await;
                    }
                });
            }
        }
    }
}
