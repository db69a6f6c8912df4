//! humanlayer

pub mod platform;
pub mod runner;
