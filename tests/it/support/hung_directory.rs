//! A directory whose file system never answers, as one on a network drive whose server is gone.
//!
//! The benchmarks use this file, too.

use std::fs::{File, OpenOptions};
use std::os::fd::AsRawFd as _;
use std::path::Path;
use std::process::Command;

use rustix::io::{FdFlags, fcntl_setfd};

/// Opens the device through which a process serves a file system.
pub fn may_serve() -> std::io::Result<File> {
    OpenOptions::new().read(true).write(true).open("/dev/fuse")
}

/// A file system that takes requests and answers none. Its requests end with an error when this is dropped.
pub struct HungDirectory {
    _connection: File,
}

impl HungDirectory {
    /// Mounts one. It is seen by the processes of this mount namespace only, so that a caller needs one of its own.
    pub fn mount(at: &Path) -> Self {
        let connection = may_serve().expect("FUSE is there");
        // `mount` inherits it.
        fcntl_setfd(&connection, FdFlags::empty()).unwrap();
        let options = format!(
            "fd={},rootmode=40000,user_id={},group_id={}",
            connection.as_raw_fd(),
            rustix::process::geteuid().as_raw(),
            rustix::process::getegid().as_raw(),
        );
        let mounted = Command::new("mount")
            .args(["-i", "-t", "fuse", "-o", &options, "hung"])
            .arg(at)
            .status()
            .expect("mount (util-linux) is there");
        assert!(mounted.success(), "a FUSE file system can be mounted");
        // No process that the daemon starts keeps the file system alive.
        fcntl_setfd(&connection, FdFlags::CLOEXEC).unwrap();
        Self {
            _connection: connection,
        }
    }
}
