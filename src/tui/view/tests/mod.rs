//! Screens as they are drawn.

mod approvals;
mod capabilities;
mod cursor;
mod decisions;
mod dialogs;
mod interleavings;
mod reading;
mod shell;
mod sizes;
mod themes;
