//! The client's side of the daemon's socket.
//!
//! [`transport`] connects and hands out a JSON-RPC client; nothing above it
//! sees a socket. Nothing here starts a daemon or knows what its methods mean.

pub mod transport;
