//! Screens as they are drawn.

mod approvals;
mod decisions;
