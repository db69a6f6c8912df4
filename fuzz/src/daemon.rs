//! The parts of the daemon that are fuzzed.

#[path = "claude.rs"]
pub mod claude;
#[path = "session.rs"]
pub mod session;
