//! The HumanLayer API as its client knows it: its types, its calls, and what can go wrong with them.
//!
//! Owns the requests over HTTP ([`client`], the only module that makes any), what the API says ([`types`]),
//! whether trying again helps ([`error`]) and how long to wait before that ([`retry`]). Keeps no state and
//! knows no store: what is polled, recorded and answered is the daemon's `remote_api`. Also called by the
//! commands that try or examine an API key.

pub mod client;
pub mod error;
pub mod retry;
pub mod types;
