//! Who told this process to stop.

use std::io;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};

/// The senders that are kept; of more at once the newest.
const KEPT: usize = 64;

/// Nobody.
const NONE: i32 = i32::MIN;
/// Somebody who gave another process's number for its own.
const FORGED: i32 = -1;

/// The processes that sent the last signals of [`watch`] that were not [`taken`].
static SENDERS: [AtomicI32; KEPT] = [const { AtomicI32::new(NONE) }; KEPT];
static NEXT: AtomicUsize = AtomicUsize::new(0);

/// Who sent a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// This process, as the kernel says.
    Process(u32),
    /// The kernel, or a process outside of our namespace.
    Outside,
    /// A process that chose itself what to say of who it is.
    Unknown,
}

/// Notes from now on who sends this process SIGTERM and SIGINT. To be called before anything else listens for
/// them, so that it is noted before that wakes up.
///
/// # Errors
/// The system's refusal.
pub fn watch() -> io::Result<()> {
    for signal in [libc::SIGTERM, libc::SIGINT] {
        #[allow(
            unsafe_code,
            reason = "the action only reads what it is given and writes atomics, which may be done in a signal handler"
        )]
        unsafe {
            signal_hook_registry::register_sigaction(signal, |info| {
                // Of a signal with any other code the sender fills in itself who it is.
                let pid = match info.si_code {
                    SI_USER | SI_TKILL => info.si_pid(),
                    code if code > 0 => 0,
                    _ => FORGED,
                };
                // Each once, however often it sends: nobody crowds others out.
                let is_kept = |place: &AtomicI32| place.load(Ordering::SeqCst) == pid;
                if SENDERS.iter().any(is_kept) {
                    return;
                }
                let place = NEXT.fetch_add(1, Ordering::SeqCst) % KEPT;
                if let Some(place) = SENDERS.get(place) {
                    place.store(pid, Ordering::SeqCst);
                }
            })?;
        }
    }
    Ok(())
}

/// A signal that a process sent, with `kill`.
const SI_USER: i32 = if cfg!(target_os = "macos") {
    0x10001
} else {
    0
};

/// A signal for one thread; the same on all systems that have it.
const SI_TKILL: i32 = -6;

/// Those who have sent one since they were last taken.
#[must_use]
pub fn taken() -> Vec<Sender> {
    SENDERS
        .iter()
        .map(|place| place.swap(NONE, Ordering::SeqCst))
        .filter_map(|pid| match pid {
            NONE => None,
            FORGED => Some(Sender::Unknown),
            pid => Some(match u32::try_from(pid) {
                Ok(pid) if pid > 0 => Sender::Process(pid),
                _ => Sender::Outside,
            }),
        })
        .collect()
}
