//! The dashboard.

pub mod theme;
