//! The daemon.
pub mod claude;
pub mod session;
pub mod store;
