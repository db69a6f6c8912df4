//! Sessions: the state machine, and the supervisors that run one agent each.
//!
//! A supervisor reads its session's journal into the store and carries the store's outbox to the
//! runner. It keeps no truth of its own: at any moment it can be dropped and started again from
//! the store and the session's directory.

pub mod machine;
