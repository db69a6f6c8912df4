//! The daemon.
pub mod claude;
pub mod lifecycle;
pub mod session;
pub mod store;

pub use lifecycle::{DaemonError, Options, run};
