//! Named places where a test build dies on request, as if it had been killed from outside.
//!
//! `HUMANLAYER_FAILPOINT=name` or `name:n` makes the process send itself SIGKILL the first or n-th
//! time that the place is reached. Release builds contain none of it.

/// Dies here if the environment asks for it; does nothing in a release build.
#[inline]
pub fn hit(name: &str) {
    #[cfg(debug_assertions)]
    armed::hit(name);
    #[cfg(not(debug_assertions))]
    let _ = name;
}

#[cfg(debug_assertions)]
mod armed {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    struct Armed {
        name: String,
        left: AtomicU64,
    }

    static ARMED: OnceLock<Option<Armed>> = OnceLock::new();

    pub fn hit(name: &str) {
        let armed = ARMED.get_or_init(|| {
            let wish = std::env::var("HUMANLAYER_FAILPOINT").ok()?;
            let (name, count) = wish.split_once(':').unwrap_or((wish.as_str(), "1"));
            Some(Armed {
                name: name.to_owned(),
                left: AtomicU64::new(count.parse().unwrap_or(1)),
            })
        });
        let Some(armed) = armed else { return };
        if armed.name == name && armed.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            let _ = rustix::process::kill_process(
                rustix::process::getpid(),
                rustix::process::Signal::KILL,
            );
        }
    }
}
