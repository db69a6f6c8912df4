//! Sockets at paths that are longer than a socket's address may be.
//!
//! Linux lets a process name its own open directory by a short path below `/proc`, so a socket can be
//! bound and reached however deep it lies, and programs of either age find it in the same place. Other
//! systems have no such path; there a long one is an error of whoever uses it.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// The longest path of a socket, in bytes, that the system takes.
const SOCKET_PATH_MAX: usize = if cfg!(target_os = "macos") { 103 } else { 107 };

/// The longest path of a directory in which a socket with a name of one letter can be reached; none
/// where there is no limit.
pub const SOCKET_DIR_MAX: Option<usize> = if cfg!(target_os = "linux") {
    None
} else {
    Some(SOCKET_PATH_MAX - "/s".len())
};

/// A path by which a socket can be bound or connected to, for as long as this lives.
#[derive(Debug)]
pub struct SocketPath {
    path: PathBuf,
    /// Keeps a path through an open directory valid.
    _directory: Option<OwnedFd>,
}

impl SocketPath {
    /// The path itself where it is short enough, else one through its open directory.
    ///
    /// # Errors
    /// When the directory cannot be opened.
    pub fn of(path: &Path) -> io::Result<Self> {
        let short = Self {
            path: path.to_owned(),
            _directory: None,
        };
        if path.as_os_str().len() <= SOCKET_PATH_MAX {
            return Ok(short);
        }
        match (path.parent(), path.file_name()) {
            #[cfg(target_os = "linux")]
            (Some(directory), Some(name)) => {
                use std::os::fd::AsRawFd as _;

                use rustix::fs::{Mode, OFlags};

                let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
                let directory = rustix::fs::open(directory, flags, Mode::empty())?;
                let through = format!("/proc/self/fd/{}", directory.as_raw_fd());
                Ok(Self {
                    path: Path::new(&through).join(name),
                    _directory: Some(directory),
                })
            }
            _ => Ok(short),
        }
    }

    /// The path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use std::os::unix::net::{UnixListener, UnixStream};

    use super::*;

    #[test]
    fn a_socket_is_bound_and_reached_however_deep_it_lies() {
        let temp = tempfile::tempdir().unwrap();
        let near = temp.path().join("s");
        let deep = temp.path().join("d".repeat(200)).join("e".repeat(200));
        std::fs::create_dir_all(&deep).unwrap();
        for path in [near, deep.join("s")] {
            let bound = SocketPath::of(&path).unwrap();
            let _listener = UnixListener::bind(bound.path()).unwrap();
            drop(bound);
            assert!(path.exists());
            UnixStream::connect(SocketPath::of(&path).unwrap().path()).unwrap();
        }
        let missing = temp.path().join("x".repeat(200)).join("s");
        assert_eq!(
            SocketPath::of(&missing).unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
    }
}
