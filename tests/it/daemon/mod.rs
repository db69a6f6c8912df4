//! The daemon as its clients see it, with scripted agents behind it.

mod approvals;
mod conversation;
mod endings;
mod errors;
mod events;
mod itself;
mod launching;
mod programs;
mod protocol_examples;
mod putting_away;
mod resuming;
mod search;
mod secrets;
mod sessions;
