//! humanlayer

pub mod client;
pub mod ipc;
