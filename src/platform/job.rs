//! Stopping this process as its shell wants it.

use std::io;
use std::time::Duration;

/// How long it may take until a signal to stop has stopped every thread.
const STOP: Duration = Duration::from_millis(20);

/// Stops this process as `SIGTSTP` does by itself, although the signal is listened for, until it is told
/// to go on; with `group` also those that were started with it. Where no shell could let it go on the
/// system leaves it running.
///
/// # Errors
/// The system's refusal.
pub fn stop(group: bool) -> io::Result<()> {
    let own = default_action(libc::SIGTSTP)?;
    let told = if group {
        rustix::process::kill_current_process_group(rustix::process::Signal::TSTP)
    } else {
        let me = rustix::process::getpid();
        rustix::process::kill_process(me, rustix::process::Signal::TSTP)
    };
    // The signal may come to another thread first; nothing may be done before it has stopped us.
    std::thread::sleep(STOP);
    set_action(libc::SIGTSTP, &own)?;
    Ok(told?)
}

/// Gives a signal its default action; returns the one before.
fn default_action(signal: i32) -> io::Result<libc::sigaction> {
    #[allow(
        unsafe_code,
        reason = "zeroed is a valid sigaction: the default action, no flags, an empty mask; both outlive the call"
    )]
    unsafe {
        let mut own: libc::sigaction = std::mem::zeroed();
        let mut default: libc::sigaction = std::mem::zeroed();
        default.sa_sigaction = libc::SIG_DFL;
        match libc::sigaction(signal, &raw const default, &raw mut own) {
            0 => Ok(own),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

fn set_action(signal: i32, action: &libc::sigaction) -> io::Result<()> {
    #[allow(
        unsafe_code,
        reason = "an action that the system gave, which outlives the call"
    )]
    let set = unsafe { libc::sigaction(signal, action, std::ptr::null_mut()) };
    match set {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
