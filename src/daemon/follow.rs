//! Following links for a standing permission, on a thread of its own and for a bounded time.
//!
//! The store's writer asks, within the transaction that decides. A network drive that does not answer
//! must hold up nothing: after [`PATIENCE`] it is not known where a path leads, so that a person decides,
//! and while [`MAX_WAITING`] such threads hang nothing more is asked. Called for edits of sessions that
//! accept them, and for files of a tool that was just allowed; takes some tens of microseconds.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::domain::workspace::{File, NotCovered, Place, Workspace, covers_edit, covers_tool};
use crate::domain::{Approval, Session};
use crate::platform::{FileKind, follow_links};

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_millis(250);

/// Most threads that wait for a disk.
const MAX_WAITING: usize = 4;

/// Follows links; knows what belongs to the user and to the daemon.
pub struct Follower {
    home: Option<String>,
    own: Vec<String>,
    /// Of each session, the files that decide what its agent runs unasked.
    named: Mutex<HashMap<i64, Arc<BTreeSet<String>>>>,
    waiting: Arc<AtomicUsize>,
}

impl Follower {
    /// For a daemon with this database: beside it is all that it keeps.
    #[must_use]
    pub fn new(database: &Path) -> Self {
        let directory = database.parent().map(Path::to_string_lossy);
        Self {
            home: std::env::home_dir().map(|home| home.to_string_lossy().into_owned()),
            own: directory.into_iter().map(String::from).collect(),
            named: Mutex::default(),
            waiting: Arc::default(),
        }
    }

    /// Notes which files decide what the commands of a session's project do.
    pub fn note_named(&self, session_key: i64, named: BTreeSet<String>) {
        let mut known = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(session_key, Arc::new(named));
    }

    /// Whether a standing permission for edits covers a request. As long as nobody has looked at what the session's
    /// project runs, it covers none.
    #[must_use]
    pub fn covers_edit(&self, session: &Session, approval: &Approval) -> bool {
        let (tool, input) = (approval.tool_name.as_str(), &approval.tool_input);
        let covers = match self.workspace(session) {
            Some(workspace) => covers_edit(&workspace, tool, input, &|paths| self.follow(paths)),
            None => Err(NotCovered::NotLooked),
        };
        note(covers, approval)
    }

    /// Whether a rule that allows a whole tool covers a request.
    #[must_use]
    pub fn covers_tool(&self, session: &Session, approval: &Approval) -> bool {
        let (tool, input) = (approval.tool_name.as_str(), &approval.tool_input);
        let covers = match self.workspace(session) {
            Some(workspace) => covers_tool(&workspace, tool, input, &|paths| self.follow(paths)),
            None => Err(NotCovered::NotLooked),
        };
        note(covers, approval)
    }

    fn workspace(&self, session: &Session) -> Option<Workspace> {
        let additional = session.config.additional_directories.iter();
        let named = {
            let known = self.named.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(known.get(&session.key)?)
        };
        Some(Workspace {
            directories: [&session.working_dir]
                .into_iter()
                .chain(additional)
                .cloned()
                .collect(),
            led_to: session.config.directories_led_to.clone(),
            home: self.home.clone(),
            own: self.own.clone(),
            named,
        })
    }

    fn follow(&self, paths: Vec<String>) -> Option<Vec<Option<Place>>> {
        if self.waiting.fetch_add(1, Ordering::AcqRel) >= MAX_WAITING {
            self.waiting.fetch_sub(1, Ordering::AcqRel);
            return None;
        }
        let waiting = Arc::clone(&self.waiting);
        let (answer, answered) = mpsc::sync_channel(1);
        let work = move || {
            let places = paths.iter().map(|path| place(Path::new(path))).collect();
            waiting.fetch_sub(1, Ordering::AcqRel);
            // Nobody waits any more when it took too long.
            let _ = answer.send(places);
        };
        let thread = std::thread::Builder::new().name("follow".to_owned());
        if let Err(error) = thread.spawn(work) {
            tracing::warn!(%error, "cannot start a thread that follows links");
            self.waiting.fetch_sub(1, Ordering::AcqRel);
            return None;
        }
        answered.recv_timeout(PATIENCE).ok()
    }
}

fn place(path: &Path) -> Option<Place> {
    let (path, kind): (PathBuf, _) = follow_links(path).ok()?;
    Some(Place {
        path: path.into_os_string().into_string().ok()?,
        file: match kind {
            FileKind::Missing => File::Missing,
            FileKind::File { names: 1 } => File::Plain,
            FileKind::File { .. } => File::Linked,
            FileKind::Directory => File::Directory,
            FileKind::Special => File::Special,
        },
    })
}

fn note(covers: Result<(), NotCovered>, approval: &Approval) -> bool {
    if let Err(reason) = covers {
        tracing::info!(approval = %approval.id, tool = approval.tool_name, %reason, "no standing permission covers it: a person decides");
    }
    covers.is_ok()
}
