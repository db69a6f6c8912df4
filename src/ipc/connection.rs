//! One connection, from its first line to its close.
//!
//! Owns the order of things: the next line is read only when the answer to
//! the one before has been written, so answers keep the order of requests, a
//! call sees what the call before it did, and a client that sends without
//! reading is stopped by its own socket. Subscriptions run beside the calls
//! and share the connection's one queue. It must not interpret requests.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use futures_util::StreamExt;
use jsonrpsee::types::Id;
use serde_json::value::RawValue;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::UnixStream;
use tokio::net::unix::OwnedWriteHalf;
use tokio::sync::mpsc;
use tokio_util::codec::FramedRead;
use tokio_util::sync::CancellationToken;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use super::budget::{self, Account, Counted, Overdrawn};
use super::codec::{Item, LineCodec};
use super::dispatch::{self, Context, Outcome};
use super::error::{self, Kind};
use super::limits::REFUSAL;
use super::presence::SharedReadHalf;
use super::takeover::{LineSender, Takeover, TakeoverRequest};
use super::timely::Timely;
use super::writer::LineWriter;

/// Why a connection ended.
#[derive(Debug)]
pub(super) enum End {
    /// The client closed its end.
    ClientLeft,
    /// The server stops.
    Shutdown,
    /// The call that had taken it over has no more to say.
    TakeoverDone,
    /// A notification was longer than any answer may be.
    OversizedNotification,
    /// Its holder has too much under way.
    Overdrawn(Overdrawn),
    /// Reading or writing failed.
    Io(io::Error),
}

impl From<io::Error> for End {
    fn from(cause: io::Error) -> Self {
        Self::Io(cause)
    }
}

/// The open ends of a connection.
pub(super) struct Connection {
    lines: FramedRead<Timely<SharedReadHalf>, Counted>,
    out: LineWriter<OwnedWriteHalf>,
    account: Account,
    notifications: mpsc::Receiver<Box<RawValue>>,
    context: Arc<Context>,
    calls: TaskTracker,
    shutdown: CancellationToken,
}

impl Connection {
    /// `notifications` is the receiving end of the context's sender; `calls`
    /// keeps track of calls that outlive their connection.
    pub(super) fn new(
        stream: UnixStream,
        account: Account,
        notifications: mpsc::Receiver<Box<RawValue>>,
        mut context: Context,
        calls: TaskTracker,
        shutdown: CancellationToken,
    ) -> Self {
        let (from, to) = stream.into_split();
        let from = SharedReadHalf::new(from);
        context.extensions.insert(from.presence());
        Self {
            lines: FramedRead::new(
                Timely::new(from, context.limits.line),
                Counted::new(LineCodec::new(context.limits.request), account.clone()),
            ),
            out: LineWriter::new(to),
            account,
            notifications,
            context: Arc::new(context),
            calls,
            shutdown,
        }
    }

    /// Serves the connection until it ends.
    pub(super) async fn run(mut self) -> End {
        loop {
            // Requests that are already here must not win the draw below.
            if self.shutdown.is_cancelled() {
                return End::Shutdown;
            }
            let item = tokio::select! {
                () = self.shutdown.cancelled() => return End::Shutdown,
                item = self.lines.next() => item,
                why = self.account.evicted() => return self.turn_away(why).await,
                Some(first) = self.notifications.recv() => {
                    let since = Instant::now();
                    match self.notify(first).await {
                        Ok(()) => {
                            self.lines.get_mut().was_not_read_for(since.elapsed());
                            continue;
                        }
                        Err(end) => return end,
                    }
                }
            };
            let since = Instant::now();
            let outcome = match item {
                None => return End::ClientLeft,
                Some(Err(cause)) => match budget::overdrawn(&cause) {
                    Some(why) => return self.turn_away(why).await,
                    None => return End::Io(cause),
                },
                Some(Ok(item)) => match self.run_item(item).await {
                    Ok(outcome) => outcome,
                    Err(end) => return end,
                },
            };
            let written = match outcome {
                Outcome::Nothing => Ok(()),
                Outcome::Answer(answer) => match self.account.answer(answer.get().len()) {
                    Ok(()) => self.answer(&answer).await,
                    Err(why) => {
                        drop(answer);
                        return self.turn_away(why).await;
                    }
                },
                Outcome::Queued => self.write_queued().await,
                Outcome::Takeover(takeover, request) => {
                    return self.hand_over(takeover.as_ref(), request).await;
                }
            };
            if let Err(end) = written {
                return end;
            }
            // Less is never too much.
            let _ = self.account.answer(0);
            self.lines.get_mut().was_not_read_for(since.elapsed());
        }
    }

    /// Gives back what is held, says why, and ends.
    async fn turn_away(self, why: Overdrawn) -> End {
        let Self {
            lines,
            mut out,
            account,
            ..
        } = self;
        drop(lines);
        drop(account);
        let answer = error::reply(
            Id::Null,
            error::CONNECTION_REFUSED,
            Kind::TooMuchUnderWay,
            format!("This connection is closed: {why}"),
        );
        let say = async {
            out.line(answer.get()).await?;
            out.close().await
        };
        // Whether the client still listens makes no difference to us.
        if let Ok(Err(cause)) = tokio::time::timeout(REFUSAL, say).await {
            tracing::debug!(%cause, "a client that was turned away did not wait for the reason");
        }
        End::Overdrawn(why)
    }

    async fn run_item(&mut self, item: Item) -> Result<Outcome, End> {
        match item {
            Item::Line(line) => self.run_line(line).await,
            Item::TooLong { limit } => {
                let why = format!("Invalid request: the line is over the limit of {limit} bytes");
                let answer = error::reply(Id::Null, error::INVALID_REQUEST, Kind::TooLarge, why);
                Ok(Outcome::Answer(answer))
            }
            Item::NotUtf8 => {
                let why = "Parse error: the line is not UTF-8";
                let answer = error::reply(Id::Null, error::PARSE_ERROR, Kind::ParseError, why);
                Ok(Outcome::Answer(answer))
            }
            Item::Unfinished { bytes } => {
                tracing::debug!(bytes, "a client left in the middle of a line");
                Err(End::ClientLeft)
            }
        }
    }

    /// Runs one line on a task of its own: it goes on while this connection
    /// is held up by a client that does not read, and to its end even when
    /// the client has gone.
    async fn run_line(&mut self, line: String) -> Result<Outcome, End> {
        let mut call = self
            .calls
            .spawn(dispatch::run_line(Arc::clone(&self.context), line));
        loop {
            tokio::select! {
                done = &mut call => return Ok(done.unwrap_or_else(|cause| {
                    tracing::error!(%cause, "a call was lost");
                    let why = "Internal error: the call was lost";
                    Outcome::Answer(error::reply(Id::Null, error::INTERNAL, Kind::Internal, why))
                })),
                Some(first) = self.notifications.recv() => self.notify(first).await?,
            }
        }
    }

    /// Writes an answer. A client that does not read it gives way to others when it has to.
    async fn answer(&mut self, answer: &RawValue) -> Result<(), End> {
        tokio::select! {
            biased;
            written = async {
                self.out.line(answer.get()).await?;
                self.out.flush().await
            } => Ok(written?),
            why = self.account.evicted() => Err(End::Overdrawn(why)),
        }
    }

    /// Writes a notification and those queued behind it. A client that does
    /// not read them holds nothing up once the server stops.
    async fn notify(&mut self, first: Box<RawValue>) -> Result<(), End> {
        let (shutdown, account) = (self.shutdown.clone(), self.account.clone());
        tokio::select! {
            biased;
            written = async {
                self.write_notification(&first).await?;
                self.write_queued().await
            } => written,
            () = shutdown.cancelled() => Err(End::Shutdown),
            why = account.evicted() => Err(End::Overdrawn(why)),
        }
    }

    /// Writes what is queued now, not what joins the queue meanwhile.
    async fn write_queued(&mut self) -> Result<(), End> {
        for _ in 0..self.notifications.len() {
            if let Ok(next) = self.notifications.try_recv() {
                self.write_notification(&next).await?;
            }
        }
        self.out.flush().await?;
        Ok(())
    }

    async fn write_notification(&mut self, notification: &RawValue) -> Result<(), End> {
        if notification.get().len() > self.context.limits.response {
            // What came before it may be an answer.
            self.out.flush().await?;
            return Err(End::OversizedNotification);
        }
        self.out.line(notification.get()).await?;
        Ok(())
    }

    /// Gives the connection to `takeover` and waits for it, the client's
    /// leaving or shutdown, whichever comes first.
    async fn hand_over(self, takeover: &dyn Takeover, request: TakeoverRequest) -> End {
        let Self {
            lines,
            mut out,
            notifications,
            context,
            shutdown,
            ..
        } = self;
        drop(notifications);
        let (sender, mut queue) = mpsc::channel(context.limits.outgoing);
        let running = takeover.run(request, LineSender::new(sender));
        // On a task, so that it goes on while a write waits.
        let running = AbortOnDropHandle::new(tokio::spawn(running));
        let write = async {
            while let Some(line) = queue.recv().await {
                out.line(line.get()).await?;
                if queue.is_empty() {
                    out.flush().await?;
                }
            }
            out.flush().await
        };
        let end = tokio::select! {
            () = shutdown.cancelled() => End::Shutdown,
            end = ignore_input(lines.into_inner().into_inner()) => end,
            written = write => match written {
                Ok(()) => End::TakeoverDone,
                Err(cause) => End::Io(cause),
            },
        };
        drop(running);
        end
    }
}

/// Reads until the client closes its end.
async fn ignore_input(mut from: impl AsyncRead + Unpin) -> End {
    let mut scratch = [0_u8; 1024];
    loop {
        match from.read(&mut scratch).await {
            Ok(0) => return End::ClientLeft,
            Ok(_) => {}
            Err(cause) => return End::Io(cause),
        }
    }
}
