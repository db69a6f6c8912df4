//! The client's side of the daemon's socket.
//!
//! [`transport`] connects and hands out a JSON-RPC client; nothing above it
//! sees a socket. [`Client`] has one typed function a method, [`spawn`] finds
//! or starts the daemon, [`events`] follows what happens across reconnects, [`pending_question`] has a person
//! settle one question, [`conversation`] reads one in pages.
//! Nothing here prints or knows a screen; the commands and the dashboard call it.

mod calls;
pub mod conversation;
pub mod error;
pub mod events;
pub mod life;
pub mod pending_question;
pub mod spawn;
pub mod transport;

pub use calls::{Client, Unconfirmed};
pub use error::ClientError;
pub use spawn::ensure_daemon;
