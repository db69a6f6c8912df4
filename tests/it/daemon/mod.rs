//! The daemon as its clients see it, with scripted agents behind it.

mod approvals;
mod conversation;
mod errors;
mod events;
mod launch;
mod organising;
mod programs;
mod protocol_examples;
mod resume;
mod search;
mod secrets;
mod self_approval;
mod session_end;
mod sessions;
