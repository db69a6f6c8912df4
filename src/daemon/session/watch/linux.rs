//! The watcher on Linux: inotify, read by a task of the runtime.
//!
//! Owns the inotify descriptor and which wake-up belongs to which directory. A user has few of those (128 as a rule), and
//! each runner may take one: where there is none left, all directories are looked at again and again.

use std::collections::HashMap;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use rustix::io::Errno;
use tokio::io::unix::AsyncFd;
use tokio::sync::Notify;
use tokio_util::task::AbortOnDropHandle;

use super::is_news;

/// Bytes of events that are read at once; more are read at once after them.
const BUFFER: usize = 8 * 1024;

/// How often all directories are looked at where the system does not tell what changes in them.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The watcher.
pub struct Watcher {
    /// None where the system has none left.
    system: Option<Arc<AsyncFd<OwnedFd>>>,
    watched: Arc<Mutex<Watched>>,
    _reading: AbortOnDropHandle<()>,
}

/// What is watched, by the system's number for it.
#[derive(Default)]
struct Watched {
    wakes: HashMap<i32, Arc<Notify>>,
    numbers: HashMap<PathBuf, i32>,
    /// The last number that was given to a directory of which the system tells nothing. The system's are positive.
    own_number: i32,
}

impl Watcher {
    /// Starts watching nothing. To be called in a runtime.
    ///
    /// # Errors
    /// When the runtime takes no further descriptor.
    pub fn new() -> io::Result<Self> {
        let system = match inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC) {
            Ok(system) => system,
            Err(error) => {
                tracing::warn!(%error, "the system has no inotify instance left, so that session directories are looked at twenty times a second: raise fs.inotify.max_user_instances and restart the daemon");
                return Ok(Self::without_the_system());
            }
        };
        #[allow(
            deprecated,
            reason = "its successor is unsafe for the sake of types that may exchange their descriptor; an OwnedFd does not"
        )]
        let system = Arc::new(AsyncFd::new(system)?);
        let watched = Arc::default();
        let reading = tokio::spawn(read(Arc::clone(&system), Arc::clone(&watched)));
        Ok(Self {
            system: Some(system),
            watched,
            _reading: AbortOnDropHandle::new(reading),
        })
    }

    fn without_the_system() -> Self {
        let watched: Arc<Mutex<Watched>> = Arc::default();
        let looking = tokio::spawn({
            let watched = Arc::clone(&watched);
            async move {
                loop {
                    tokio::time::sleep(LOOK_EVERY).await;
                    lock(&watched).wake_all();
                }
            }
        });
        Self {
            system: None,
            watched,
            _reading: AbortOnDropHandle::new(looking),
        }
    }

    /// Watches a session's directory from now on.
    ///
    /// # Errors
    /// When the directory is gone or the system's limit of watches is reached.
    pub fn watch(&self, dir: &Path) -> io::Result<Arc<Notify>> {
        let wake = Arc::new(Notify::new());
        let flags = WatchFlags::MODIFY
            | WatchFlags::CREATE
            | WatchFlags::MOVED_TO
            | WatchFlags::MOVED_FROM
            | WatchFlags::DELETE
            | WatchFlags::ONLYDIR;
        // Held meanwhile, so that the first event finds its wake-up.
        let mut watched = lock(&self.watched);
        let number = match &self.system {
            Some(system) => inotify::add_watch(system.get_ref(), dir, flags)?,
            None => {
                watched.own_number -= 1;
                watched.own_number
            }
        };
        watched.wakes.insert(number, Arc::clone(&wake));
        watched.numbers.insert(dir.to_owned(), number);
        Ok(wake)
    }

    /// Watches it no more. The system forgets a directory that was removed by itself.
    pub fn forget(&self, dir: &Path) {
        let mut watched = lock(&self.watched);
        if let Some(number) = watched.numbers.remove(dir)
            && watched.wakes.remove(&number).is_some()
            && let Some(system) = &self.system
        {
            let _ = inotify::remove_watch(system.get_ref(), number);
        }
    }
}

async fn read(system: Arc<AsyncFd<OwnedFd>>, watched: Arc<Mutex<Watched>>) {
    let mut buffer = vec![MaybeUninit::uninit(); BUFFER];
    loop {
        let mut ready = match system.readable().await {
            Ok(ready) => ready,
            Err(error) => {
                // The runtime ends.
                tracing::debug!(%error, "session directories are watched no more");
                return;
            }
        };
        if let Err(error) = tell(&system, &watched, &mut buffer) {
            tracing::warn!(%error, "watching session directories failed; looking at all of them");
            lock(&watched).wake_all();
        }
        // Nothing was left to read; what comes makes it ready again.
        ready.clear_ready();
    }
}

/// Reads all events that there are and wakes whom they concern.
fn tell(
    system: &AsyncFd<OwnedFd>,
    watched: &Mutex<Watched>,
    buffer: &mut [MaybeUninit<u8>],
) -> io::Result<()> {
    let mut events = Reader::new(system.get_ref(), buffer);
    loop {
        let event = match events.next() {
            Ok(event) => event,
            Err(Errno::WOULDBLOCK) => return Ok(()),
            Err(Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        };
        let mut watched = lock(watched);
        if event.events().contains(ReadFlags::QUEUE_OVERFLOW) {
            watched.wake_all();
        } else if event.events().contains(ReadFlags::IGNORED) {
            watched.wakes.remove(&event.wd());
        } else if event
            .file_name()
            .is_some_and(|name| is_news(name.to_bytes()))
            && let Some(wake) = watched.wakes.get(&event.wd())
        {
            wake.notify_one();
        }
    }
}

impl Watched {
    fn wake_all(&self) {
        self.wakes.values().for_each(|wake| wake.notify_one());
    }
}

fn lock(watched: &Mutex<Watched>) -> MutexGuard<'_, Watched> {
    watched.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use std::fs;

    #[tokio::test]
    async fn where_the_system_tells_nothing_everybody_is_woken_again_and_again() {
        let directory = tempfile::tempdir().unwrap();
        let watcher = Watcher::without_the_system();
        let wake = watcher.watch(directory.path()).unwrap();
        wake.notified().await;
        wake.notified().await;
        watcher.forget(directory.path());
        assert!(lock(&watcher.watched).wakes.is_empty());
    }

    #[tokio::test]
    async fn a_change_wakes_whom_it_concerns_and_nobody_else() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let watcher = Watcher::new().unwrap();
        let wake_one = watcher.watch(one.path()).unwrap();
        let wake_other = watcher.watch(other.path()).unwrap();
        fs::write(one.path().join("stderr.log"), "x").unwrap();
        fs::write(other.path().join("journal.jsonl"), "x").unwrap();
        // Events come in order: the first would have been told by now.
        wake_other.notified().await;
        let told = tokio::time::timeout(std::time::Duration::ZERO, wake_one.notified()).await;
        assert!(told.is_err());
        fs::rename(one.path().join("stderr.log"), one.path().join("exit.json")).unwrap();
        wake_one.notified().await;
    }

    #[tokio::test]
    async fn a_forgotten_directory_is_watched_no_more_and_can_be_again() {
        let dir = tempfile::tempdir().unwrap();
        let watcher = Watcher::new().unwrap();
        watcher.watch(dir.path()).unwrap();
        watcher.forget(dir.path());
        assert!(lock(&watcher.watched).wakes.is_empty());
        let wake = watcher.watch(dir.path()).unwrap();
        fs::write(dir.path().join("s"), "x").unwrap();
        wake.notified().await;
    }
}
