//! Tests of the transcript: the model's rules, live words, recorded conversations, the looks of
//! everything, and the work that large conversations cost.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod cards;
mod drafts;
mod large;
mod looks;
mod model;
mod recorded;
mod search;
mod selection;
mod support;
