//! The daemon's end of a runner's socket.
//!
//! Owns one connection and the coding of frames on it. A link that broke is thrown away and made
//! anew; what was not acknowledged is sent again, which the runner makes harmless.

use std::io;
use std::os::fd::AsFd as _;
use std::path::Path;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

use crate::platform::{self, SocketPath};
use crate::runner::frame::{DecodeError, Reply, Request};

/// A connection to a runner.
pub struct Link {
    incoming: BufReader<OwnedReadHalf>,
    outgoing: OwnedWriteHalf,
    line: Vec<u8>,
    /// The process that listens, where the system tells.
    peer: Option<u32>,
}

impl Link {
    /// Connects.
    ///
    /// # Errors
    /// When nobody listens at the path.
    pub async fn connect(path: &Path) -> io::Result<Self> {
        let short = SocketPath::of(path)?;
        let stream = UnixStream::connect(short.path()).await?;
        let peer = platform::peer_pid(stream.as_fd());
        let (incoming, outgoing) = stream.into_split();
        Ok(Self {
            peer,
            incoming: BufReader::new(incoming),
            outgoing,
            line: Vec::new(),
        })
    }

    /// The process that listens at the other end.
    pub fn peer(&self) -> Option<u32> {
        self.peer
    }

    /// Sends one frame.
    ///
    /// # Errors
    /// When the runner is gone.
    pub async fn send(&mut self, request: &Request) -> io::Result<()> {
        self.outgoing.write_all(request.encode().as_bytes()).await
    }

    /// The next reply; none when the connection is closed. May be dropped while it waits: what was
    /// read so far is kept.
    ///
    /// # Errors
    /// When the connection broke or the runner sends what is no frame.
    pub async fn receive(&mut self) -> io::Result<Option<Reply>> {
        loop {
            if self.incoming.read_until(b'\n', &mut self.line).await? == 0
                || self.line.last() != Some(&b'\n')
            {
                return Ok(None);
            }
            let decoded = Reply::decode(&self.line);
            self.line.clear();
            match decoded {
                Ok(reply) => return Ok(Some(reply)),
                // A newer runner may say more than we know.
                Err(DecodeError::UnknownType(kind)) => {
                    tracing::debug!(kind, "a runner said something new")
                }
                Err(error) => return Err(io::Error::new(io::ErrorKind::InvalidData, error)),
            }
        }
    }

    /// Whether a further reply has arrived already.
    pub fn has_buffered(&self) -> bool {
        self.incoming.buffer().contains(&b'\n')
    }
}
