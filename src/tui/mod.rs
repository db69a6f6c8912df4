//! The dashboard: every session, live, and one inbox of approvals.
//!
//! One way through: what happens becomes a [`msg::Msg`]; [`update`] changes the [`state`] and returns
//! [`effect::Effect`]s as plain data; [`runtime`] has them done and draws the [`view`] of the state.
//! Everything between a message and an effect is pure and without a clock, so that it can be tested
//! as tables; only `runtime`, `daemon_link` and `effects` wait for anything, only `terminal` writes to the
//! terminal, and only `input` reads from it. The dashboard holds no truth of its own: what it shows came from the daemon over
//! [`crate::client`], and what it decides counts when the daemon says so.

pub(crate) mod color;
mod color_depth;
mod daemon_link;
pub(crate) mod effect;
mod effects;
mod fence;
pub(crate) mod forms;
pub(crate) mod ground;
mod input;
pub(crate) mod keymap;
mod lend;
pub(crate) mod memory;
pub(crate) mod msg;
mod presses;
pub(crate) mod runtime;
mod signals;
pub(crate) mod state;
mod terminal;
#[cfg(test)]
mod testing;
pub mod theme;
pub mod transcript;
pub(crate) mod update;
pub(crate) mod view;
