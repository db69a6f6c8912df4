//! Whether a name in a directory has changed, told as soon as it does where the system tells.
//!
//! Owns the watch on a socket's directory. Elsewhere, and where the system offers no more watches, nothing is ever
//! told, and whoever wants to know looks from time to time, as one does anyway.

use std::path::Path;

/// A watch on the names of a directory.
pub(super) struct DirectoryWatch {
    #[cfg(target_os = "linux")]
    system: Option<linux::Watch>,
}

impl DirectoryWatch {
    /// Watches a name. To be called in a runtime.
    pub(super) fn of(path: &Path) -> Self {
        #[cfg(target_os = "linux")]
        return Self {
            system: linux::Watch::of(path)
                .inspect_err(|error| {
                    tracing::warn!(path = %path.display(), %error, "a socket's directory is not watched");
                })
                .ok(),
        };
        #[cfg(not(target_os = "linux"))]
        {
            let _ = path;
            Self {}
        }
    }

    /// Returns when the name, or the directory, may have changed since. Safe to drop and call again.
    pub(super) async fn changed(&mut self) {
        #[cfg(target_os = "linux")]
        if let Some(system) = &mut self.system
            && system.changed().await
        {
            return;
        }
        #[cfg(target_os = "linux")]
        {
            self.system = None;
        }
        std::future::pending::<()>().await;
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::ffi::OsString;
    use std::io;
    use std::mem::MaybeUninit;
    use std::os::fd::OwnedFd;
    use std::os::unix::ffi::OsStrExt as _;
    use std::path::Path;

    use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
    use rustix::io::Errno;
    use tokio::io::unix::AsyncFd;

    /// Bytes of events that are read at once.
    const BUFFER: usize = 4 * 1024;

    pub(super) struct Watch {
        system: AsyncFd<OwnedFd>,
        name: OsString,
        buffer: Vec<MaybeUninit<u8>>,
    }

    impl Watch {
        pub(super) fn of(path: &Path) -> io::Result<Self> {
            let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
            let directory = path.parent().filter(|path| !path.as_os_str().is_empty());
            let system = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
            let flags = WatchFlags::CREATE
                | WatchFlags::DELETE
                | WatchFlags::MOVED_FROM
                | WatchFlags::MOVED_TO
                | WatchFlags::ATTRIB
                | WatchFlags::DELETE_SELF
                | WatchFlags::MOVE_SELF
                | WatchFlags::ONLYDIR;
            inotify::add_watch(&system, directory.unwrap_or(Path::new(".")), flags)?;
            #[allow(
                deprecated,
                reason = "its successor is unsafe for the sake of types that may exchange their descriptor; an OwnedFd does not"
            )]
            let system = AsyncFd::new(system)?;
            Ok(Self {
                system,
                name: name.to_owned(),
                buffer: vec![MaybeUninit::uninit(); BUFFER],
            })
        }

        /// Whether it goes on to be watched.
        pub(super) async fn changed(&mut self) -> bool {
            loop {
                let Ok(mut ready) = self.system.readable().await else {
                    return false;
                };
                match drain(self.system.get_ref(), &mut self.buffer, &self.name) {
                    Ok(concerned) => {
                        ready.clear_ready();
                        if concerned {
                            return true;
                        }
                    }
                    Err(error) => {
                        tracing::warn!(%error, "a socket's directory is watched no more");
                        return false;
                    }
                }
            }
        }
    }

    /// Reads all events that there are; says whether one concerns the name or the directory itself.
    fn drain(
        system: &OwnedFd,
        buffer: &mut [MaybeUninit<u8>],
        name: &OsString,
    ) -> io::Result<bool> {
        let own = ReadFlags::DELETE_SELF
            | ReadFlags::MOVE_SELF
            | ReadFlags::IGNORED
            | ReadFlags::QUEUE_OVERFLOW;
        let mut concerned = false;
        let mut events = Reader::new(system, buffer);
        loop {
            match events.next() {
                Ok(event) => {
                    concerned |= event.events().intersects(own)
                        || event
                            .file_name()
                            .is_none_or(|changed| changed.to_bytes() == name.as_bytes());
                }
                Err(Errno::WOULDBLOCK) => return Ok(concerned),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    #[cfg(test)]
    mod tests {
        #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
        use super::*;
        use std::fs;

        #[tokio::test]
        async fn what_becomes_of_the_name_is_told_and_of_others_is_not() {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("d.sock");
            fs::write(&path, "").unwrap();
            let mut watch = Watch::of(&path).unwrap();
            fs::write(directory.path().join("other"), "").unwrap();
            let told = tokio::time::timeout(std::time::Duration::from_millis(20), watch.changed());
            assert!(told.await.is_err());
            fs::remove_file(&path).unwrap();
            assert!(watch.changed().await);
            fs::rename(directory.path().join("other"), &path).unwrap();
            assert!(watch.changed().await);
            let away = directory.path().with_extension("away");
            fs::rename(directory.path(), &away).unwrap();
            assert!(watch.changed().await, "the directory itself");
            fs::remove_dir_all(away).unwrap();
        }
    }
}
