//! humanlayer: run many Claude Code agents at once, decide in one place, lose nothing.

pub mod cli;
pub mod client;
pub mod commands;
pub mod config;
pub mod daemon;
pub mod domain;
pub mod failpoint;
pub mod ipc;
pub mod logging;
pub mod platform;
pub mod protocol;
pub mod runner;
