//! What the targets run, as a crate of its own: the product's own files, without the rest of it.
//!
//! Instrumented, the whole program takes most of an hour to compile; these parts know nothing above
//! them, and take a minute. The crate has the product's name so that `stream.rs` serves here and among the tests.

#![allow(dead_code, reason = "the rest of the product uses it")]

#[path = "claude.rs"]
pub mod claude;
#[path = "daemon.rs"]
pub mod daemon;
#[path = "../../src/domain/mod.rs"]
pub mod domain;
#[path = "ipc.rs"]
pub mod ipc;
#[path = "../../src/json.rs"]
pub mod json;
