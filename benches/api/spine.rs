//! The tools of the `spine` benchmark that this one uses.
#![allow(dead_code, reason = "not all of them")]

#[path = "../spine/agent.rs"]
pub mod agent;
#[path = "../spine/daemon.rs"]
pub mod daemon;
#[path = "../spine/process.rs"]
pub mod process;
#[path = "../spine/table.rs"]
pub mod table;
