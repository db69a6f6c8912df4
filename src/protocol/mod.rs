//! What is on the wire between the daemon and its clients: methods, parameters, results, events,
//! errors.
//!
//! JSON-RPC 2.0, one object a line, over a Unix socket. The methods, field names and types of the
//! older daemon (hld) are kept exactly, so its clients work unmodified; what we add are further
//! methods, optional parameters and further fields. Owns shapes only, no behaviour; used by both
//! ends. `docs/protocol.md` is generated from these types.

pub mod alarms;
pub mod approval;
pub mod conversation;
pub mod convert;
pub mod decision;
pub mod doc;
pub mod error;
pub mod event;
pub mod event_line;
pub mod keys;
pub mod messages;
pub mod method;
pub mod places;
pub mod remote_api;
pub mod request;
pub mod session;
pub mod terminals;
pub mod upkeep;

/// Version of the protocol; raised when a client of the older one would misunderstand.
pub const PROTOCOL_VERSION: u32 = 1;
