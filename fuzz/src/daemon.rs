//! The parts of the daemon that are fuzzed.

#[path = "session.rs"]
pub mod session;
