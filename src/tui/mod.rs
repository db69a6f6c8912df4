//! The dashboard.

pub mod theme;
pub mod transcript;
