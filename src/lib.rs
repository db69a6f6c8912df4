//! humanlayer
pub mod daemon;
pub mod domain;
pub mod failpoint;
pub mod protocol;
