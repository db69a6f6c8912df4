//! `logs`: what was said and done in a session, until now or as it goes on.
//!
//! Owns following a session. The number of the last event is taken before the
//! conversation is read and what was printed is not printed again, so nothing
//! falls between the two.

use serde_json::value::RawValue;

use super::exit::{Exit, Failure};
use super::output::{Output, safe_json};
use super::{Context, printer};
use crate::client::Client;
use crate::client::events::{Events, Update};
use crate::domain::Status;
use crate::domain::text::sanitize_line;
use crate::protocol::conversation::{ConversationEvent, GetConversationParams, GetRawLinesParams};
use crate::protocol::event::{EventNotification, SubscribeEventsParams};
use crate::protocol::session::SessionState;

/// Pieces and lines asked for at once.
const PAGE: u32 = 1000;

/// Arguments of `logs`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n  \
    humanlayer logs 1a2b3c4d\n  \
    humanlayer logs 1a2b3c4d -f\n  \
    humanlayer logs 1a2b3c4d --raw | jq .type")]
pub struct Args {
    /// The session
    pub id: String,

    /// Go on as more comes
    #[arg(short, long)]
    pub follow: bool,

    /// The agent's own lines, as JSON
    #[arg(long)]
    pub raw: bool,
}

/// Prints a session's conversation or raw lines.
pub async fn run(args: Args, mut context: Context) -> Result<(), Failure> {
    let client = context.client().await?;
    let session = client.get_session_state(&args.id).await?;
    if !args.follow {
        let mut log = Log::new(&session, args.raw);
        log.catch_up(&client, &mut context.out).await?;
        return Ok(());
    }
    follow(&session, args.raw, &client, &mut context, |_| false)
        .await
        .map(drop)
}

/// Prints a new session's conversation until its turn has ended; fails if the turn did.
pub(super) async fn follow_to_end(id: &str, mut context: Context) -> Result<(), Failure> {
    let client = context.client().await?;
    let session = client.get_session_state(id).await?;
    let over = |status: Status| !status.is_active() && status != Status::Draft;
    follow(&session, false, &client, &mut context, over).await?;
    let ended = client.get_session_state(id).await?;
    match ended.status {
        Status::Completed => Ok(()),
        Status::Failed => Err(Failure::failed(
            ended
                .error_message
                .unwrap_or_else(|| "the session failed".to_owned()),
        )),
        Status::Interrupted | Status::Discarded => Err(Failure::Silent(Exit::Failed)),
        // Somebody gave it more to do meanwhile.
        Status::Draft
        | Status::Starting
        | Status::Running
        | Status::WaitingInput
        | Status::Interrupting => Ok(()),
    }
}

/// Prints what comes until `over` is true of the session's status.
async fn follow(
    session: &SessionState,
    raw: bool,
    client: &Client,
    context: &mut Context,
    over: impl Fn(Status) -> bool,
) -> Result<(), Failure> {
    let params = SubscribeEventsParams {
        session_id: Some(session.id.clone()),
        live: raw,
        ..SubscribeEventsParams::default()
    };
    let mut events = Events::open(&context.config.daemon_socket.value, params).await?;
    let mut log = Log::new(session, raw);
    log.catch_up(client, &mut context.out).await?;
    if over(client.get_session_state(&session.id).await?.status) {
        return log.catch_up(client, &mut context.out).await;
    }
    loop {
        context.out.flush()?;
        match events.next().await? {
            Update::Event(event) => {
                if let Some(approval) = question(&event) {
                    let approval = connected(&events, client).get_approval(&approval).await?;
                    if approval.outcome == crate::domain::Outcome::Pending {
                        context.out.line("")?;
                        printer::approval(&mut context.out, &approval)?;
                        context.out.line("")?;
                    }
                } else if is_news(&event, raw) {
                    log.catch_up(connected(&events, client), &mut context.out)
                        .await?;
                }
                if new_status(&event).is_some_and(&over) {
                    return Ok(());
                }
            }
            Update::Resync(_) => {
                let client = Client::connect(&context.config.daemon_socket.value).await?;
                log.catch_up(&client, &mut context.out).await?;
                if over(client.get_session_state(&session.id).await?.status) {
                    return Ok(());
                }
            }
        }
    }
}

/// The connection that the last event came through, which works even after a reconnect.
fn connected<'a>(events: &'a Events, first: &'a Client) -> &'a Client {
    events.client().unwrap_or(first)
}

/// The approval that an event asks for.
fn question(event: &EventNotification) -> Option<String> {
    if event.r#type != "new_approval" {
        return None;
    }
    Some(event.data.get("approval_id")?.as_str()?.to_owned())
}

/// Whether an event means that there is more to print.
fn is_news(event: &EventNotification, raw: bool) -> bool {
    raw || matches!(
        event.r#type.as_str(),
        "conversation_updated" | "session_status_changed"
    )
}

fn new_status(event: &EventNotification) -> Option<Status> {
    if event.r#type != "session_status_changed" {
        return None;
    }
    Status::parse(event.data.get("new_status")?.as_str()?)
}

/// What of a session has been printed.
struct Log {
    session: String,
    done: Printed,
}

enum Printed {
    /// The conversation up to this place in the session; none: nothing.
    Conversation(Option<i64>),
    /// The raw lines up to this offset; none: nothing.
    Raw(Option<u64>),
}

impl Log {
    fn new(session: &SessionState, raw: bool) -> Self {
        Self {
            session: session.id.clone(),
            done: if raw {
                Printed::Raw(None)
            } else {
                Printed::Conversation(None)
            },
        }
    }

    /// Prints all that has not been printed.
    async fn catch_up(&mut self, client: &Client, out: &mut Output) -> Result<(), Failure> {
        match &mut self.done {
            Printed::Conversation(last) => {
                conversation(&self.session, last, client, out).await?;
            }
            Printed::Raw(last) => raw_lines(&self.session, last, client, out).await?,
        }
        Ok(())
    }
}

async fn conversation(
    session: &str,
    last: &mut Option<i64>,
    client: &Client,
    out: &mut Output,
) -> Result<(), Failure> {
    loop {
        // The first answer is the whole conversation, with that of the sessions before.
        let paged = last.is_some();
        let params = GetConversationParams {
            session_id: Some(session.to_owned()),
            limit: paged.then_some(PAGE),
            after: *last,
            ..GetConversationParams::default()
        };
        let events = client.get_conversation(&params).await?.events;
        for piece in &events {
            printer::piece(out, piece)?;
        }
        let own = |piece: &&ConversationEvent| piece.session_id == session;
        if let Some(newest) = events.iter().filter(own).map(|piece| piece.sequence).max() {
            *last = Some(newest);
        } else if !paged {
            *last = Some(0);
        }
        if !paged || events.len() < PAGE as usize {
            return Ok(());
        }
    }
}

async fn raw_lines(
    session: &str,
    last: &mut Option<u64>,
    client: &Client,
    out: &mut Output,
) -> Result<(), Failure> {
    loop {
        let params = GetRawLinesParams {
            session_id: session.to_owned(),
            after: *last,
            limit: Some(PAGE),
        };
        let lines = client.get_raw_lines(&params).await?.lines;
        for raw in &lines {
            *last = Some(raw.offset);
            // A line that is not JSON is the agent's mistake; it is shown, but safely.
            if serde_json::from_str::<&RawValue>(&raw.line).is_ok() {
                out.line(safe_json(&raw.line))?;
            } else {
                out.line(sanitize_line(&raw.line))?;
            }
        }
        if lines.len() < PAGE as usize {
            return Ok(());
        }
    }
}
