//! The daemon.
pub mod claude;
pub mod store;
