//! The daemon's second way in: a socket that is no file, so that nobody can delete or replace it.
//!
//! On Linux sockets may have a name that is in no directory. Ours begins with what the socket's path and the
//! mount namespace make of it, so that clients that know the path find it, and ends at random, so that nobody
//! can take it before the daemon does. Clients look through the names that there are; anybody may listen on
//! one, so whoever serves it has to be proven as for the path. Other systems have no such sockets.

use std::io;
use std::os::unix::net::UnixStream;
use std::path::Path;

use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use sha2::{Digest as _, Sha256};
use tokio::net::UnixListener;

use crate::platform;

/// Connections that may wait for being accepted.
const BACKLOG: i32 = 1024;

/// Most names of others that are looked at.
const MAX_NAMES: usize = 1024;

/// A socket without a file.
#[derive(Debug)]
pub struct AbstractListener {
    pub(super) socket: UnixListener,
    name: Vec<u8>,
}

impl AbstractListener {
    /// Listens beside the socket at a path. To be called in a runtime.
    ///
    /// # Errors
    /// When this system has no such sockets, or refuses.
    pub fn bind(path: &Path) -> io::Result<Self> {
        let Some(mut name) = prefix(path) else {
            return Err(io::ErrorKind::Unsupported.into());
        };
        name.extend_from_slice(uuid::Uuid::new_v4().simple().to_string().as_bytes());
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket =
            rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        rustix::net::bind(&socket, &address(&name)?)?;
        rustix::net::listen(&socket, BACKLOG)?;
        let socket = UnixListener::from_std(std::os::unix::net::UnixListener::from(socket))?;
        Ok(Self { socket, name })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &[u8] {
        &self.name
    }
}

/// The names on which a daemon beside the socket at a path may listen, and others may as well.
#[must_use]
pub fn names(path: &Path) -> Vec<Vec<u8>> {
    prefix(path).map_or_else(Vec::new, |prefix| {
        platform::abstract_listeners(&prefix, MAX_NAMES)
    })
}

/// The address of a name.
///
/// # Errors
/// When it is too long, or this system has no such addresses.
pub fn address(name: &[u8]) -> io::Result<SocketAddrUnix> {
    #[cfg(target_os = "linux")]
    return Ok(SocketAddrUnix::new_abstract_name(name)?);
    #[cfg(not(target_os = "linux"))]
    {
        let _ = name;
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Connects without waiting: it is `WouldBlock` where no further connection can wait for being accepted. The stream does
/// not block.
///
/// # Errors
/// What the system answers.
pub fn connect(name: &[u8]) -> io::Result<UnixStream> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    rustix::net::connect(&socket, &address(name)?)?;
    Ok(socket.into())
}

/// How names begin: with the path as it is written, so that nothing that becomes of its directory matters, and with the
/// mount namespace, because the same path in a container is another socket.
fn prefix(path: &Path) -> Option<Vec<u8>> {
    let mounts = platform::mount_namespace()?;
    let path = std::path::absolute(path).ok()?;
    let mut hash = Sha256::new();
    hash.update(mounts);
    hash.update(path.as_os_str().as_encoded_bytes());
    let hash = hex::encode(hash.finalize());
    Some(format!("humanlayer-{}-", hash.get(..32)?).into_bytes())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    const NONE: [Vec<u8>; 0] = [];

    #[tokio::test]
    async fn a_listener_is_found_by_the_path_beside_which_it_is_as_long_as_it_is_there() {
        let path = Path::new("/nowhere/of-this-test/daemon.sock");
        assert_eq!(names(path), NONE);
        let one = AbstractListener::bind(path).unwrap();
        let other = AbstractListener::bind(path).unwrap();
        assert_ne!(one.name(), other.name());
        let mut expected = [one.name().to_vec(), other.name().to_vec()];
        expected.sort();
        let mut found = names(path);
        found.sort();
        assert_eq!(found, expected);
        assert_eq!(names(Path::new("/nowhere/else")), NONE);
        // A connection bears the name, too, and is no listener.
        let client = connect(one.name()).unwrap();
        let (accepted, _) = one.socket.accept().await.unwrap();
        drop((one, other));
        assert_eq!(names(path), NONE);
        drop((client, accepted));
    }
}
