//! humanlayer

pub mod scripted_agent;
