//! Who is at the other end of a connection.
//!
//! Owns the system calls that tell; judging the answer is the server's
//! and the methods' business.

use std::io;
use std::os::fd::AsFd as _;

use tokio::net::UnixStream;

use crate::platform::ProcessHandle;

/// The process that connected, as the kernel saw it when it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Credentials {
    /// Its process id; not every system tells. The process may have ended
    /// since, and its number may have been given to another.
    pub pid: Option<u32>,
    /// Its effective user id.
    pub uid: u32,
}

/// What the system tells of the process that made a connection, beside its number.
#[derive(Debug)]
pub enum Peer {
    /// A handle on it, whoever has its number by now.
    Held(ProcessHandle),
    /// That it has ended.
    Gone,
    /// Nothing: this system has no such handles.
    Unknown,
}

/// Asks the kernel for a handle on the process that connected a stream.
pub fn peer_process(stream: &UnixStream) -> Peer {
    match ProcessHandle::of_peer(stream.as_fd()) {
        Ok(Some(handle)) => Peer::Held(handle),
        Ok(None) => Peer::Unknown,
        Err(error) => {
            tracing::debug!(%error, "the process that connected cannot be held on to");
            Peer::Gone
        }
    }
}

/// Asks the kernel for the peer of a connected stream.
///
/// # Errors
/// What the system call answers; in practice only for a socket that is not
/// connected.
pub fn peer_credentials(stream: &UnixStream) -> io::Result<Credentials> {
    let found = stream.peer_cred()?;
    Ok(Credentials {
        pid: found.pid().and_then(|pid| u32::try_from(pid).ok()),
        uid: found.uid(),
    })
}
