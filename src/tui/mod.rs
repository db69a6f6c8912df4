//! The dashboard: every session, live, and one inbox of approvals.
//!
//! One way through: what happens becomes a [`msg::Msg`]; [`update`] changes the [`state`] and returns
//! [`effect::Effect`]s as plain data; [`runtime`] has them done and draws the [`view`] of the state.
//! Everything between a message and an effect is pure and without a clock, so that it can be tested
//! as tables; only `runtime`, `link` and `effects` wait for anything, only `terminal` writes to the
//! terminal, and only `input` reads from it. The dashboard holds no truth of its own: what it shows came from the daemon over
//! [`crate::client`], and what it decides counts when the daemon says so.

pub mod color;
mod color_depth;
pub mod effect;
mod effects;
mod fence;
pub mod forms;
pub mod ground;
mod input;
pub mod keymap;
mod lend;
mod link;
pub mod memory;
pub mod msg;
mod presses;
pub mod runtime;
mod signals;
pub mod state;
mod terminal;
#[cfg(test)]
mod testing;
pub mod theme;
pub mod transcript;
pub mod update;
pub mod view;
