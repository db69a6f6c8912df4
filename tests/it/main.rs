//! The integration tests: the real binary, real sockets, real files. One test binary, so that it
//! links once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed unwrap is a failed test"
)]

mod agent_stream;
mod architecture;
mod callers;
mod chain;
mod cli;
mod daemon;
mod faults;
mod ipc;
mod isolation;
mod local_api;
mod mcp;
mod real_claude;
mod real_clients;
mod releasing;
mod remote_api;
mod runner;
mod scripted_agent;
mod served;
mod support;
mod tui;
