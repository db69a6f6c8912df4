//! JSON-RPC 2.0 over a Unix socket, one JSON text a line.
//!
//! This layer alone knows sockets. It turns bytes into requests, runs them
//! against a table of methods, and writes the answers back in order. It must
//! not know what any method means, and it never decides who may do what: it
//! only tells the methods who is calling ([`Credentials`]).
//!
//! The daemon calls [`listener::bind`] and [`Server::serve`]; the client's
//! transport shares [`codec`] and the line writer.

pub mod abstract_socket;
pub mod codec;
pub mod error;
pub mod limits;
pub mod listener;
pub mod peer;
pub mod server;
pub mod takeover;

mod budget;
mod connection;
mod directory;
mod dispatch;
mod presence;
mod request;
mod slots;
mod timely;
pub(crate) mod writer;

pub use abstract_socket::AbstractListener;
pub use limits::Limits;
pub use listener::{BindError, Listener, bind};
pub use peer::{Credentials, Peer};
pub use presence::ClientPresence;
pub use server::{Accepted, OnSocketChange, Server, SocketChange};
pub use slots::Holder;
pub use takeover::{LineSender, Takeover, TakeoverRequest};
