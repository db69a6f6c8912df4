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
use crate::domain::text::sanitize_line;
use crate::domain::{Outcome, Status};
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

    /// Go on as more comes, until the session's process has ended
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
    if args.follow {
        return follow(&session, args.raw, client, &mut context, |now| !now.live)
            .await
            .map(drop);
    }
    Log::new(&session, args.raw)
        .catch_up(&client, &mut context.out)
        .await
}

/// Prints a new session's conversation until its turn has ended; fails if the turn did.
pub(super) async fn follow_to_end(id: &str, mut context: Context) -> Result<(), Failure> {
    let client = context.client().await?;
    let session = client.get_session_state(id).await?;
    let over = |now: &SessionState| !now.status.is_active() && now.status != Status::Draft;
    let ended = follow(&session, false, client, &mut context, over).await?;
    match ended.status {
        Status::Failed => Err(Failure::failed(
            ended
                .error_message
                .unwrap_or_else(|| "the session failed".to_owned()),
        )),
        Status::Interrupted | Status::Discarded => Err(Failure::failed("the turn was interrupted")),
        // With the others, somebody gave it more to do meanwhile.
        Status::Completed
        | Status::Draft
        | Status::Starting
        | Status::Running
        | Status::WaitingInput
        | Status::Interrupting => Ok(()),
    }
}

/// Prints what comes until `over` is true of the session; gives the session then.
async fn follow(
    session: &SessionState,
    raw: bool,
    client: Client,
    context: &mut Context,
    over: impl Fn(&SessionState) -> bool,
) -> Result<SessionState, Failure> {
    let params = SubscribeEventsParams {
        session_id: Some(session.id.clone()),
        // That a process has ended is told by a live event alone.
        live: true,
        ..SubscribeEventsParams::default()
    };
    let events = Events::open(&context.config.daemon_socket.value, params).await?;
    let mut line = Line { events, client };
    let mut log = Log::new(session, raw);
    let out = &mut context.out;
    // What happened before the subscription is found out by asking, after it by events.
    let mut look = true;
    loop {
        if look {
            // The state comes first: what led to an end is there to be printed then.
            let now = line
                .patiently(async |client| Ok(client.get_session_state(&session.id).await?))
                .await?;
            line.patiently(async |client| log.catch_up(client, out).await)
                .await?;
            if over(&now) {
                return Ok(now);
            }
        }
        out.flush()?;
        look = match line.events.next().await? {
            Update::Event(event) => match question(&event) {
                Some(id) => {
                    let approval = line
                        .patiently(async |client| Ok(client.get_approval(&id).await?))
                        .await?;
                    if approval.outcome == Outcome::Pending {
                        out.line("")?;
                        printer::approval(out, &approval)?;
                        out.line("")?;
                    }
                    false
                }
                None => is_news(&event, raw),
            },
            Update::Resync(_) | Update::Reconnected => true,
            Update::Lost => false,
        };
    }
}

/// Events, and a connection for the calls in between, which is replaced when it is lost.
struct Line {
    events: Events,
    client: Client,
}

impl Line {
    /// Makes a call that may be made again, once more if the daemon went away meanwhile.
    async fn patiently<T>(
        &mut self,
        mut call: impl AsyncFnMut(&Client) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        match call(&self.client).await {
            Err(failure) if failure.exit() == Exit::NoDaemon => {
                self.client = self.events.reach().await?;
                call(&self.client).await
            }
            settled => settled,
        }
    }
}

/// The approval that an event asks for.
fn question(event: &EventNotification) -> Option<String> {
    if event.r#type != "new_approval" {
        return None;
    }
    Some(event.data.get("approval_id")?.as_str()?.to_owned())
}

/// Whether an event means that there is more to print, or nothing more ever.
fn is_news(event: &EventNotification, raw: bool) -> bool {
    match event.r#type.as_str() {
        "conversation_updated" | "session_status_changed" => true,
        "session_updated" => raw || event.data.pointer("/session/live") == Some(&false.into()),
        _ => raw,
    }
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
