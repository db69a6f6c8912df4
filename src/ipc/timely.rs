//! Lines come within a time, or the connection ends.
//!
//! A line that was begun is kept in memory until it is whole. Who begins one and sends a byte now and then, over
//! many connections, would have the daemon hold all of them for ever.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::Sleep;

/// How much of a long line counts as one piece: each may take as long.
const PIECE: usize = 4 * 1024 * 1024;

/// A stream in which a line may take only so long from its first byte to its last.
#[derive(Debug)]
pub(super) struct Timely<R> {
    stream: R,
    limit: Duration,
    /// Set while a line is begun and not whole.
    late: Option<Pin<Box<Sleep>>>,
    /// Bytes that came since it was set.
    since: usize,
}

impl<R> Timely<R> {
    pub(super) fn new(stream: R, limit: Duration) -> Self {
        Self {
            stream,
            limit,
            late: None,
            since: 0,
        }
    }

    /// The stream, of which no more lines are expected.
    pub(super) fn into_inner(self) -> R {
        self.stream
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Timely<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(late) = &mut self.late
            && late.as_mut().poll(context).is_ready()
        {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        let limit = self.limit;
        let new = buffer.filled().get(before..).unwrap_or_default();
        self.since += new.len();
        match new {
            [] => {}
            [.., b'\n'] => self.late = None,
            new if self.late.is_none() || self.since >= PIECE || new.contains(&b'\n') => {
                self.late = Some(Box::pin(tokio::time::sleep(limit)));
                self.since = 0;
            }
            _ => {}
        }
        Poll::Ready(Ok(()))
    }
}
