//! Screens as they are drawn.

mod approvals;
mod decisions;
mod shell;
mod sizes;
mod themes;
