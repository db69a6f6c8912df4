//! `mcp`: serve MCP over standard input and output.
//!
//! Nothing but MCP is written to standard output, so [`super::output::Output`] is not even made here;
//! the log goes to standard error.

use std::time::Duration;

use crate::config::{Config, Flags};
use crate::logging::{self, Destination};
use crate::mcp::approvals::Approvals;
use crate::mcp::asker::Asker;
use crate::mcp::contact::Contact;
use crate::mcp::stdio;

use super::exit::Failure;
use super::output;

/// Arguments of `mcp`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n  \
    claude -p \"fix the failing test\" --mcp-config mcp.json \\\n    \
    --permission-prompt-tool mcp__humanlayer__request_permission\n  \
    claude mcp add human -- humanlayer mcp serve\n\n\
    mcp.json of the first:\n  \
    {\"mcpServers\": {\"humanlayer\": {\"command\": \"humanlayer\",\n    \
    \"args\": [\"mcp\", \"claude_approvals\"]}}}\n\n\
    A request is pending (`humanlayer approvals`) until a person decides, across restarts of\n\
    the daemon; a call that its client cancels or abandons is withdrawn.\n\
    Unknown agents get a session of their own, named by directory and process.")]
pub struct Args {
    /// Which server.
    #[command(subcommand)]
    server: Server,

    /// Keepalive interval for pending calls, in seconds
    #[arg(
        long,
        alias = "sign-of-life",
        global = true,
        value_name = "SECONDS",
        default_value_t = 20,
        value_parser = clap::value_parser!(u64).range(1..=3600)
    )]
    keepalive: u64,
}

/// The servers.
#[derive(Debug, clap::Subcommand)]
enum Server {
    /// Claude Code's permission prompt: the tool request_permission
    #[command(name = "claude_approvals", alias = "claude-approvals")]
    ClaudeApprovals,
    /// Questions of any MCP client: the tool contact_human
    Serve,
}

/// Serves until the client is gone.
pub fn run(args: &Args, flags: &Flags) -> Result<(), Failure> {
    let config = Config::load(flags)?;
    let color = output::has_color();
    logging::init(Destination::Stderr { color }, config.log_level.value)
        .map_err(|cause| Failure::failed(cause.to_string()))?;
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|cause| Failure::failed(format!("starting up: {cause}")))?;
    let asker = Asker::of_this_process(config.run_id.value.as_deref());
    let keepalive = Duration::from_secs(args.keepalive);
    let served = runtime.block_on(async {
        match args.server {
            Server::ClaudeApprovals => {
                stdio::serve(config, keepalive, |waiter| Approvals::new(waiter, asker)).await
            }
            Server::Serve => {
                stdio::serve(config, keepalive, |waiter| Contact::new(waiter, asker)).await
            }
        }
    });
    // A read of standard input may be under way, and cannot be stopped.
    runtime.shutdown_background();
    served.map_err(|cause| Failure::failed(cause.to_string()))
}
