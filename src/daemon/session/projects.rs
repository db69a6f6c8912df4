//! What a project's files of Claude Code do to a launch: used, left out, or asked about first.
//!
//! Looked at before each process of a session, so that a resume and a fork ask too when the files are not
//! known. What an agent launches uses none of them in any case.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;

use super::Context;
use crate::daemon::project::{self, Found};
use crate::daemon::store::{ProjectAnswer, StoreError};
use crate::domain::LaunchConfig;
use crate::domain::project::Project;

/// What is known of a project's files for a launch.
pub struct Looked {
    /// The repository, where it was looked at.
    pub repository: Option<String>,
    /// What to do.
    pub verdict: Verdict,
}

/// What to do with a project's files.
pub enum Verdict {
    /// There is nothing to be asked, or a person wants them used.
    Use,
    /// A person wants them left out.
    Without,
    /// A person has to be asked.
    Ask(Box<Project>),
}

impl Looked {
    /// How a process is launched then.
    pub fn apply(&self, config: LaunchConfig) -> LaunchConfig {
        LaunchConfig {
            without_project: matches!(self.verdict, Verdict::Without),
            ..config
        }
    }
}

/// A directory in which the files that count do not answer.
#[derive(Debug, thiserror::Error)]
#[error("the files of Claude Code for {} do not answer: their disk may be gone", .0.display())]
pub struct Silent(PathBuf);

/// How long the files are waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Looks at what a project brings to a launch. `ask_again` leaves out of account what was said about it before.
///
/// # Errors
/// When the database cannot be read or written.
pub async fn look(
    ctx: &Context,
    config: &LaunchConfig,
    directory: &Path,
    env: Option<&BTreeMap<String, String>>,
    ask_again: bool,
) -> Result<Result<Looked, Silent>, StoreError> {
    if config.by_an_agent {
        return Ok(Ok(Looked {
            repository: None,
            verdict: Verdict::Use,
        }));
    }
    let Some(Found { project, .. }) = read(config, directory, env).await else {
        return Ok(Err(Silent(directory.to_owned())));
    };
    let repository = Some(project.repository.clone());
    let verdict = match ask_again && !project.brings().is_empty() {
        true => Verdict::Ask(Box::new(project)),
        false => verdict(ctx, project).await?,
    };
    Ok(Ok(Looked {
        repository,
        verdict,
    }))
}

/// What reads what a project brings to a session, on a thread that may hang with the disk.
pub fn reader(
    config: &LaunchConfig,
    directory: &Path,
    env: Option<&BTreeMap<String, String>>,
) -> impl FnOnce() -> Found + Send + 'static {
    let directory: PathBuf = directory.to_owned();
    let additional = config.additional_directories.clone();
    let env = env.cloned().unwrap_or_default();
    move || project::read(&directory, &additional, &env)
}

/// The last read of each directory whose files did not answer in time.
static SILENT: Mutex<BTreeMap<PathBuf, JoinHandle<Found>>> = Mutex::new(BTreeMap::new());

fn silent() -> MutexGuard<'static, BTreeMap<PathBuf, JoinHandle<Found>>> {
    SILENT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads what a project brings to a session; none where its files do not answer. While they do not, no further thread
/// waits for them.
async fn read(
    config: &LaunchConfig,
    directory: &Path,
    env: Option<&BTreeMap<String, String>>,
) -> Option<Found> {
    {
        let mut silent = silent();
        silent.retain(|_, read| !read.is_finished());
        if silent.contains_key(directory) {
            return None;
        }
    }
    let mut read = tokio::task::spawn_blocking(reader(config, directory, env));
    match tokio::time::timeout(PATIENCE, &mut read).await {
        Ok(Ok(found)) => Some(found),
        Ok(Err(error)) => {
            tracing::error!(directory = %directory.display(), %error, "reading a project's files failed");
            None
        }
        Err(_) => {
            silent().insert(directory.to_owned(), read);
            None
        }
    }
}

/// What a person wants done with a project's files.
///
/// # Errors
/// When the database cannot be read or written.
pub async fn verdict(ctx: &Context, project: Project) -> Result<Verdict, StoreError> {
    if project.brings().is_empty() {
        return Ok(Verdict::Use);
    }
    Ok(match ctx.store.project_answer(project.clone()).await? {
        Some(ProjectAnswer::Use) => Verdict::Use,
        Some(ProjectAnswer::Without) => Verdict::Without,
        None => Verdict::Ask(Box::new(project)),
    })
}
