//! `daemon`: start, stop and inspect the daemon.
//!
//! Owns the verbs about the daemon itself. `status`, `stop` and `logs` only
//! look: they never start one.

mod logs;
mod parent;
mod serve;
mod status;
mod stop;

use serde_json::json;

use super::Context;
use super::exit::Failure;
use crate::client::{Client, ensure_daemon};
use crate::domain::text::sanitize_line;

pub use serve::{detached, headless, restarted};
pub(super) use stop::{is_agents, stop};

/// Arguments of `daemon`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n  \
    humanlayer daemon status\n  \
    humanlayer daemon restart\n  \
    humanlayer daemon logs -f\n\n\
    Stopping or restarting the daemon is safe: sessions keep running, and the next one takes over.")]
pub struct Args {
    /// What to do
    #[command(subcommand)]
    pub what: What,
}

/// What to do with the daemon.
#[derive(Debug, clap::Subcommand)]
pub enum What {
    /// Start the daemon
    Start {
        /// Be the daemon, in the background
        #[arg(long, hide = true)]
        detached_child: bool,
        /// Be the daemon, after one that died, as a child of the same parent
        #[arg(long, hide = true)]
        restarted_child: bool,
    },
    /// Stop the daemon; sessions keep running
    Stop,
    /// Restart the daemon; sessions keep running
    Restart,
    /// Show daemon status
    Status,
    /// Print the daemon's newest log
    Logs {
        /// Keep printing as more comes
        #[arg(short, long)]
        follow: bool,
    },
}

impl Args {
    /// Whether this process is to become the daemon.
    #[must_use]
    pub fn is_detached_child(&self) -> bool {
        matches!(
            self.what,
            What::Start {
                detached_child: true,
                ..
            }
        )
    }

    /// Whether this process is to be the daemon, as its parent's child.
    #[must_use]
    pub fn is_restarted_child(&self) -> bool {
        matches!(
            self.what,
            What::Start {
                restarted_child: true,
                ..
            }
        )
    }
}

/// Does what is asked.
pub async fn run(args: Args, mut context: Context) -> Result<(), Failure> {
    match args.what {
        What::Start { .. } => {
            let client = ensure_daemon(&context.config).await?;
            say_running(&client, &mut context).await
        }
        What::Stop => {
            let (ran, line) = match stop(&context.config).await? {
                stop::Stopped::WasNotRunning => (false, "the daemon was not running"),
                stop::Stopped::Done => (true, "stopped; sessions keep running"),
            };
            context
                .out
                .result(&json!({"was_running": ran}), |out| out.line(line))
        }
        What::Restart => {
            stop(&context.config).await?;
            let client = ensure_daemon(&context.config).await?;
            say_running(&client, &mut context).await
        }
        What::Status => status::run(context).await,
        What::Logs { follow } => logs::run(follow, context).await,
    }
}

async fn say_running(client: &Client, context: &mut Context) -> Result<(), Failure> {
    let health = client.health().await?;
    context.out.result(&health, |out| {
        out.line(format!(
            "running: version {}, pid {}",
            sanitize_line(&health.version),
            health.pid
        ))
    })
}
