//! `logs`: what was said and done in a session, until now or as it goes on.
//!
//! Owns following a session. The number of the last event is taken before the
//! conversation is read and what was printed is not printed again, so nothing
//! falls between the two.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde_json::value::RawValue;

use super::exit::{Exit, Failure};
use super::output::{Output, safe_json};
use super::{Context, complete, printer};
use crate::client::Client;
use crate::client::conversation::{self, PAGE, Place};
use crate::client::events::{Events, MAX_RECONNECT_TIME, Update};
use crate::domain::text::sanitize_line;
use crate::domain::{Outcome, Status};
use crate::protocol::conversation::{ConversationEvent, GetConversationParams, GetRawLinesParams};
use crate::protocol::event::{EventBody, SubscribeEventsParams};
use crate::protocol::session::SessionState;

/// The pause before a lost connection is replaced.
const RETRY: Duration = Duration::from_millis(20);

/// Arguments of `logs`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n  \
    humanlayer logs 1a2b3c4d\n  \
    humanlayer logs 1a2b3c4d --limit 20 -f\n  \
    humanlayer logs 1a2b3c4d --raw | jq .type\n  \
    humanlayer logs 1a2b3c4d --json | jq -r .event_type")]
pub struct Args {
    /// The session
    #[arg(add = complete::sessions())]
    pub id: String,

    /// Keep printing as more comes, until the session's process has ended
    #[arg(short, long)]
    pub follow: bool,

    /// Print the agent's own lines, as JSON
    #[arg(long)]
    pub raw: bool,

    /// Begin with the last N entries only
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub limit: Option<u32>,
}

/// Prints a session's conversation or raw lines.
pub async fn run(args: Args, mut context: Context) -> Result<(), Failure> {
    let client = context.client().await?;
    let session = client.get_session_state(&args.id).await?;
    if args.follow {
        let log = Log::new(&session, args.raw, args.limit);
        return follow(&session, log, client, &mut context, |now| !now.live)
            .await
            .map(drop);
    }
    Log::new(&session, args.raw, args.limit)
        .catch_up(&client, &mut context.out)
        .await
}

/// Prints a new session's conversation until its turn has ended; fails if the turn did.
pub(super) async fn follow_to_end(id: &str, mut context: Context) -> Result<(), Failure> {
    let client = context.client().await?;
    let session = client.get_session_state(id).await?;
    let over = |now: &SessionState| !now.status.is_active() && now.status != Status::Draft;
    let log = Log::new(&session, false, None);
    let ended = follow(&session, log, client, &mut context, over).await?;
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
    mut log: Log,
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
    let raw = matches!(log.done, Printed::Raw(_));
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
            Update::Event(event) => match event.body() {
                EventBody::NewApproval(change) => {
                    let id = change.approval.id;
                    let approval = line
                        .patiently(async |client| Ok(client.get_approval(&id).await?))
                        .await?;
                    if approval.outcome == Outcome::Pending && !out.is_json() {
                        out.line("")?;
                        printer::approval(out, &approval)?;
                        out.line("")?;
                    }
                    false
                }
                EventBody::MessageUpdated(change) if !raw && !out.is_json() => {
                    printer::message_updated(out, &change)?;
                    false
                }
                body => is_news(&body, raw),
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
    /// Makes a call that may be made again, until it has an answer or the daemon has been gone for long.
    /// A new connection may be one to a daemon that is just dying.
    async fn patiently<T>(
        &mut self,
        mut call: impl AsyncFnMut(&Client) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let deadline = Instant::now() + MAX_RECONNECT_TIME;
        loop {
            match call(&self.client).await {
                Err(failure) if failure.exit() == Exit::NoDaemon && Instant::now() < deadline => {
                    tokio::time::sleep(RETRY).await;
                    self.client = self.events.reach().await?;
                }
                settled => return settled,
            }
        }
    }
}

/// Whether an event means that there is more to print, or nothing more ever.
fn is_news(event: &EventBody, raw: bool) -> bool {
    match event {
        EventBody::ConversationUpdated(_) | EventBody::SessionStatusChanged(_) => true,
        EventBody::SessionUpdated(change) => raw || !change.session.live,
        // A newer daemon's shape of a piece of conversation may be behind it.
        EventBody::Unknown => true,
        EventBody::NewApproval(_)
        | EventBody::ApprovalResolved(_)
        | EventBody::ApprovalDelivered(_)
        | EventBody::MessageUpdated(_)
        | EventBody::SessionSettingsChanged(_)
        | EventBody::SessionDeleted
        | EventBody::AlarmsChanged(_)
        | EventBody::ProblemChanged(_)
        | EventBody::MessageDelta(_)
        | EventBody::Resync => raw,
    }
}

/// What of a session has been printed.
struct Log {
    session: String,
    /// How much of what was there at the start; none: all.
    first: Option<u32>,
    done: Printed,
}

enum Printed {
    /// The conversation up to this place in it.
    Conversation(i64),
    /// The raw lines up to this offset; none: nothing.
    Raw(Option<u64>),
}

impl Log {
    fn new(session: &SessionState, raw: bool, first: Option<u32>) -> Self {
        Self {
            session: session.id.clone(),
            first,
            done: if raw {
                Printed::Raw(None)
            } else {
                Printed::Conversation(0)
            },
        }
    }

    /// Prints all that has not been printed.
    async fn catch_up(&mut self, client: &Client, out: &mut Output) -> Result<(), Failure> {
        match &mut self.done {
            Printed::Conversation(last) => {
                if let Some(most) = self.first.take() {
                    end_of_conversation(&self.session, most, last, client, out).await?;
                }
                rest_of_conversation(&self.session, last, client, out).await?;
            }
            Printed::Raw(last) => {
                let most = self.first.take();
                raw_lines(&self.session, most, last, client, out).await?;
            }
        }
        Ok(())
    }
}

/// Prints the last pieces of a conversation.
async fn end_of_conversation(
    session: &str,
    most: u32,
    last: &mut i64,
    client: &Client,
    out: &mut Output,
) -> Result<(), Failure> {
    let ask = async |params: &GetConversationParams| client.get_conversation(params).await;
    let mut events: VecDeque<ConversationEvent> = VecDeque::new();
    let (mut place, mut left) = (Place::Last, most);
    while left > 0 {
        let mut limit = left;
        let page = conversation::page(ask, session, place, &mut limit)
            .await?
            .events;
        let count = u32::try_from(page.len()).unwrap_or(u32::MAX);
        if let Some(first) = page.first() {
            place = Place::Before(first.sequence);
        }
        for piece in page.into_iter().rev() {
            events.push_front(piece);
        }
        left = if count < limit {
            0
        } else {
            left.saturating_sub(count)
        };
    }
    for piece in &events {
        write_piece(out, piece)?;
    }
    *last = events.back().map_or(0, |piece| piece.sequence);
    Ok(())
}

fn write_piece(out: &mut Output, piece: &ConversationEvent) -> Result<(), Failure> {
    match out.is_json() {
        true => out.json_line(piece),
        false => Ok(printer::piece(out, piece)?),
    }
}

async fn rest_of_conversation(
    session: &str,
    last: &mut i64,
    client: &Client,
    out: &mut Output,
) -> Result<(), Failure> {
    let ask = async |params: &GetConversationParams| client.get_conversation(params).await;
    let mut limit = PAGE;
    loop {
        let place = Place::After(*last);
        let events = conversation::page(ask, session, place, &mut limit)
            .await?
            .events;
        for piece in &events {
            write_piece(out, piece)?;
            *last = (*last).max(piece.sequence);
        }
        if events.len() < limit as usize {
            return Ok(());
        }
    }
}

/// Prints the raw lines after a place; where only so many are wanted, the last ones.
async fn raw_lines(
    session: &str,
    most: Option<u32>,
    last: &mut Option<u64>,
    client: &Client,
    out: &mut Output,
) -> Result<(), Failure> {
    let most = most.map(|most| most as usize);
    let mut held: VecDeque<String> = VecDeque::new();
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
            let shown = if out.is_json() {
                Cow::Owned(safe_json(&serde_json::to_string(raw)?).into_owned())
            } else if serde_json::from_str::<&RawValue>(&raw.line).is_ok() {
                safe_json(&raw.line)
            } else {
                sanitize_line(&raw.line)
            };
            match most {
                None => out.line(shown)?,
                // The end is known only when it is reached.
                Some(most) => {
                    held.push_back(shown.into_owned());
                    held.drain(..held.len().saturating_sub(most));
                }
            }
        }
        if lines.len() < PAGE as usize {
            for line in held {
                out.line(line)?;
            }
            return Ok(());
        }
    }
}
