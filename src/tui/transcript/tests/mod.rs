//! Tests of the transcript: the model's rules here, the looks in `looks`.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod model;
mod support;
