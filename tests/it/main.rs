//! The integration tests: one binary, so that it links once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed unwrap is a failed test"
)]

mod real_claude_smoke;
mod scripted_agent;
mod support;
