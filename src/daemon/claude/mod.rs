//! Claude Code's stream-json protocol: its lines understood, our lines made, its arguments built.
//!
//! Pure: no I/O and no state. Unknown shapes are kept, never an error, because the agent is
//! upgraded more often than we are; [`crate::json`] reads what a strict parser would refuse. Called by the session supervisor and its state machine.

pub mod args;
mod content;
pub mod control;
mod hooks;
pub mod input;
pub mod line;
mod request;
pub mod transcript;
