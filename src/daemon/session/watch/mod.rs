//! Watching session directories: a wake-up when a journal grows, a socket appears or an agent ends.
//!
//! One operating-system watcher serves all sessions, so an idle daemon costs nothing. A wake-up says
//! only "look again"; a lost one is repaired by looking at everything when the system says that it
//! lost some. On Linux the runtime itself waits for inotify: with many busy sessions a thread in
//! between costs as much as what it tells of. Used by the supervisors only.

#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(target_os = "linux")]
mod linux;

#[cfg(not(target_os = "linux"))]
pub use elsewhere::Watcher;
#[cfg(target_os = "linux")]
pub use linux::Watcher;

/// Whether a supervisor wants to know of a change to the file of this name.
fn is_news(name: &[u8]) -> bool {
    matches!(name, b"journal.jsonl" | b"s" | b"exit.json")
}
