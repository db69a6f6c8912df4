//! JSON texts to lines.
//!
//! Owns the outgoing framing for both ends of the socket. It must not build
//! any JSON; it only keeps a text on one line.

use std::io;

use tokio::io::{AsyncWrite, AsyncWriteExt, BufWriter};

/// Short lines leave in one system call; longer ones pass the buffer by.
const BUFFER: usize = 16 * 1024;

/// Writes one JSON text a line, and holds at most its small buffer unsent.
#[derive(Debug)]
pub(crate) struct LineWriter<W: AsyncWrite> {
    to: BufWriter<W>,
}

impl<W: AsyncWrite + Unpin> LineWriter<W> {
    pub(crate) fn new(to: W) -> Self {
        Self {
            to: BufWriter::with_capacity(BUFFER, to),
        }
    }

    /// Adds one line; [`flush`](Self::flush) sends it. Waits while the peer
    /// does not read. Not safe to resume after being dropped half way.
    pub(crate) async fn line(&mut self, json: &str) -> io::Result<()> {
        // A line break can only stand between two tokens of a JSON text, so a
        // space means the same there.
        let mut rest = json;
        while let Some(at) = rest.find('\n') {
            let (head, tail) = rest.split_at(at);
            self.to.write_all(head.as_bytes()).await?;
            self.to.write_all(b" ").await?;
            rest = tail.get(1..).unwrap_or_default();
        }
        self.to.write_all(rest.as_bytes()).await?;
        self.to.write_all(b"\n").await
    }

    /// Sends what has been written so far.
    pub(crate) async fn flush(&mut self) -> io::Result<()> {
        self.to.flush().await
    }

    /// Tells the peer that nothing more will come.
    pub(crate) async fn close(&mut self) -> io::Result<()> {
        self.to.shutdown().await
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[tokio::test]
    async fn a_text_with_line_breaks_stays_on_one_line() {
        let mut out = LineWriter::new(Vec::new());
        out.line("{\n  \"a\": \"x\\ny\"\n}").await.unwrap();
        out.line("[]").await.unwrap();
        out.flush().await.unwrap();
        assert_eq!(out.to.into_inner(), b"{   \"a\": \"x\\ny\" }\n[]\n");
    }
}
