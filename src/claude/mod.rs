//! Claude Code's stream-json protocol: its lines understood, our lines made, its arguments built.
//!
//! No state, and no I/O but for reading the agent's own records (`transcript`). Unknown shapes are kept, never an error, because the agent is
//! upgraded more often than we are; [`crate::json`] reads what a strict parser would refuse. Called by the
//! daemon's session supervisor and its state machine, and by [`crate::doctor`].

mod agent_line;
pub mod args;
mod content;
pub mod control;
mod hooks;
pub mod input;
pub mod line;
mod request;
pub mod transcript;
