//! The MCP servers: permission prompts of agents started by hand, and questions of any client.

mod approvals;
mod claude_by_hand;
mod contact;
mod contact_human;
mod in_a_session;
mod waiting_calls;

use serde_json::{Value, json};

use crate::support::daemon::{Daemon, wait_until};
use crate::support::mcp::Mcp;

/// A server of a daemon's.
fn server(daemon: &Daemon, arguments: &[&str]) -> Mcp {
    let mut command = daemon.command();
    command.arg("mcp").args(arguments);
    Mcp::start(command)
}

fn approvals(daemon: &Daemon) -> Mcp {
    server(daemon, &["claude_approvals"])
}

/// All approvals that there ever were, the oldest first.
fn all(daemon: &Daemon) -> Vec<Value> {
    let answer = daemon.call("listApprovals", json!({"all": true}));
    let mut all = answer["approvals"].as_array().unwrap().clone();
    all.reverse();
    all
}

/// Waits until so many approvals are pending; gives them, the oldest first.
fn until_pending(daemon: &Daemon, count: usize) -> Vec<Value> {
    wait_until(&format!("{count} questions wait"), || {
        let answer = daemon.call("listApprovals", json!({}));
        let pending = answer["approvals"].as_array().unwrap().clone();
        (pending.len() == count).then_some(pending)
    })
}

/// Waits until an approval has ended like this; gives it.
fn until_outcome(daemon: &Daemon, approval: &Value, outcome: &str) -> Value {
    wait_until(&format!("the question is {outcome}"), || {
        let params = json!({"approval_id": approval["id"]});
        let found = daemon.call("getApproval", params)["approval"].clone();
        (found["outcome"] == outcome).then_some(found)
    })
}
