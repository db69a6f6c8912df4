//! The socket file: made safely, removed only when ours.
//!
//! Owns the checks around binding. It must not decide who may run: the caller
//! holds the daemon's life lock while it calls [`bind`], which is what makes
//! removing a dead daemon's socket safe. It accepts connections for the
//! server and knows nothing of what they say.

use std::fs::{self, Metadata};
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use interprocess::local_socket::traits::tokio::Listener as _;
use interprocess::local_socket::{GenericFilePath, ListenerOptions, ToFsName};
use interprocess::os::unix::local_socket::ListenerOptionsExt;
use interprocess::os::unix::uds_local_socket::tokio::Listener as SocketListener;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketType};
use tokio::net::UnixStream;

use crate::platform;

/// Longest path of a socket in bytes; the system keeps one more for its end.
pub const MAX_PATH_BYTES: usize = if cfg!(any(target_os = "linux", target_os = "android")) {
    107
} else {
    103
};

/// Only the owner may connect.
const MODE: u32 = 0o600;

/// Why a socket could not be bound.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The path does not fit into a socket address.
    #[error(
        "binding {path}: the path has {bytes} bytes and a socket's may have {MAX_PATH_BYTES}; \
         choose a shorter one with HUMANLAYER_DAEMON_SOCKET"
    )]
    PathTooLong {
        /// The path asked for.
        path: PathBuf,
        /// Its length in bytes.
        bytes: usize,
    },
    /// The directory cannot be looked at; most often it does not exist.
    #[error("binding {path}: looking at its directory {directory}: {source}")]
    NoDirectory {
        /// The path asked for.
        path: PathBuf,
        /// Its directory.
        directory: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Somebody else could replace the socket.
    #[error("binding {path}: its directory {directory} is not safe: {why}")]
    UnsafeDirectory {
        /// The path asked for.
        path: PathBuf,
        /// Its directory.
        directory: PathBuf,
        /// What is wrong with it and what to do.
        why: String,
    },
    /// Something that is not a socket is in the way, and is left alone.
    #[error(
        "binding {path}: the path is taken by a file that is not a socket; move it away or choose another path"
    )]
    TakenByFile {
        /// The path asked for.
        path: PathBuf,
    },
    /// A process answers on that socket.
    #[error("binding {path}: another process serves it already")]
    AlreadyServed {
        /// The path asked for.
        path: PathBuf,
    },
    /// A system call failed.
    #[error("binding {path}: {doing}: {source}")]
    Io {
        /// The path asked for.
        path: PathBuf,
        /// What was being done.
        doing: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl BindError {
    /// Whether another process bound the path, or removed what was there, between the look at it and the binding:
    /// trying again may help.
    #[must_use]
    pub fn is_taken_meanwhile(&self) -> bool {
        match self {
            Self::Io { source, .. } => matches!(
                source.kind(),
                io::ErrorKind::AddrInUse | io::ErrorKind::NotFound
            ),
            Self::PathTooLong { .. }
            | Self::NoDirectory { .. }
            | Self::UnsafeDirectory { .. }
            | Self::TakenByFile { .. }
            | Self::AlreadyServed { .. } => false,
        }
    }
}

/// A bound socket. Dropping it removes the file if it is still this one.
#[derive(Debug)]
pub struct Listener {
    socket: SocketListener,
    path: PathBuf,
    /// Device and inode. They cannot be given to another file while the open
    /// socket holds on to them.
    identity: (u64, u64),
}

impl Listener {
    /// The path it was bound to.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the path still leads to this socket, and its owner may connect to it.
    #[must_use]
    pub fn is_in_place(&self) -> bool {
        fs::symlink_metadata(&self.path)
            .is_ok_and(|found| identity(&found) == self.identity && found.mode() & MODE == MODE)
    }

    /// Binds the path again, whatever is in its place but something that somebody could miss. The caller holds the
    /// life lock, so whoever serves it there has no right to.
    ///
    /// # Errors
    /// As [`bind`].
    pub fn rebind(&self) -> Result<Self, BindError> {
        if let Ok(found) = fs::symlink_metadata(&self.path) {
            let is_worthless =
                found.file_type().is_socket() || (found.is_file() && found.len() == 0);
            let removed = if found.is_dir() {
                // Only one with nothing in it goes.
                fs::remove_dir(&self.path).or(Ok(()))
            } else if is_worthless {
                fs::remove_file(&self.path)
            } else {
                Ok(())
            };
            removed
                .map_err(|source| failed(&self.path, "removing what is in its place", source))?;
        }
        bind(&self.path)
    }

    /// Waits for the next connection. Safe to drop and call again.
    pub(super) async fn accept(&self) -> io::Result<UnixStream> {
        self.socket.accept().await.map(UnixStream::from)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let ours =
            fs::symlink_metadata(&self.path).is_ok_and(|found| identity(&found) == self.identity);
        if ours && let Err(cause) = fs::remove_file(&self.path) {
            tracing::warn!(path = %self.path.display(), %cause, "the socket's file stays behind");
        }
    }
}

/// Binds `path` and listens on it. The file has mode 0600 before anyone can
/// connect.
///
/// Its directory must exist, belong to this user and not be writable by
/// others. A socket left behind by a dead process is replaced; the caller
/// must hold the life lock, or two daemons could do so at once. Must be
/// called within a Tokio runtime.
///
/// # Errors
/// A [`BindError`] that names the path and what to do about it.
pub fn bind(path: &Path) -> Result<Listener, BindError> {
    let bytes = path.as_os_str().len();
    if bytes > MAX_PATH_BYTES {
        return Err(BindError::PathTooLong {
            path: path.to_owned(),
            bytes,
        });
    }
    let directory_mode = check_directory(path)?;
    clear_stale(path)?;
    let socket =
        open(path, directory_mode).map_err(|source| failed(path, "opening the socket", source))?;
    Ok(Listener {
        socket,
        path: path.to_owned(),
        identity: own_identity(path).unwrap_or(NOWHERE),
    })
}

/// The file of a socket that this process has just bound to a path; none where another one has taken its place by now.
fn own_identity(path: &Path) -> Option<(u64, u64)> {
    let look = || Some(identity(&fs::symlink_metadata(path).ok()?));
    let before = look()?;
    let connected = probe(path).ok()?;
    let is_ours = platform::peer_pid(connected.as_fd()).is_none_or(|pid| pid == std::process::id());
    (is_ours && look()? == before).then_some(before)
}

/// No file's device and inode.
const NOWHERE: (u64, u64) = (0, 0);

/// Makes sure that nobody else could swap the socket, and gives the
/// directory's mode.
fn check_directory(path: &Path) -> Result<u32, BindError> {
    let directory = match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => Path::new("/"),
    };
    let found = fs::metadata(directory).map_err(|source| BindError::NoDirectory {
        path: path.to_owned(),
        directory: directory.to_owned(),
        source,
    })?;
    let refuse = |why: String| {
        Err(BindError::UnsafeDirectory {
            path: path.to_owned(),
            directory: directory.to_owned(),
            why,
        })
    };
    let uid = rustix::process::geteuid().as_raw();
    let mode = found.permissions().mode() & 0o7777;
    if !found.is_dir() {
        refuse("it is not a directory; choose another path".to_owned())
    } else if found.uid() != uid {
        refuse(format!(
            "it belongs to user {}, not to {uid}; choose one of yours",
            found.uid()
        ))
    } else if mode & 0o022 != 0 {
        refuse(format!(
            "its mode {mode:04o} lets others write; run chmod 700 on it"
        ))
    } else {
        Ok(mode)
    }
}

/// Removes a socket that nobody serves.
fn clear_stale(path: &Path) -> Result<(), BindError> {
    match fs::symlink_metadata(path) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(failed(path, "looking at what is there", source)),
        Ok(found) if !found.file_type().is_socket() => {
            return Err(BindError::TakenByFile {
                path: path.to_owned(),
            });
        }
        Ok(_) => {}
    }
    match probe(path) {
        // An agent's listens in our place, to keep the daemon from starting or to be taken for it.
        Ok(connected) if is_an_agents(&connected) => {
            tracing::error!(path = %path.display(), "an agent listened in the daemon's place");
            match fs::remove_file(path) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    Err(failed(path, "removing an agent's socket", source))
                }
                Ok(()) | Err(_) => Ok(()),
            }
        }
        // A full backlog and a connection under way both mean a listener.
        Ok(_) | Err(Errno::AGAIN | Errno::INPROGRESS) => Err(BindError::AlreadyServed {
            path: path.to_owned(),
        }),
        Err(Errno::NOENT) => Ok(()),
        Err(Errno::CONNREFUSED) => match fs::remove_file(path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(failed(path, "removing a dead process's socket", source))
            }
            Ok(()) | Err(_) => {
                tracing::info!(path = %path.display(), "a dead process's socket was removed");
                Ok(())
            }
        },
        Err(cause) => Err(failed(path, "asking whether it is served", cause.into())),
    }
}

/// Tries to connect without waiting: a listener that accepts nobody, its
/// backlog full, must not hold us up.
fn probe(path: &Path) -> Result<OwnedFd, Errno> {
    let socket = rustix::net::socket(AddressFamily::UNIX, SocketType::STREAM, None)?;
    rustix::io::ioctl_fionbio(&socket, true)?;
    rustix::net::connect(&socket, &SocketAddrUnix::new(path)?)?;
    Ok(socket)
}

/// Whether what serves a socket was started by an agent.
fn is_an_agents(connected: &OwnedFd) -> bool {
    let steps = platform::peer_pid(connected.as_fd()).and_then(|pid| platform::walk(pid).ok());
    steps.is_some_and(|steps| platform::has_a_runner(&steps))
}

fn open(path: &Path, directory_mode: u32) -> io::Result<SocketListener> {
    let options = || -> io::Result<ListenerOptions<'_>> {
        let name = path.to_fs_name::<GenericFilePath>()?;
        // The library would remove whatever has the name by then.
        Ok(ListenerOptions::new().name(name).reclaim_name(false))
    };
    match SocketListener::from_options(options()?.mode(MODE as _)) {
        Err(cause) if cause.kind() == io::ErrorKind::Unsupported => {}
        opened => return opened,
    }
    // This system cannot set the mode first. In a directory that only we can
    // enter, nobody can connect before it is set.
    if directory_mode & 0o077 != 0 {
        return Err(io::Error::other(format!(
            "on this system the directory must have mode 0700, not {directory_mode:04o}"
        )));
    }
    let socket = SocketListener::from_options(options()?)?;
    fs::set_permissions(path, fs::Permissions::from_mode(MODE))?;
    Ok(socket)
}

fn identity(found: &Metadata) -> (u64, u64) {
    (found.dev(), found.ino())
}

fn failed(path: &Path, doing: &'static str, source: io::Error) -> BindError {
    BindError::Io {
        path: path.to_owned(),
        doing,
        source,
    }
}
