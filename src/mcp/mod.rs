//! The MCP servers: an agent asks a person through the daemon's inbox.
//!
//! Owns what is said over MCP: `request_permission`, the permission prompt of a Claude Code
//! ([`approvals`]), and `contact_human`, for any MCP client ([`contact`]). A server is a client of the
//! daemon like the commands ([`crate::client`]); it holds no truth and decides nothing, has no tool
//! that could, and what it asks for an agent is settled by a person or a rule of theirs. Standard
//! output carries nothing but MCP. Called by `humanlayer mcp` alone, but for [`reply`].

pub mod approvals;
pub mod asker;
pub mod contact;
mod lines;
pub mod reply;
pub mod stdio;
pub mod wait;

use rmcp::model::Implementation;

/// What the servers call themselves.
fn implementation() -> Implementation {
    Implementation::new("humanlayer", env!("CARGO_PKG_VERSION")).with_title("HumanLayer")
}
