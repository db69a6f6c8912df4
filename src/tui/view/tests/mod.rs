//! Screens as they are drawn.

mod approvals;
mod capabilities;
mod decisions;
mod shell;
mod sizes;
mod themes;
