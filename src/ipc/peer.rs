//! Who is at the other end of a connection.
//!
//! Owns the one system call that tells; judging the answer is the server's
//! and the methods' business.

use std::io;

use tokio::net::UnixStream;

/// The process that connected, as the kernel saw it when it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Credentials {
    /// Its process id; not every system tells. The process may have ended
    /// since, and its number may have been given to another.
    pub pid: Option<u32>,
    /// Its effective user id.
    pub uid: u32,
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
