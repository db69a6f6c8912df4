//! Whether a client still waits for its answers.
//!
//! Owns the reading half of a connection, shared with whoever wants to know, while a call runs, whether its client
//! has closed the connection. A client that has only said that it sends no more (`shutdown`) still waits.

use std::io;
use std::os::fd::AsFd as _;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::unix::OwnedReadHalf;

/// A reading half that can be looked at by others.
#[derive(Debug)]
pub(super) struct SharedReadHalf(Arc<OwnedReadHalf>);

impl SharedReadHalf {
    pub(super) fn new(half: OwnedReadHalf) -> Self {
        Self(Arc::new(half))
    }

    /// What tells whether its client is there.
    pub(super) fn presence(&self) -> ClientPresence {
        ClientPresence(Arc::downgrade(&self.0))
    }
}

impl AsyncRead for SharedReadHalf {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            ready!(self.0.as_ref().as_ref().poll_read_ready(context))?;
            match self.0.try_read_buf(buffer) {
                Err(cause) if cause.kind() == io::ErrorKind::WouldBlock => {}
                read => return Poll::Ready(read.map(drop)),
            }
        }
    }
}

/// Tells of a connection whether its client has closed it. Among the extensions of each call.
#[derive(Clone, Debug)]
pub struct ClientPresence(Weak<OwnedReadHalf>);

impl ClientPresence {
    /// Whether the client has closed the connection, or it was closed here.
    #[must_use]
    pub fn has_left(&self) -> bool {
        let Some(half) = self.0.upgrade() else {
            return true;
        };
        let stream: &tokio::net::UnixStream = half.as_ref().as_ref();
        let mut looked = [PollFd::from_borrowed_fd(stream.as_fd(), PollFlags::empty())];
        let now = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        // Where that cannot be found out, the answer is awaited as far as is known.
        poll(&mut looked, Some(&now)).is_ok()
            && looked
                .iter()
                .any(|look| look.revents().intersects(PollFlags::HUP | PollFlags::ERR))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::UnixStream;

    use super::*;

    #[tokio::test]
    async fn a_client_has_left_when_it_closed_the_connection_not_when_it_sends_no_more() {
        let (mut client, server) = UnixStream::pair().unwrap();
        let (reads, _writes) = server.into_split();
        let mut reads = SharedReadHalf::new(reads);
        let presence = reads.presence();
        client.write_all(b"request\n").await.unwrap();
        assert!(!presence.has_left());
        let mut text = [0; 8];
        reads.read_exact(&mut text).await.unwrap();
        assert_eq!(&text, b"request\n");
        client.shutdown().await.unwrap();
        assert_eq!(reads.read(&mut text).await.unwrap(), 0);
        assert!(!presence.has_left(), "it waits for its answer");
        drop(client);
        assert!(presence.has_left());
        drop(reads);
        assert!(presence.has_left());
    }
}
