//! Named places where a test build dies on request, as if it had been killed from outside.
//!
//! `HUMANLAYER_FAILPOINT=name` or `name:n` makes the process send itself SIGKILL the first or n-th
//! time that the place is reached; `name:n:stop` has it stop itself instead, `name:n:panic` panic, and `name:n:slow:MS` has the
//! thread wait for so many milliseconds. Release builds contain none of it.

/// Dies here if the environment asks for it; does nothing in a release build.
#[inline]
pub fn hit(name: &str) {
    #[cfg(debug_assertions)]
    armed::hit(name);
    #[cfg(not(debug_assertions))]
    let _ = name;
}

/// The same for a place that is named for what is being done there: `step.what`.
#[inline]
pub fn hit_at(step: &str, what: &str) {
    #[cfg(debug_assertions)]
    armed::hit(&format!("{step}.{what}"));
    #[cfg(not(debug_assertions))]
    let _ = (step, what);
}

#[cfg(debug_assertions)]
mod armed {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use rustix::process::{Signal, getpid, kill_process};

    /// How long a signal to this process may take to be there.
    const SIGNAL_WAIT: Duration = Duration::from_millis(100);

    struct Armed {
        name: String,
        left: AtomicU64,
        fate: Fate,
    }

    enum Fate {
        Signal(Signal),
        Wait(Duration),
        Panic,
    }

    static ARMED: OnceLock<Option<Armed>> = OnceLock::new();

    #[allow(clippy::panic, reason = "it is what the test asks for")]
    pub fn hit(name: &str) {
        let armed = ARMED.get_or_init(|| {
            let wish = std::env::var("HUMANLAYER_FAILPOINT").ok()?;
            let mut parts = wish.split(':');
            let name = parts.next()?.to_owned();
            let count = parts.next().and_then(|count| count.parse().ok());
            Some(Armed {
                name,
                left: AtomicU64::new(count.unwrap_or(1)),
                fate: match (parts.next(), parts.next()) {
                    (Some("stop"), _) => Fate::Signal(Signal::STOP),
                    (Some("panic"), _) => Fate::Panic,
                    (Some("slow"), milliseconds) => {
                        Fate::Wait(Duration::from_millis(milliseconds?.parse().ok()?))
                    }
                    (Some(_) | None, _) => Fate::Signal(Signal::KILL),
                },
            })
        });
        let Some(armed) = armed else { return };
        if armed.name == name && armed.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            match armed.fate {
                Fate::Signal(signal) => {
                    let _ = kill_process(getpid(), signal);
                    // The signal may be another thread's to take: this one does not go on before it is there.
                    std::thread::sleep(SIGNAL_WAIT);
                }
                Fate::Wait(time) => std::thread::sleep(time),
                Fate::Panic => std::panic::panic_any(format!("as asked for at {name}")),
            }
        }
    }
}
