//! Signals: the terminal is given back before any that can be caught takes effect.
//!
//! A thread of its own listens, as the loop may be waiting for a terminal that takes nothing. It tells
//! the loop, which gives the terminal back; where the loop does not come to that, the thread does it
//! itself. What a signal does besides is what it does to every program. While another program has the
//! terminal, keys for that one (ctrl-c, ctrl-\) are none of ours. Called by the runtime alone.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::time::Duration;

use signal_hook::consts::signal as signals;
use signal_hook::iterator::Signals;
use tokio::sync::Notify;

use super::terminal;
use crate::platform;

/// Signals that end a program which does not know them.
const ENDING: &[i32] = &[
    signals::SIGHUP,
    signals::SIGINT,
    signals::SIGQUIT,
    signals::SIGTERM,
    signals::SIGABRT,
    signals::SIGALRM,
    signals::SIGUSR1,
    signals::SIGUSR2,
    signals::SIGVTALRM,
    signals::SIGPROF,
    signals::SIGXCPU,
    signals::SIGXFSZ,
];

/// How long the loop may take to give the terminal back.
const PATIENCE: Duration = Duration::from_secs(2);

/// What came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalAction {
    /// Ended by this signal.
    End(i32),
    /// To be stopped, until somebody lets it go on.
    Stop,
}

/// Listens as long as it exists.
pub struct Watch {
    shared: Arc<Shared>,
    /// Closed when the terminal has been given back.
    _working: Sender<()>,
}

#[derive(Default)]
struct Shared {
    ended_by: AtomicI32,
    is_to_stop: AtomicBool,
    changed: Notify,
}

impl Watch {
    /// Begins to listen.
    ///
    /// # Errors
    /// The system's refusal.
    pub fn begin() -> io::Result<Self> {
        let signals = Signals::new(ENDING.iter().chain(&[signals::SIGTSTP]))?;
        let shared = Arc::new(Shared::default());
        let (working, is_working) = channel();
        let to = Arc::clone(&shared);
        std::thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || listen(signals, &to, &is_working))?;
        Ok(Self {
            shared,
            _working: working,
        })
    }

    /// The next signal that the loop has to do something about.
    pub async fn next(&self) -> SignalAction {
        loop {
            match self.shared.ended_by.load(Ordering::SeqCst) {
                0 => {}
                signal => return SignalAction::End(signal),
            }
            if self.shared.is_to_stop.swap(false, Ordering::SeqCst) {
                return SignalAction::Stop;
            }
            self.shared.changed.notified().await;
        }
    }
}

fn listen(mut signals: Signals, to: &Shared, is_working: &Receiver<()>) {
    for signal in signals.forever() {
        let is_lent = terminal::is_lent();
        match signal {
            // The program that has the terminal does it as well, and the shell waits for both.
            signals::SIGTSTP if is_lent => drop(platform::stop(false)),
            signals::SIGTSTP => {
                to.is_to_stop.store(true, Ordering::SeqCst);
                to.changed.notify_one();
            }
            signals::SIGINT | signals::SIGQUIT if is_lent => {}
            signal if is_working.try_recv() == Err(TryRecvError::Disconnected) => die_of(signal),
            signal => {
                // The first one counts.
                let _ = to
                    .ended_by
                    .compare_exchange(0, signal, Ordering::SeqCst, Ordering::SeqCst);
                to.changed.notify_one();
                if is_working.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                    terminal::give_back_at_once();
                    die_of(signal);
                }
            }
        }
    }
}

/// Ends this process as the signal does.
pub fn die_of(signal: i32) -> ! {
    // It does not come back where the system knows the signal.
    let _ = signal_hook::low_level::emulate_default_handler(signal);
    std::process::exit(128 + signal)
}
