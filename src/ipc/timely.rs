//! Lines come within a time, or the connection ends.
//!
//! A line that was begun is kept in memory until it is whole. Who begins one and sends a byte now and then, over
//! many connections, would have the daemon hold all of them for ever.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::limits::REQUEST_BYTES;

/// A stream in which a line may take only so long from its first byte to its last: one clock runs for each line,
/// and each byte of it that comes adds its part of the limit, of which the longest line has one whole.
#[derive(Debug)]
pub(super) struct Timely<R> {
    stream: R,
    limit: Duration,
    clock: Clock,
    /// Set while a line is begun and not whole.
    late: Option<Pin<Box<Sleep>>>,
}

/// The line that is begun, if there is one.
#[derive(Debug, Default)]
struct Clock {
    /// When it was begun, later by as long as it was not read; and how much of it has come.
    line: Option<(Instant, usize)>,
}

impl Clock {
    /// Takes what came.
    fn take(&mut self, new: &[u8], now: Instant) {
        let begun = match new.iter().rposition(|byte| *byte == b'\n') {
            Some(at) => (now, new.len() - at - 1),
            None => {
                let (begun, bytes) = self.line.unwrap_or((now, 0));
                (begun, bytes + new.len())
            }
        };
        self.line = (begun.1 > 0).then_some(begun);
    }

    /// Until when the line has to be whole.
    fn deadline(&self, limit: Duration) -> Option<Instant> {
        let (begun, bytes) = self.line?;
        // In whole KiB, so that it fits.
        let part = |bytes: usize| u32::try_from(bytes / 1024).unwrap_or(u32::MAX);
        let longest = part(REQUEST_BYTES);
        Some(begun + limit + limit * part(bytes).min(longest) / longest)
    }
}

impl<R> Timely<R> {
    pub(super) fn new(stream: R, limit: Duration) -> Self {
        Self {
            stream,
            limit,
            clock: Clock::default(),
            late: None,
        }
    }

    /// The stream was not read for so long, which was not its sender's doing.
    pub(super) fn was_not_read_for(&mut self, time: Duration) {
        if let Some((begun, _)) = &mut self.clock.line {
            *begun += time;
            self.wind();
        }
    }

    fn wind(&mut self) {
        match (self.clock.deadline(self.limit), &mut self.late) {
            (None, late) => *late = None,
            (Some(deadline), Some(late)) => late.as_mut().reset(deadline),
            (Some(deadline), None) => {
                self.late = Some(Box::pin(tokio::time::sleep_until(deadline)));
            }
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
        let new = buffer.filled().get(before..).unwrap_or_default();
        self.clock.take(new, Instant::now());
        self.wind();
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(30);

    /// How many seconds a line is waited for of which a piece comes every so many seconds.
    fn lasts(piece: usize, every: u64) -> u64 {
        let (mut clock, begun) = (Clock::default(), Instant::now());
        let piece = vec![b'x'; piece];
        for round in 0.. {
            let now = begun + Duration::from_secs(round * every);
            match clock.deadline(LIMIT) {
                Some(deadline) if deadline <= now => return (deadline - begun).as_secs(),
                _ => clock.take(&piece, now),
            }
        }
        0
    }

    #[test]
    fn all_of_a_line_has_one_clock_however_it_comes() {
        assert_eq!(lasts(1, 10), 30);
        // What was enough to start the clock again, each time that it had nearly run out.
        assert_eq!(lasts(4 * 1024 * 1024, 29), 45);
        assert_eq!(lasts(REQUEST_BYTES, 10_000), 60);
        // More than a line may have adds nothing.
        assert_eq!(lasts(REQUEST_BYTES, 1), 60);
    }

    #[test]
    fn a_line_is_begun_by_what_follows_the_end_of_the_last_one() {
        let (mut clock, begun) = (Clock::default(), Instant::now());
        clock.take(b"whole\nhalf", begun);
        let later = begun + Duration::from_secs(20);
        clock.take(b" of it", later);
        assert_eq!(clock.deadline(LIMIT), Some(begun + LIMIT));
        clock.take(b"\n\nhalf", later);
        assert_eq!(clock.deadline(LIMIT), Some(later + LIMIT));
        clock.take(b"\n", later);
        assert_eq!(clock.deadline(LIMIT), None);
    }

    #[tokio::test]
    async fn a_line_is_not_late_because_it_was_not_read() {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let (mut to, from) = tokio::io::duplex(64);
        let mut from = Timely::new(from, LIMIT);
        let mut buffer = [0; 64];
        to.write_all(b"half").await.ok();
        assert_eq!(from.read(&mut buffer).await.ok(), Some(4));
        let away = LIMIT * 4;
        from.clock.line = from.clock.line.map(|(begun, bytes)| (begun - away, bytes));
        from.was_not_read_for(away);
        to.write_all(b" and the rest\n").await.ok();
        assert_eq!(from.read(&mut buffer).await.ok(), Some(14));
    }
}
