//! humanlayer

pub mod platform;
