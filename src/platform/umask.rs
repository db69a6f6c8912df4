//! The mask with which files are made: for this user alone, but the user's own for what an agent makes.

use std::sync::OnceLock;

use rustix::fs::Mode;

/// The mask that this process was started with, once its own is another.
static USERS: OnceLock<u32> = OnceLock::new();

/// Has this process make all its files for this user alone from now on.
pub fn keep_files_private() {
    let users = set_umask(0o077);
    let _ = USERS.set(users);
    set_umask(users | 0o077);
}

/// The mask that the user has chosen.
#[must_use]
pub fn user_umask() -> u32 {
    USERS.get().copied().unwrap_or_else(|| {
        let mask = set_umask(0o077);
        set_umask(mask);
        mask
    })
}

/// Sets this process's mask; gives the one before.
#[cfg_attr(
    target_os = "linux",
    allow(clippy::useless_conversion, reason = "a mode is narrower on macOS")
)]
pub fn set_umask(mask: u32) -> u32 {
    // The nine bits of a mask fit everywhere.
    let bits = rustix::fs::RawMode::try_from(mask & 0o777).unwrap_or(0o077);
    rustix::process::umask(Mode::from_bits_truncate(bits))
        .bits()
        .into()
}
