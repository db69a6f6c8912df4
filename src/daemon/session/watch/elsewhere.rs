//! The watcher where there is no inotify: kqueue, through a crate that reads it on a thread.
//!
//! Owns that crate's watcher and which wake-up belongs to which directory.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::Notify;

use super::is_news;

type Wakes = Arc<Mutex<HashMap<PathBuf, Arc<Notify>>>>;

/// The watcher.
pub struct Watcher {
    system: Mutex<RecommendedWatcher>,
    wakes: Wakes,
}

impl Watcher {
    /// Starts watching nothing.
    ///
    /// # Errors
    /// When the system offers no (more) watchers.
    pub fn new() -> io::Result<Self> {
        let wakes = Wakes::default();
        let heard = Arc::clone(&wakes);
        let system = notify::recommended_watcher(move |event| on_event(&heard, event))
            .map_err(io::Error::other)?;
        Ok(Self {
            system: Mutex::new(system),
            wakes,
        })
    }

    /// Watches a session's directory from now on.
    ///
    /// # Errors
    /// When the directory is gone or the system's limit of watches is reached.
    pub fn watch(&self, dir: &Path) -> io::Result<Arc<Notify>> {
        let wake = Arc::new(Notify::new());
        self.wakes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(dir.to_owned(), Arc::clone(&wake));
        self.system
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .watch(dir, RecursiveMode::NonRecursive)
            .map_err(io::Error::other)?;
        Ok(wake)
    }

    /// Watches it no more. The system forgets a directory that was removed by itself.
    pub fn forget(&self, dir: &Path) {
        self.wakes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(dir);
        let _ = self
            .system
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .unwatch(dir);
    }
}

fn on_event(wakes: &Wakes, event: notify::Result<notify::Event>) {
    let wakes = wakes.lock().unwrap_or_else(PoisonError::into_inner);
    match event {
        Ok(event) if event.need_rescan() => wakes.values().for_each(|wake| wake.notify_one()),
        Ok(event) => {
            // Our own reading is no news.
            if matches!(event.kind, EventKind::Access(_)) {
                return;
            }
            for path in &event.paths {
                let interesting = path
                    .file_name()
                    .is_some_and(|name| is_news(name.as_encoded_bytes()));
                if interesting && let Some(wake) = path.parent().and_then(|dir| wakes.get(dir)) {
                    wake.notify_one();
                }
            }
        }
        Err(error) => {
            tracing::warn!(%error, "watching session directories failed; looking at all of them");
            wakes.values().for_each(|wake| wake.notify_one());
        }
    }
}
