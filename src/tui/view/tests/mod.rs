//! Screens as they are drawn.

mod approvals;
mod capabilities;
mod decisions;
mod interleavings;
mod reading;
mod shell;
mod sizes;
mod themes;
