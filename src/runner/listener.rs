//! The runner's socket in its place.
//!
//! Whoever deletes it, or puts another one there, would keep every later daemon away from the session. So the
//! runner is told by the system when something changes in its directory, and binds it again. (Elsewhere than on
//! Linux it stays away, which the daemon says.) Waiting costs nothing.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use rustix::fs::Mode;

use crate::platform::SocketPath;

/// A bound socket.
pub(super) struct Listener {
    socket: UnixListener,
    path: PathBuf,
    /// The file that it was bound to.
    file: Option<(u64, u64)>,
    #[cfg(target_os = "linux")]
    watch: Option<std::os::fd::OwnedFd>,
}

impl Listener {
    /// Listens at `path`, readable by the owner only from its first moment. What is there is a leftover, as
    /// the runner's lock is held. No other thread may run yet.
    pub(super) fn bind(path: &Path) -> io::Result<Self> {
        // There is no other thread yet that this could surprise.
        let before = rustix::process::umask(Mode::from_raw_mode(0o177));
        let bound = bind(path);
        rustix::process::umask(before);
        Ok(Self {
            socket: bound?,
            path: path.to_owned(),
            file: file_at(path),
            #[cfg(target_os = "linux")]
            watch: path.parent().and_then(watch),
        })
    }

    /// Waits for the next connection, and keeps the socket in its place meanwhile, as long as the session is
    /// not over: then the socket goes, and its directory with it.
    pub(super) fn accept(&mut self, is_over: impl Fn() -> bool) -> io::Result<UnixStream> {
        #[cfg(target_os = "linux")]
        self.wait(&is_over);
        #[cfg(not(target_os = "linux"))]
        let _ = is_over;
        self.socket.accept().map(|(socket, _)| socket)
    }

    /// Waits until somebody connects.
    #[cfg(target_os = "linux")]
    fn wait(&mut self, is_over: &impl Fn() -> bool) {
        use std::os::fd::AsFd as _;

        use rustix::event::{PollFd, PollFlags, poll};
        loop {
            let Some(watch) = &self.watch else {
                return;
            };
            let mut ready = [
                PollFd::from_borrowed_fd(self.socket.as_fd(), PollFlags::IN),
                PollFd::from_borrowed_fd(watch.as_fd(), PollFlags::IN),
            ];
            if rustix::io::retry_on_intr(|| poll(&mut ready, None)).is_err() {
                return;
            }
            if ready[1].revents().is_empty() {
                return;
            }
            // What happened is seen in the directory itself.
            let mut news = [0; 4096];
            while rustix::io::read(watch, &mut news).is_ok_and(|read| read > 0) {}
            if !is_over() {
                self.keep_in_place();
            }
        }
    }

    #[cfg(target_os = "linux")]
    fn keep_in_place(&mut self) {
        let is_there = self.path.parent().is_some_and(Path::exists);
        // At the end of a session its directory goes.
        if !is_there || file_at(&self.path) == self.file {
            return;
        }
        if let Ok(socket) = bind(&self.path) {
            // The directory is open to nobody else.
            let _ = fs::set_permissions(&self.path, fs::Permissions::from_mode(0o600));
            self.socket = socket;
            self.file = file_at(&self.path);
        }
        // Who deletes it again and again is not to keep this process busy.
        std::thread::sleep(REBIND_PAUSE);
    }
}

/// The pause after the socket was bound again.
#[cfg(target_os = "linux")]
const REBIND_PAUSE: std::time::Duration = std::time::Duration::from_millis(20);

fn bind(path: &Path) -> io::Result<UnixListener> {
    match fs::remove_file(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let short = SocketPath::of(path)?;
    UnixListener::bind(short.path())
}

fn file_at(path: &Path) -> Option<(u64, u64)> {
    let found = fs::symlink_metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}

/// Has the system tell when files come into a directory or go.
#[cfg(target_os = "linux")]
fn watch(directory: &Path) -> Option<std::os::fd::OwnedFd> {
    use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};
    let watch = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).ok()?;
    let changes =
        WatchFlags::CREATE | WatchFlags::DELETE | WatchFlags::MOVED_FROM | WatchFlags::MOVED_TO;
    add_watch(&watch, directory, changes).ok()?;
    Some(watch)
}
