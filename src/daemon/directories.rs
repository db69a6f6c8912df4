//! Whether the directories in which sessions work are there, and where one that is gone may be now.
//!
//! Looks on threads of its own and for a bounded time: a network drive that does not answer holds nothing
//! up. While [`MAX_HANGING`] looks hang, nothing more is looked at, and a directory at which one hangs is not
//! looked at again before it has come back. Changes nothing on disk. [`watch`] notes what it finds with the
//! sessions; [`problem`] is asked before a process is started.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::fs::{Access, access};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::store::Store;
use crate::domain::text::nearest;

/// How long one look may take.
const PATIENCE: Duration = Duration::from_secs(1);
/// Most looks that hang.
const MAX_HANGING: usize = 4;
/// Directories of which it is known which they are, before those of no session are forgotten.
const MAX_KNOWN: usize = 2_000;
/// How often the sessions' directories are looked at.
const EVERY: Duration = Duration::from_secs(3);
/// Most entries of a parent among which a directory is looked for that has another name now.
const MAX_SIBLINGS: usize = 2_000;

/// The directories at which a look hangs.
static HANGING: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

fn hanging() -> std::sync::MutexGuard<'static, BTreeSet<String>> {
    HANGING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Which directory it is, whatever its name.
type Identity = (u64, u64);

/// Which directories were where, when they were last looked at.
static KNOWN: Mutex<BTreeMap<String, Identity>> = Mutex::new(BTreeMap::new());

fn known() -> std::sync::MutexGuard<'static, BTreeMap<String, Identity>> {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How a directory is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Look {
    /// What is wrong with it.
    problem: Option<String>,
    /// Where it may be now.
    candidate: Option<String>,
}

/// What is wrong with a directory; none where a process can be started in it.
pub async fn problem(path: &str) -> Option<String> {
    let look = look_at(vec![path.to_owned()]).await.pop()?;
    look.unwrap_or_else(|| silent(path)).problem
}

/// What is wrong with the first of some directories that does not answer.
pub async fn first_silent(paths: &[String]) -> Option<String> {
    let looks = look_at(paths.to_vec()).await;
    let mut looked = paths.iter().zip(looks);
    looked.find_map(|(path, look)| match look {
        Some(look) if look == silent(path) => look.problem,
        None => silent(path).problem,
        Some(_) => None,
    })
}

/// Looks at the sessions' directories again and again, and notes what has changed.
pub async fn watch(store: Store, stop: CancellationToken) {
    loop {
        if let Err(error) = look_at_all(&store).await {
            tracing::warn!(%error, "cannot note which directories are missing");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

async fn look_at_all(store: &Store) -> Result<(), super::store::StoreError> {
    let noted = store.directories().await?;
    {
        let mut known = known();
        if known.len() > MAX_KNOWN {
            known.retain(|path, _| noted.iter().any(|one| one.path == *path));
        }
    }
    let asked = noted.iter().map(|one| one.path.clone()).collect();
    let looks = look_at(asked).await;
    for (mut one, look) in noted.into_iter().zip(looks) {
        // What cannot be looked at now is as it was.
        let Some(look) = look else { continue };
        if (&one.problem, &one.candidate) != (&look.problem, &look.candidate) {
            (one.problem, one.candidate) = (look.problem, look.candidate);
            store.note_directory(one).await?;
        }
    }
    Ok(())
}

/// Looks at directories one after the other; none for what cannot be looked at now.
async fn look_at(asked: Vec<String>) -> Vec<Option<Look>> {
    let mut looks: Vec<Option<Look>> = Vec::with_capacity(asked.len());
    let mut answers: Option<mpsc::UnboundedReceiver<Look>> = None;
    while let Some(next) = asked.get(looks.len()) {
        if hanging().contains(next) {
            looks.push(Some(silent(next)));
            answers = None;
            continue;
        }
        let receiver = match &mut answers {
            Some(receiver) => receiver,
            None => match start(asked.get(looks.len()..).unwrap_or_default()) {
                Some(receiver) => answers.insert(receiver),
                None => {
                    looks.push(None);
                    continue;
                }
            },
        };
        match tokio::time::timeout(PATIENCE, receiver.recv()).await {
            Ok(Some(look)) => looks.push(Some(look)),
            // The thread has met one at which another look hangs.
            Ok(None) => answers = None,
            Err(_) => {
                looks.push(Some(silent(next)));
                answers = None;
            }
        }
    }
    looks
}

/// Looks on a thread, up to the first directory at which a look hangs already. Whoever does not wait any
/// longer drops the receiver, and the thread ends when it comes back.
fn start(asked: &[String]) -> Option<mpsc::UnboundedReceiver<Look>> {
    let asked = asked.to_vec();
    let (answer, answers) = mpsc::unbounded_channel();
    let work = move || {
        for path in asked {
            {
                let mut hanging = hanging();
                if hanging.len() >= MAX_HANGING || !hanging.insert(path.clone()) {
                    return;
                }
            }
            let look = look(&path);
            hanging().remove(&path);
            if answer.send(look).is_err() {
                return;
            }
        }
    };
    if hanging().len() >= MAX_HANGING {
        return None;
    }
    let thread = std::thread::Builder::new().name("directories".to_owned());
    match thread.spawn(work) {
        Ok(_) => Some(answers),
        Err(error) => {
            tracing::warn!(%error, "cannot start a thread that looks at directories");
            None
        }
    }
}

fn silent(path: &str) -> Look {
    Look {
        problem: Some(format!(
            "the directory {path} does not answer: its disk may be gone"
        )),
        ..Look::default()
    }
}

fn look(path: &str) -> Look {
    let found = std::fs::metadata(path).and_then(|found| match found.is_dir() {
        true => access(path, Access::EXEC_OK)
            .map(|()| (found.dev(), found.ino()))
            .map_err(io::Error::from),
        false => Err(io::ErrorKind::NotADirectory.into()),
    });
    let error = match found {
        Ok(identity) => {
            known().insert(path.to_owned(), identity);
            return Look::default();
        }
        Err(error) => error,
    };
    let problem = match error.kind() {
        io::ErrorKind::NotFound => format!("the directory {path} is missing"),
        io::ErrorKind::NotADirectory => format!("{path} is no directory"),
        io::ErrorKind::PermissionDenied => {
            format!("the directory {path} cannot be entered: permission denied")
        }
        _ => format!("the directory {path} cannot be used: {error}"),
    };
    let is_gone = matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    );
    Look {
        problem: Some(problem),
        candidate: is_gone.then(|| elsewhere(path)).flatten(),
    }
}

/// Where a directory may be that is not where it was: the same one under another name beside it, else one
/// with a name that resembles its name.
fn elsewhere(path: &str) -> Option<String> {
    let was = known().get(path).copied();
    let path = Path::new(path);
    let (parent, name) = (path.parent()?, path.file_name()?.to_str()?);
    let siblings: Vec<(String, Identity)> = std::fs::read_dir(parent)
        .ok()?
        .take(MAX_SIBLINGS)
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let found = entry.metadata().ok().filter(std::fs::Metadata::is_dir)?;
            Some((
                entry.file_name().into_string().ok()?,
                (found.dev(), found.ino()),
            ))
        })
        .collect();
    let same = siblings
        .iter()
        .find(|(_, identity)| Some(*identity) == was)
        .map(|(name, _)| name.as_str());
    let found = same.or_else(|| nearest(name, siblings.iter().map(|(name, _)| name.as_str())))?;
    parent.join(found).into_os_string().into_string().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn text(path: &Path) -> String {
        path.to_str().unwrap().to_owned()
    }

    #[test]
    fn a_directory_that_was_renamed_is_found_by_what_it_is_and_else_by_its_name() {
        let root = tempfile::tempdir().unwrap();
        let [old, new] = ["shop", "market"].map(|name| text(&root.path().join(name)));
        for name in ["shop", "shopping", "other"] {
            std::fs::create_dir(root.path().join(name)).unwrap();
        }
        assert_eq!(look(&old), Look::default());
        std::fs::rename(&old, &new).unwrap();
        let gone = look(&old);
        assert_eq!(gone.candidate.as_ref(), Some(&new));
        let problem = gone.problem.unwrap();
        assert!(problem.contains("shop is missing"), "{problem}");
        known().remove(&old);
        let near = root.path().join("shop2");
        std::fs::create_dir(&near).unwrap();
        assert_eq!(look(&old).candidate, Some(text(&near)));
        std::fs::write(&old, "").unwrap();
        let problem = look(&old).problem.unwrap();
        assert!(problem.contains("is no directory"), "{problem}");
    }

    #[tokio::test]
    async fn one_at_which_a_look_hangs_is_not_looked_at_again_and_holds_up_no_other() {
        let root = tempfile::tempdir().unwrap();
        let (stuck, fine) = (text(&root.path().join("stuck")), text(root.path()));
        hanging().insert(stuck.clone());
        let looks = look_at(vec![fine.clone(), stuck.clone(), fine]).await;
        hanging().remove(&stuck);
        let problems: Vec<Option<String>> = looks
            .into_iter()
            .map(|look| look.unwrap().problem)
            .collect();
        assert_eq!((&problems[0], &problems[2]), (&None, &None));
        let said = problems[1].as_deref().unwrap();
        assert!(said.contains("does not answer"), "{said}");
    }
}
