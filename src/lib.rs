//! humanlayer: run many Claude Code agents at once, decide in one place, lose nothing.

pub mod client;
pub mod daemon;
pub mod domain;
pub mod failpoint;
pub mod ipc;
pub mod platform;
pub mod protocol;
pub mod runner;
pub mod scripted_agent;
