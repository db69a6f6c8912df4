//! `watch`: events of all sessions, as they happen.

use super::exit::Failure;
use super::{Context, approvals, output, printer};
use crate::client::events::{Events, Update};
use crate::protocol::event::SubscribeEventsParams;
use crate::protocol::session::GetOverviewParams;

/// Arguments of `watch`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n  \
    humanlayer watch\n  \
    humanlayer watch --json | jq 'select(.type == \"new_approval\")'\n\n\
    Reconnects after a daemon restart without missing events.")]
pub struct Args {}

/// Prints events until the reader leaves or the daemon stays away.
pub async fn run(_: Args, mut context: Context) -> Result<(), Failure> {
    let client = context.client().await?;
    let now = client.get_overview(&GetOverviewParams::default()).await?;
    let params = SubscribeEventsParams {
        since: Some(now.seq),
        ..SubscribeEventsParams::default()
    };
    let mut events = Events::open(&context.config.daemon_socket.value, params).await?;
    drop(client);
    if context.out.is_terminal() && !now.pending_approvals.is_empty() {
        approvals::write(&mut context.out, &now.pending_approvals)?;
    }
    let terminal = context.out.is_terminal();
    loop {
        context.out.flush()?;
        match events.next().await? {
            Update::Event(event) if context.out.is_json() => context.out.json_line(&event)?,
            Update::Event(event) => {
                context.out.line(printer::event_line(&event, terminal))?;
            }
            Update::Resync(now) => output::warn(&format!(
                "events were missed; resuming at {}, {} approvals pending",
                now.seq, now.pending_total
            )),
            // Live events are not asked for.
            Update::Lost | Update::Reconnected => {}
        }
    }
}
